"""Read JSON that another program wrote: what is missing is empty, what has another type is missing.

Objects stay plain dictionaries from the API to the decision, so that nothing is lost on the way.
This module must never change what it reads.
"""

from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]


def dig(obj: Object, *path: str) -> Any:
    """What stands at the path, or None."""
    here: Any = obj
    for step in path:
        if not isinstance(here, dict):
            return None
        here = here.get(step)
    return here


def text(obj: Object, *path: str) -> str:
    """The string at the path, or the empty string."""
    found = dig(obj, *path)
    return found if isinstance(found, str) else ""


def number(obj: Object, *path: str) -> int:
    """The integer at the path, or 0."""
    found = dig(obj, *path)
    return found if isinstance(found, int) else 0


def mapping(obj: Object, *path: str) -> Object:
    """The object at the path, or an empty one."""
    found = dig(obj, *path)
    return found if isinstance(found, dict) else {}


def items(obj: Object, *path: str) -> list[Object]:
    """The objects in the list at the path."""
    found = dig(obj, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def moment(obj: Object, *path: str) -> datetime | None:
    """The RFC 3339 time at the path, aware and in UTC, or None."""
    try:
        return datetime.fromisoformat(text(obj, *path)).astimezone(UTC)
    except ValueError:
        return None


def name_of(obj: Object) -> str:
    """`metadata.name`."""
    return text(obj, "metadata", "name")


def uid_of(obj: Object) -> str:
    """`metadata.uid`."""
    return text(obj, "metadata", "uid")


def annotation(obj: Object, key: str) -> str:
    """The annotation, or the empty string."""
    return text(obj, "metadata", "annotations", key)


def controller_of(obj: Object) -> Object:
    """The owner reference with `controller: true`, or an empty one."""
    owners = items(obj, "metadata", "ownerReferences")
    return next((owner for owner in owners if owner.get("controller") is True), {})


def selector_text(selector: Object) -> str:
    """A label selector of an object, as the query parameter says it."""
    equal = [f"{key}={value}" for key, value in mapping(selector, "matchLabels").items()]
    return ",".join(equal + [_expression(e) for e in items(selector, "matchExpressions")])


def _expression(expression: Object) -> str:
    key, values = text(expression, "key"), ",".join(expression.get("values") or [])
    shapes = {
        "In": f"{key} in ({values})",
        "NotIn": f"{key} notin ({values})",
        "Exists": key,
        "DoesNotExist": f"!{key}",
    }
    return shapes[text(expression, "operator")]
