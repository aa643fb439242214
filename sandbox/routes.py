"""From a method and a path to a verb on a resource.

A path that no cluster knows gives 404; one that a real server serves and the sandbox does not
gives 501. There is no third way: nothing is ignored.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.requests import Request
from sandbox.resources import ADDONS, BUILT_IN_GROUPS, RESOURCES, Resource, find_resource
from sandbox.status import no_resource, not_allowed, not_implemented

_API = re.compile(
    r"^/(?:api/(?P<core>[^/]+)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))/(?P<rest>.+?)/?$"
)
_COLLECTION = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
_NAMED = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_SUBRESOURCE = {**_NAMED, "POST": "create"}


@dataclass(frozen=True)
class Route:
    """What is asked: `name` and `subresource` are empty where they do not apply."""

    verb: str
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def find_route(request: Request, addons: Collection[str] = ADDONS) -> Route | None:
    """The route, or None for a path that no cluster knows; raises ApiError 404, 405 or 501.

    `addons` are the groups that somebody has installed.
    """
    found = _API.match(request.path)
    if found is None:
        return None
    group, version = found["group"] or "", found["version"] or found["core"]
    namespace, plural, name, subresource = _segments(found["rest"], group)
    missing = group in ADDONS and group not in addons
    resource = None if missing else find_resource(group, version, plural)
    if resource is None:
        _refuse(group, version, plural)
        return None
    verb = _verb(request, name, subresource)
    _check_shape(resource, verb, namespace, subresource)
    return Route(verb, resource, namespace, name, subresource)


def _segments(rest: str, group: str) -> tuple[str, str, str, str]:
    """(namespace, plural, name, subresource); a namespace itself is a resource of core."""
    first, *others = [unquote(part) for part in rest.split("/")]
    is_inside = first == "namespaces" and others[1:2] not in ([], ["status"], ["finalize"])
    if first == "namespaces" and (is_inside or group):
        return (others[0] if others else "", *_object(others[1:]))
    return ("", *_object([first, *others]))


def _object(parts: list[str]) -> tuple[str, str, str]:
    plural, name, *subresource = [*parts, "", ""][: max(2, len(parts))]
    return plural, name, "/".join(subresource)


def _refuse(group: str, version: str, plural: str) -> None:
    served = {resource.version for resource in RESOURCES if resource.group == group}
    if group not in BUILT_IN_GROUPS:
        return
    if served and version not in served:
        raise no_resource()
    raise not_implemented(f"{plural or 'this path'} of {group or 'the core group'}/{version}")


def _verb(request: Request, name: str, subresource: str) -> str:
    table = _SUBRESOURCE if subresource else _NAMED if name else _COLLECTION
    verb = table.get(request.method)
    if verb is None:
        raise not_allowed()
    return "watch" if verb == "list" and request.flag("watch") else verb


def _check_shape(resource: Resource, verb: str, namespace: str, subresource: str) -> None:
    offered = resource.subresources.get(subresource, ()) if subresource else resource.verbs
    if subresource == "scale" and not offered:
        raise no_resource()
    if verb not in offered:
        raise not_implemented(_spoken(resource, verb, subresource))
    if resource.namespaced and not namespace and verb not in {"list", "watch"}:
        raise not_allowed()


def _spoken(resource: Resource, verb: str, subresource: str) -> str:
    tail = f"/{subresource}" if subresource else ""
    return f"{verb} of {resource.qualified}{tail}"
