"""Who is on call by a calendar: the people named by the events that cover this moment.

An event's attendees count where one of them is known; else who is named in its summary. What
cannot be read for certain is refused as a whole: half a calendar would name the wrong half.
"""

from collections.abc import Iterator, Sized
from datetime import date, datetime, time, timedelta, tzinfo
from threading import Lock
from typing import Any

import httpx
import recurring_ical_events  # type: ignore[import-untyped]  # it ships without types
from icalendar import Calendar, Event
from icalendar.timezone import tzp

from activities.directory.effort import FIX as EFFORT_FIX
from activities.directory.effort import name_of, require_bounded
from activities.directory.http import Asked, fetch
from activities.directory.people import Roster
from activities.directory.zones import calendars_zone, require_known_zones, zone_of
from contracts.errors import Rejected

FIX = "Open the calendar's address: it must answer with an iCalendar file (RFC 5545)."
EVENTS_MAX = 3_000
LINES_MAX = 30_000
# Values in lists, and parameters: each is parsed by itself.
PARTS_MAX = 100_000
# What covers one moment is searched for everybody; more than these are no shifts.
AT_ONCE_MAX = 100
SUMMARY_CHARS_MAX = 300
# Wide enough for every time zone; what covers the moment itself is told apart below.
_AROUND = timedelta(days=1)
_NOT_THERE = ("DECLINED", "DELEGATED")
# What decides when an event is, and who is there: read wrongly it would name somebody else.
_DECISIVE = {
    *("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"),
    *("STATUS", "ATTENDEE", "SEQUENCE", "UID"),
}
# The libraries have errors of their own, and let those of Python pass for what is malformed.
_MALFORMED = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(RecursionError, AssertionError, OSError),
)


class Calendars:
    """Reads calendars with a client that is shared and closed by whoever made it."""

    def __init__(self, client: httpx.Client, roster: Roster) -> None:
        self._client = client
        self._roster = roster
        # The library keeps the zones of the calendar that it reads in one place for all.
        self._one_at_a_time = Lock()

    def members(self, url: str, now: datetime, timezone: str = "") -> frozenset[str]:
        """The ids of the people on call at `now`; raises Rejected or Unavailable. `timezone` is
        whose days are meant where the calendar does not say.
        """
        body = fetch(self._client, Asked(url, FIX))
        host = httpx.URL(url).host
        try:
            with self._one_at_a_time:
                return on_call(body, now, self._roster, timezone)
        except Rejected as err:
            raise Rejected(f"{host}: {err.message}", err.fix) from None
        except _MALFORMED as err:
            said = f"{host}: the calendar cannot be read ({type(err).__name__})"
            raise Rejected(said, FIX) from None


def on_call(body: bytes, now: datetime, roster: Roster, timezone: str = "") -> frozenset[str]:
    """Who is named for `now`; raises Rejected, or what the libraries raise for what is no
    calendar. Only one at a time may run in a process.
    """
    _require_small(body)
    # What another calendar calls its own zone is not this one's.
    tzp.use_zoneinfo()
    calendar = Calendar.from_ical(body)
    if not isinstance(calendar, Calendar):
        raise TypeError("this is a part of a calendar")
    _require_few(calendar.events, EVENTS_MAX, "in the calendar")
    for event in calendar.events:
        _require_whole(event)
    require_bounded(calendar, now)
    said = calendars_zone(calendar), timezone
    near: list[Event] = recurring_ical_events.of(calendar).between(now - _AROUND, now + _AROUND)
    require_known_zones(calendar, near)
    zone = zone_of(calendar, near, said)
    covering = [event for event in near if _covers(event, now, zone) and not _cancelled(event)]
    _require_few(covering, AT_ONCE_MAX, "at this moment")
    return frozenset(person for event in covering for person in _named(event, roster))


def _require_small(body: bytes) -> None:
    if body.count(b"\n") > LINES_MAX or body.count(b",") + body.count(b";") > PARTS_MAX:
        raise Rejected(f"more than {LINES_MAX} lines or {PARTS_MAX} values", EFFORT_FIX)


def _require_few(events: Sized, most: int, where: str) -> None:
    if len(events) > most:
        raise Rejected(f"more than {most} events {where}", EFFORT_FIX)


def _require_whole(event: Event) -> None:
    broken = [name for name, _ in event.errors if name in _DECISIVE]
    if broken:
        raise Rejected(f"{name_of(event)}: its {broken[0]} cannot be read", FIX)


def _covers(event: Event, now: datetime, zone: tzinfo) -> bool:
    return _moment(event.start, zone) <= now < _moment(event.end, zone)


def _moment(at: date, zone: tzinfo) -> datetime:
    if not isinstance(at, datetime):
        return datetime.combine(at, time.min, zone)
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def _cancelled(event: Event) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _named(event: Event, roster: Roster) -> frozenset[str]:
    said = [(roster.by_email(address), comes) for address, comes in _attendees(event)]
    # Who said no is not there, whatever the title still says.
    away = {person for person, comes in said if not comes}
    there = frozenset(person for person, _ in said if person and person not in away)
    summary = str(event.get("SUMMARY", ""))
    if there or len(summary) > SUMMARY_CHARS_MAX:
        return there
    return roster.named_in(summary) - away


def _attendees(event: Event) -> Iterator[tuple[str, bool]]:
    """The address of each who is invited, and whether they come."""
    said: Any = event.get("ATTENDEE", [])
    for one in said if isinstance(said, list) else [said]:
        yield str(one), str(one.params.get("PARTSTAT", "")).upper() not in _NOT_THERE
