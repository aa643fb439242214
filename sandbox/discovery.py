"""The small read-only documents by which clients find out what a server offers.

They are derived from the table of resources, so they cannot promise more than is done.
"""

from sandbox.objects import Object
from sandbox.resources import RESOURCES, Resource

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


def document(path: str) -> Object | None:
    """The discovery document under the path, or None."""
    fixed = {"/version": VERSION, "/api": _api_versions(), "/apis": _groups()}
    trimmed = path.rstrip("/")
    if trimmed in fixed:
        return fixed[trimmed]
    return _group(trimmed) or _resource_list(trimmed)


def _api_versions() -> Object:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def _named_groups() -> list[str]:
    return sorted({resource.group for resource in RESOURCES if resource.group})


def _group_entry(group: str) -> Object:
    versions = {resource.version for resource in RESOURCES if resource.group == group}
    entries = [{"groupVersion": f"{group}/{item}", "version": item} for item in sorted(versions)]
    return {"name": group, "versions": entries, "preferredVersion": entries[0]}


def _groups() -> Object:
    groups = [_group_entry(group) for group in _named_groups()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _group(path: str) -> Object | None:
    group = path.removeprefix("/apis/")
    if group not in _named_groups():
        return None
    return {"kind": "APIGroup", "apiVersion": "v1"} | _group_entry(group)


def _resource_list(path: str) -> Object | None:
    version = path.removeprefix("/apis/").removeprefix("/api/")
    prefix = "/apis/" if "/" in version else "/api/"
    served = [item for item in RESOURCES if f"{prefix}{item.api_version}" == path]
    if not served:
        return None
    entries = [entry for resource in served for entry in _entries(resource)]
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
