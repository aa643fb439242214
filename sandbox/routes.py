"""From a method and a path to a verb on a resource.

A path that no cluster knows gives 404; one that a real server serves and the sandbox does not
gives 501. There is no third way: nothing is ignored.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.requests import Request
from sandbox.resources import BUILT_IN_GROUPS, RESOURCES, Resource, find_resource
from sandbox.status import not_allowed, not_implemented

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


def find_route(request: Request) -> Route | None:
    """The route, or None for a path that no cluster knows; raises ApiError 405 or 501."""
    found = _API.match(request.path)
    if found is None:
        return None
    group, version = found["group"] or "", found["version"] or found["core"]
    namespace, plural, name, subresource = _segments(found["rest"], group)
    resource = find_resource(group, version, plural)
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
    if group not in BUILT_IN_GROUPS or (served and version not in served):
        return
    raise not_implemented(f"{plural or 'this path'} of {group or 'the core group'}/{version}")


def _verb(request: Request, name: str, subresource: str) -> str:
    table = _SUBRESOURCE if subresource else _NAMED if name else _COLLECTION
    verb = table.get(request.method)
    if verb is None:
        raise not_allowed()
    if request.flag("watch") and verb in {"get", "list"}:
        raise not_implemented("watch")
    return verb


def _check_shape(resource: Resource, verb: str, namespace: str, subresource: str) -> None:
    offered = resource.subresources.get(subresource, ()) if subresource else resource.verbs
    if verb not in offered:
        raise not_implemented(_spoken(resource, verb, subresource))
    if resource.namespaced and not namespace and verb != "list":
        raise not_allowed()


def _spoken(resource: Resource, verb: str, subresource: str) -> str:
    tail = f"/{subresource}" if subresource else ""
    return f"{verb} of {resource.qualified}{tail}"
