"""ISO weeks in a team's zone, as instants in UTC.

Differences are taken in UTC only: two aware times of one zone differ by their wall clocks in
Python, which is an hour wrong twice a year.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.errors import InvalidInput
from contracts.model import Contract

WEEKS_MAX = 106
_FIRST_YEAR = 2000
_AHEAD_MAX = timedelta(days=7)


class Week(Contract):
    """[begins, ends): Monday 00:00 to Monday 00:00 in the zone; `label` is e.g. `2026-W47`."""

    label: str
    begins: datetime
    ends: datetime


def zone_of(name: str) -> ZoneInfo:
    """The zone of that IANA name.

    Raises:
        InvalidInput: there is none.

    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as err:
        fix = "Set toil.timezone in firebreak.toml to an IANA name, e.g. Europe/Berlin."
        raise InvalidInput(f"'{name}' is no time zone", fix) from err


def weeks_until(until: datetime, weeks: int, zone: ZoneInfo, now: datetime) -> tuple[Week, ...]:
    """The last `weeks` weeks, oldest first, up to the one that holds the instant before `until`.

    Raises:
        InvalidInput: too many weeks or none, no zone, or a time out of reach.

    """
    if not 1 <= weeks <= WEEKS_MAX:
        raise InvalidInput(f"{weeks} weeks", f"Ask for 1 to {WEEKS_MAX} weeks.")
    if until.tzinfo is None or until.year < _FIRST_YEAR or until > now + _AHEAD_MAX:
        raise InvalidInput(
            f"'until' is {until}", "Use a time with its zone, at most a week from now."
        )
    last = (until - timedelta(microseconds=1)).astimezone(zone).date()
    monday = last - timedelta(days=last.weekday())
    mondays = [monday + timedelta(weeks=n) for n in range(1 - weeks, 2)]
    instants = [datetime(d.year, d.month, d.day, tzinfo=zone).astimezone(UTC) for d in mondays]
    return tuple(
        Week(label=f"{day:%G-W%V}", begins=begins, ends=ends)
        for day, begins, ends in zip(mondays, instants, instants[1:], strict=False)
    )
