"""The small read-only documents by which clients find out what a server offers.

They are derived from the table of resources, so they cannot promise more than is done.
"""

from collections.abc import Collection, Sequence

from sandbox.objects import Object
from sandbox.resources import ADDONS, RESOURCES, Resource

Served = Sequence[Resource]
VERSION: Object = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0+firebreak-sandbox",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "cpython",
    "platform": "linux/amd64",
}


def document(path: str, addons: Collection[str] = ()) -> Object | None:
    """The discovery document under the path, or None; `addons` are the installed groups."""
    served = [item for item in RESOURCES if item.group not in ADDONS or item.group in addons]
    fixed = {"/version": VERSION, "/api": _api_versions(), "/apis": _groups(served)}
    trimmed = path.rstrip("/")
    if trimmed in fixed:
        return fixed[trimmed]
    return _group(served, trimmed) or _resource_list(served, trimmed)


def _api_versions() -> Object:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def _named_groups(served: Served) -> list[str]:
    return sorted({resource.group for resource in served if resource.group})


def _group_entry(served: Served, group: str) -> Object:
    versions = {resource.version for resource in served if resource.group == group}
    entries = [{"groupVersion": f"{group}/{item}", "version": item} for item in sorted(versions)]
    return {"name": group, "versions": entries, "preferredVersion": entries[0]}


def _groups(served: Served) -> Object:
    groups = [_group_entry(served, group) for group in _named_groups(served)]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _group(served: Served, path: str) -> Object | None:
    group = path.removeprefix("/apis/")
    if group not in _named_groups(served):
        return None
    return {"kind": "APIGroup", "apiVersion": "v1"} | _group_entry(served, group)


def _resource_list(served: Served, path: str) -> Object | None:
    version = path.removeprefix("/apis/").removeprefix("/api/")
    prefix = "/apis/" if "/" in version else "/api/"
    listed = [item for item in served if f"{prefix}{item.api_version}" == path]
    if not listed:
        return None
    entries = [entry for resource in listed for entry in _entries(resource)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version,
        "resources": entries,
    }


def _entries(resource: Resource) -> list[Object]:
    main = _entry(resource, resource.plural, resource.verbs)
    main |= {"singularName": resource.kind.lower(), "shortNames": list(resource.short_names)}
    return [main] + [
        _entry(resource, f"{resource.plural}/{name}", verbs)
        for name, verbs in resource.subresources.items()
    ]


def _entry(resource: Resource, name: str, verbs: tuple[str, ...]) -> Object:
    entry: Object = {"name": name, "singularName": "", "namespaced": resource.namespaced}
    if name.endswith("/scale"):
        entry |= {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    else:
        entry["kind"] = resource.kind
    return entry | {"verbs": list(verbs)}
