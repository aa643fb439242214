"""Whose days a calendar means where an event has a date and no time, or a time and no zone.

It is asked for only where such an event is near: a calendar without one needs no zone at all.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import available_timezones

from icalendar import Calendar, Event
from icalendar.timezone import tzp

from activities.directory.effort import name_of
from contracts.errors import Rejected

FIX = 'Give the calendar\'s [[oncall]] a zone, e.g. timezone = "Europe/Berlin".'
_ZONED = ("DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE")


def calendars_zone(calendar: Calendar) -> str:
    """What the calendar calls its own zone; empty where it does not say. One that is no IANA zone
    is taken out of it: those who expand it know no other.
    """
    said = str(calendar.get("X-WR-TIMEZONE", ""))
    if said and said not in available_timezones():
        calendar.pop("X-WR-TIMEZONE")
    return said


def zone_of(calendar: Calendar, near: Iterable[Event], said: Iterable[str]) -> tzinfo:
    """The zone by which these events are read: the first known one of those that are `said`, else
    the only one of the calendar; UTC where nothing is said, or none of them needs one.

    Raises:
        Rejected: one needs a zone, and which it is cannot be told for certain.

    """
    lost = next((event for event in near if _is_floating(event)), None)
    told = [name for name in said if name]
    wanted = told or sorted({zone.tz_name for zone in calendar.timezones})
    if lost is None or not wanted:
        return UTC
    known: list[tzinfo | None] = [tzp.timezone(name) for name in wanted]
    found = [zone for zone in known if zone is not None]
    if not found or (not told and len(wanted) > 1):
        names = ", ".join(wanted)[:100]
        raise Rejected(f"{name_of(lost)}: whose day is meant? The calendar says {names}", FIX)
    return found[0]


def require_known_zones(calendar: Calendar, near: Iterable[Event]) -> None:
    """Raise Rejected where one of these events is in a zone that nobody knows: its time would be
    read as another's.
    """
    lost = {str(event.get("UID")): zone for event in calendar.events for zone in _unknown(event)}
    for event in near:
        zone = lost.get(str(event.get("UID")))
        if zone is not None:
            said = f"{name_of(event)}: nobody knows its time zone '{zone[:60]}'"
            raise Rejected(said, "Give the event an IANA time zone, e.g. Europe/Berlin.")


def _is_floating(event: Event) -> bool:
    return any(_zoneless(at) for at in (event.start, event.end))


def _zoneless(at: date) -> bool:
    return not isinstance(at, datetime) or at.tzinfo is None


def _unknown(event: Event) -> Iterator[str]:
    """The zones that its times name and the libraries did not find."""
    for name in _ZONED:
        said: Any = event.get(name, [])
        for one in said if isinstance(said, list) else [said]:
            times = [inner.dt for inner in one.dts] if hasattr(one, "dts") else [one.dt]
            zone = one.params.get("TZID")
            if zone and any(isinstance(at, datetime) and at.tzinfo is None for at in times):
                yield str(zone)
