"""Who is on call by a calendar: the people named by the events that cover this moment.

An event's attendees count where one of them is known; else who is named in its summary. What
cannot be read for certain is refused as a whole: half a calendar would name the wrong half.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import recurring_ical_events  # type: ignore[import-untyped]  # it ships without types
from icalendar import Calendar, Event

from activities.directory.http import Asked, fetch
from activities.directory.people import Roster
from contracts.errors import Rejected

FIX = "Open the calendar's address: it must answer with an iCalendar file (RFC 5545)."
EVENTS_MAX = 5_000
# Wide enough for every time zone; what covers the moment itself is told apart below.
_AROUND = timedelta(days=1)
# Each of their occurrences since the first would be computed.
_TOO_OFTEN = re.compile(rb"FREQ=(SECONDLY|MINUTELY)", re.IGNORECASE)
_NOT_THERE = ("DECLINED", "DELEGATED")
# The libraries have errors of their own, and let those of Python pass for what is malformed.
_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


class Calendars:
    """Reads calendars with a client that is shared and closed by whoever made it."""

    def __init__(self, client: httpx.Client, roster: Roster) -> None:
        self._client = client
        self._roster = roster

    def members(self, url: str, now: datetime) -> frozenset[str]:
        """The ids of the people on call at `now`; raises Rejected or Unavailable."""
        body = fetch(self._client, Asked(url, FIX))
        host = httpx.URL(url).host
        if _TOO_OFTEN.search(body) or body.upper().count(b"BEGIN:VEVENT") > EVENTS_MAX:
            said = f"{host}: an event by the minute, or more than {EVENTS_MAX} events"
            raise Rejected(said, "Give on-call a calendar of its own.")
        try:
            return on_call(body, now, self._roster)
        except _MALFORMED as err:
            said = f"{host}: the calendar cannot be read ({type(err).__name__})"
            raise Rejected(said, FIX) from None


def on_call(body: bytes, now: datetime, roster: Roster) -> frozenset[str]:
    """Who is named for `now`; raises what the libraries raise for what is no calendar."""
    calendar = Calendar.from_ical(body)
    if not isinstance(calendar, Calendar):
        raise TypeError("this is a part of a calendar")
    zone = _zone(calendar)
    repeated = recurring_ical_events.of(calendar)
    near: list[Event] = repeated.between(now - _AROUND, now + _AROUND)
    covering = (event for event in near if _covers(event, now, zone) and not _cancelled(event))
    return frozenset(person for event in covering for person in _named(event, roster))


def _zone(calendar: Calendar) -> tzinfo:
    """Whose days the calendar means where an event has a date and no time."""
    wanted = calendar.get("X-WR-TIMEZONE") or next((z.tz_name for z in calendar.timezones), "UTC")
    return ZoneInfo(str(wanted))


def _covers(event: Event, now: datetime, zone: tzinfo) -> bool:
    return _moment(event.start, zone) <= now < _moment(event.end, zone)


def _moment(at: date, zone: tzinfo) -> datetime:
    if not isinstance(at, datetime):
        return datetime.combine(at, time.min, zone)
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


def _cancelled(event: Event) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _named(event: Event, roster: Roster) -> frozenset[str]:
    invited = frozenset(filter(None, map(roster.by_email, _attendees(event))))
    return invited or roster.named_in(str(event.get("SUMMARY", "")))


def _attendees(event: Event) -> Iterator[str]:
    said: Any = event.get("ATTENDEE", [])
    for one in said if isinstance(said, list) else [said]:
        if str(one.params.get("PARTSTAT", "")).upper() not in _NOT_THERE:
            yield str(one)
