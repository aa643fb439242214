"""Events: one table, two views (core/v1 and events.k8s.io/v1), and a recorder for controllers.

The table holds the core form. The number of kept events is bounded: the oldest go first, as a
real cluster forgets them after an hour.
"""

import re
from datetime import datetime

from sandbox.objects import (
    Object,
    dig,
    name_of,
    namespace_of,
    parse_timestamp,
    text_at,
    timestamp,
    uid_of,
)
from sandbox.resources import EVENTS
from sandbox.status import Cause, bad_value, invalid, required, unsupported
from sandbox.store import Store

EVENTS_MAX = 2_000
_NOTE_MAX = 1024
_NAME_MAX = 128
_SERIES_MIN = 2
_QUALIFIED = re.compile(r"^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
_RENAMED = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
Said = tuple[str, str, str, str]
Place = tuple[str, str]
_DEPRECATED = tuple(name for name in _RENAMED if name.startswith("deprecated"))


def checked(event: Object) -> Object:
    """An event of events.k8s.io/v1, validated, in the stored form; raises ApiError 422."""
    found = _identity_problems(event) + _content_problems(event) + _series_problems(event)
    if found:
        raise invalid(("events.k8s.io", "Event"), name_of(event), found)
    stored = {_RENAMED.get(key, key): value for key, value in event.items()}
    return stored | {"kind": "Event", "apiVersion": "v1"}


def as_events_v1(stored: Object) -> Object:
    """The stored form in the words of events.k8s.io/v1."""
    back = {core: new for new, core in _RENAMED.items()}
    shown = {back.get(key, key): value for key, value in stored.items()}
    return shown | {"kind": "Event", "apiVersion": "events.k8s.io/v1"}


def _identity_problems(event: Object) -> list[Cause]:
    found = []
    if not name_of(event):
        found.append(required("metadata.name", "name or generateName is required"))
    # An event on a cluster-scoped object has no namespace of its own and lives in a system one.
    homes = {text_at(event, "regarding", "namespace") or namespace_of(event)}
    if not text_at(event, "regarding", "namespace"):
        homes = {"default", "kube-system"}
    if namespace_of(event) not in homes:
        shown = f'"{text_at(event, "regarding", "namespace")}"'
        why = "does not match event.namespace"
        found.append(bad_value("involvedObject.namespace", shown, why))
    return found


def _content_problems(event: Object) -> list[Cause]:
    found = [] if _is_time(event.get("eventTime")) else [required("eventTime")]
    for key in ("reportingController", "reportingInstance", "action", "reason"):
        found += _short_text_problems(event, key)
    controller = text_at(event, "reportingController")
    if controller and not _QUALIFIED.match(controller):
        why = "name part must consist of alphanumeric characters, '-', '_' or '.'"
        found.append(bad_value("reportingController", f'"{controller}"', why))
    if len(text_at(event, "note")) > _NOTE_MAX:
        found.append(bad_value("message", '""', "can have at most 1024 characters"))
    if event.get("type") not in {"Normal", "Warning"}:
        found.append(unsupported("type", f'"{event.get("type", "")}"', "Normal", "Warning"))
    set_fields = [name for name in _DEPRECATED if event.get(name)]
    return found + [bad_value(_RENAMED[name], '""', "needs to be unset") for name in set_fields]


def _short_text_problems(event: Object, key: str) -> list[Cause]:
    text, shown = text_at(event, key), _RENAMED.get(key, key)
    if not text:
        return [required(shown)]
    if len(text) > _NAME_MAX:
        return [bad_value(shown, '""', f"can have at most {_NAME_MAX} characters")]
    return []


def _series_problems(event: Object) -> list[Cause]:
    if event.get("series") is None:
        return []
    count = dig(event, "series", "count")
    if isinstance(count, int) and count >= _SERIES_MIN:
        return []
    return [bad_value("series.count", str(count), f"should be at least {_SERIES_MIN}")]


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(parse_timestamp(value))
    except ValueError:
        return False


class Recorder:
    """Writes the controllers' events; the same event again only grows its count."""

    def __init__(self, store: Store, events_max: int = EVENTS_MAX) -> None:
        self._store = store
        self._events_max = events_max
        self._sequence = 0
        self._kept: dict[Said, Place] = {}

    def record(self, about: Object, what: tuple[str, str, str], source: str, at: datetime) -> None:
        """`what` is (type, reason, message), e.g. ("Warning", "BackOff", "Back-off …")."""
        said = (uid_of(about), *what)
        with self._store.lock:
            before = self._kept.get(said)
            event = self._store.find(EVENTS, *before) if before else None
            if event is not None:
                event |= {"count": event["count"] + 1, "lastTimestamp": timestamp(at)}
                self._store.replace(EVENTS, event)
                # What was told again is young again.
                self._kept[said] = self._kept.pop(said)
                return
            self._forget_oldest()
            created = self._store.create(EVENTS, self._event(about, what, source, at))
            self._kept[said] = (namespace_of(created), name_of(created))

    def _event(
        self, about: Object, what: tuple[str, str, str], source: str, at: datetime
    ) -> Object:
        kind, reason, message = what
        self._sequence += 1
        name = f"{name_of(about)}.{int(at.timestamp() * 1e9):x}{self._sequence:04x}"
        return {
            "metadata": {"name": name, "namespace": namespace_of(about) or "default"},
            "involvedObject": _reference(about),
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": source},
            "reportingComponent": source,
            "reportingInstance": "",
            "firstTimestamp": timestamp(at),
            "lastTimestamp": timestamp(at),
            "count": 1,
            "eventTime": None,
        }

    def _forget_oldest(self) -> None:
        while len(self._kept) >= self._events_max:
            place = self._kept.pop(next(iter(self._kept)))
            if self._store.find(EVENTS, *place) is not None:
                self._store.remove(EVENTS, *place)


def _reference(about: Object) -> Object:
    return {
        "kind": about["kind"],
        "apiVersion": about["apiVersion"],
        "namespace": namespace_of(about),
        "name": name_of(about),
        "uid": uid_of(about),
        "resourceVersion": text_at(about, "metadata", "resourceVersion"),
    }
