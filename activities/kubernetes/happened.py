"""What an event says of itself: when it was last seen, how often, and about what.

The two event APIs fill different fields of the same object; both are read here.
"""

from datetime import UTC, datetime

from activities.kubernetes import raw
from activities.kubernetes.raw import Object

_NEVER = datetime.min.replace(tzinfo=UTC)
_TIMES = (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",))


def happened_at(event: Object) -> datetime:
    """When it was last seen."""
    times = (raw.moment(event, *path) for path in _TIMES)
    created = raw.moment(event, "metadata", "creationTimestamp")
    return next((at for at in times if at), created) or _NEVER


def happened_times(event: Object) -> int:
    """How often it was seen."""
    return raw.number(event, "series", "count") or raw.number(event, "count") or 1


def happened_to(event: Object) -> str:
    """`pod/web-1`."""
    about = raw.mapping(event, "involvedObject")
    return f"{raw.text(about, 'kind')}/{raw.text(about, 'name')}".lower()
