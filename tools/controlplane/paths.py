"""What a path of the Kubernetes API is about, without knowing which resources there are."""

from typing import NamedTuple
from urllib.parse import unquote

_NAMED = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
_COLLECTION = _NAMED | {"GET": "list", "DELETE": "deletecollection"}
_PREFIXES = {"api": 1, "apis": 2}
_OF_NAMESPACES = {"status", "finalize"}


class Place(NamedTuple):
    """Resource, subresource, namespace and name; empty where they do not apply."""

    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


def place_of(path: str) -> Place:
    """What the path names; an empty place for what is no resource."""
    prefix, *parts = [unquote(part) for part in path.strip("/").split("/")]
    if prefix not in _PREFIXES:
        return Place()
    parts = parts[_PREFIXES[prefix] :]
    namespace = ""
    # `namespaces/x` is an object, `namespaces/x/pods` is inside of it.
    if parts[:1] == ["namespaces"] and parts[2:] and parts[2] not in _OF_NAMESPACES:
        namespace, parts = parts[1], parts[2:]
    resource, name, *subresource = [*parts, "", ""][: max(2, len(parts))]
    return Place(resource, "/".join(subresource), namespace, name)


def verb_of(method: str, path: str, *, watches: bool = False) -> str:
    """The API verb of a request; the method in lower case for what is no resource."""
    place = place_of(path)
    if not place.resource:
        return method.lower()
    if method == "GET" and watches:
        return "watch"
    return (_NAMED if place.name else _COLLECTION).get(method, method.lower())
