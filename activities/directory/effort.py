"""How much work a calendar's repetitions are, judged before any of them is expanded.

The libraries go through every repetition since its first event, and through those that never come
up to the year 9999; nothing stops them once they have begun. So nothing may be expanded that was
not judged here, and what is not known to end soon is counted as if it never came.
"""

from collections.abc import Iterator
from datetime import MAXYEAR, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component, Event
from icalendar.prop import vRecur

from activities.directory.rules import STEP_UNITS, Rule, rule_of
from contracts.errors import Rejected

# About 3 microseconds each: what one repetition by the day costs.
UNITS_MAX = 300_000
FIX = "Give on-call a calendar of its own, with shifts that repeat by the day, week or month."
# An occurrence near the moment is copied; it is compared with more than one date.
_NEAR_UNITS = 30
# As many changes of a zone of the calendar's own are gone through for one unit, at each look.
_CHANGES_PER_UNIT = 30
# What was computed once is only compared the next time.
_AGAIN_PER_UNIT = 8
_YEARLY_UNITS = STEP_UNITS["YEARLY"]
_AROUND_DAYS = 4
_ZONE = "a time zone of the calendar"


def require_bounded(calendar: Calendar, now: datetime) -> None:
    """Raise Rejected where reading the calendar could take longer than about a second.

    It raises ValueError and the like for what is malformed.
    """
    changes = max(_changes(calendar, now), default=0)
    slow, until = 1 + changes // _CHANGES_PER_UNIT, now.date() + timedelta(days=_AROUND_DAYS)
    units, dearest, again = changes * _YEARLY_UNITS, 0, 0
    for event in calendar.events:
        rules = _rules(event, name_of(event))
        repeated = sum(_repeating(rule, event, until, slow) for rule in rules)
        units += repeated + _own(event, slow)
        dearest, again = max(dearest, repeated), again + _goes_through_all(event)
        if units + again * dearest // _AGAIN_PER_UNIT > UNITS_MAX:
            said = f"{name_of(event)}: the calendar repeats too often, or since too long ago"
            raise Rejected(said, FIX)


def name_of(event: Event) -> str:
    """What people find it by in their calendar."""
    return f"event '{str(event.get('SUMMARY', ''))[:60]}'"


def _rules(component: Component, name: str) -> Iterator[Rule]:
    """Its rules; raises Rejected for one that is not of the kinds that shifts have."""
    said: Any = component.get("RRULE", [])
    start: Any = component["DTSTART"]
    for one in said if isinstance(said, list) else [said]:
        if not isinstance(one, vRecur):
            raise TypeError("this is no rule of repetition")
        rule = rule_of(one, start.dt)
        if isinstance(rule, str):
            raise Rejected(f"{name}: it repeats {rule}", FIX)
        yield rule


def _repeating(rule: Rule, event: Event, until: date, slow: int) -> int:
    periods = rule.periods(until)
    times = periods * rule.times
    near = min(times, rule.times * (_days(event) + _AROUND_DAYS) // rule.days + rule.times)
    return periods * STEP_UNITS[rule.freq] + times * slow + near * _weight(event)


def _own(event: Event, slow: int) -> int:
    """What it costs without its rules."""
    return (len(event.rdates) + 1) * _weight(event) + (len(event.exdates) + 1) * slow


def _weight(event: Event) -> int:
    invited = event.get("ATTENDEE")
    return _NEAR_UNITS + (len(invited) if isinstance(invited, list) else 1)


def _goes_through_all(event: Event) -> bool:
    """Whether all other repetitions are gone through once more because of it."""
    changed = event.get("RECURRENCE-ID")
    return changed is not None and ("RRULE" in event or "RANGE" in changed.params)


def _days(event: Event) -> int:
    return abs((_day(event.end) - _day(event.start)).days)


def _day(at: date) -> date:
    return at.date() if isinstance(at, datetime) else at


def _changes(calendar: Calendar, now: datetime) -> Iterator[int]:
    """How often each zone of the calendar's own changes, up to its last event or now."""
    own = [zone for zone in calendar.timezones if not isinstance(zone.to_tz(), ZoneInfo)]
    latest = max((_latest(event) for event in calendar.events), default=0) if own else 0
    until = date(min(max(latest, now.year) + 1, MAXYEAR), 1, 1)
    for zone in own:
        yield sum(_changes_of(part, until) for part in zone.subcomponents)


def _changes_of(part: Component, until: date) -> int:
    changes = sum(rule.periods(until) * rule.times for rule in _rules(part, _ZONE))
    said: Any = part.get("RDATE", [])
    dates = sum(len(one.dts) for one in (said if isinstance(said, list) else [said]))
    return 1 + dates + changes


def _latest(event: Event) -> int:
    """The last year that it speaks of."""
    rdates = (one[0] if isinstance(one, tuple) else one for one in event.rdates)
    told = (event.start, event.end, event.RECURRENCE_ID, *event.exdates, *rdates)
    return max((at.year for at in told if at is not None), default=0)
