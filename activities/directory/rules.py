"""Which rules of repetition a shift may have, and how often each happens.

Only kinds whose work can be told beforehand are let through: one that nobody thought of here may
never end (`INTERVAL=0`), or happen every second.
"""

import calendar
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple

from icalendar.prop import vRecur

INTERVAL_MAX = 1_000
VALUES_MAX = 31
# What one step costs, in units of a day's.
STEP_UNITS = {"DAILY": 1, "WEEKLY": 2, "MONTHLY": 4, "YEARLY": 15}
_DAYS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 30, "YEARLY": 365}
# Every month and every year has so many of each weekday.
_SURE_WEEKS, _SURE_DAYS, _WEEKS = 4, 28, 5
_LEAP = 2000
_ONCE = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYHOUR", "BYMINUTE", "BYSECOND")
_MAY: dict[str, Callable[[Any], bool]] = {
    "FREQ": lambda said: str(said).upper() in STEP_UNITS,
    "INTERVAL": lambda said: 1 <= said <= INTERVAL_MAX,
    "COUNT": lambda said: said >= 1,
    "UNTIL": lambda said: isinstance(said, date),
    "WKST": lambda _: True,
    "BYHOUR": lambda _: True,
    "BYMINUTE": lambda _: True,
    "BYSECOND": lambda _: True,
    "BYDAY": lambda _: True,
    "BYMONTH": lambda said: 1 <= int(said) <= 12,  # noqa: PLR2004  months of a year
    "BYMONTHDAY": lambda said: 1 <= abs(said) <= 31,  # noqa: PLR2004  days of a month
    "BYSETPOS": lambda said: 1 <= abs(said) <= VALUES_MAX,
}


class Rule(NamedTuple):
    """A rule that may be expanded: up to `times` in each period of `days`, from `start` on. `ends`
    is when nobody looks any further; None where one would look for ever.
    """

    freq: str
    start: date
    days: int
    times: int
    ends: date | None

    def periods(self, until: date) -> int:
        """How many periods are gone through for what happens until then."""
        ends = date.max if self.ends is None else min(self.ends, until)
        return max((ends - self.start).days, 0) // self.days + 2


def rule_of(said: vRecur, start: date) -> Rule | str:
    """The rule of an event that starts then, or how it says that it repeats where it may not."""
    for name, values in said.items():
        some = values if isinstance(values, list) else [values]
        may = _MAY.get(name)
        if may is None or not all(map(may, some)) or len(some) > _values_max(name):
            return f"by {name}={','.join(map(str, some))[:40]}, which no shift needs"
    if "FREQ" not in said:
        raise ValueError("a rule says how often")
    parts = _Parts(said, start.date() if isinstance(start, datetime) else start)
    days = _DAYS[parts.freq] * parts.interval
    ends = parts.until if parts.comes() else None
    return Rule(parts.freq, parts.start, days, parts.times(), ends)


def _values_max(name: str) -> int:
    return 1 if name in _ONCE else VALUES_MAX


class _Parts:
    """The parts of one rule, by what they mean for its work."""

    def __init__(self, said: vRecur, start: date) -> None:
        self.start = start
        self.freq = str(said["FREQ"][0]).upper()
        self.interval = int(said.get("INTERVAL", [1])[0])
        until = said.get("UNTIL", [date.max])[0]
        self.until: date = until.date() if isinstance(until, datetime) else until
        self._weekdays = [int(day.relative or 0) for day in said.get("BYDAY", ())]
        self._months = [int(month) for month in said.get("BYMONTH", ())]
        self._monthdays = [abs(day) for day in said.get("BYMONTHDAY", ())]
        self._positions = [abs(at) for at in said.get("BYSETPOS", ())]

    def times(self) -> int:
        """How often it happens in a period at most."""
        if self.freq == "DAILY":
            return 1
        if self.freq == "WEEKLY":
            return max(1, len(self._weekdays))
        weekdays = sum(1 if nth else _WEEKS for nth in self._weekdays)
        in_month = weekdays or len(self._monthdays) or 1
        picked = self._weekdays or self._monthdays
        months = len(self._months) or (12 if picked else 1)
        return in_month * months if self.freq == "YEARLY" else in_month

    def comes(self) -> bool:
        """Whether it surely goes on happening; one that does not is looked for up to the year
        9999.
        """
        if not (self._weekdays or self._months or self._monthdays or self._positions):
            return True
        if self._months and self.interval > 1 and self.freq != "YEARLY":
            return False
        if self.freq in ("DAILY", "WEEKLY"):
            one = self.freq == "WEEKLY" or self.interval == 1
            return one and not (self._monthdays or self._positions)
        return self._comes_by_weekday() if self._weekdays else self._comes_by_day()

    def _comes_by_weekday(self) -> bool:
        if self._monthdays or (self._positions and any(self._weekdays)):
            return False
        weeks = _WEEKS if self.interval == 1 and not self._positions else _SURE_WEEKS
        return all(abs(nth) <= weeks for nth in (*self._weekdays, *self._positions))

    def _comes_by_day(self) -> bool:
        if self._positions:
            return False
        first = min(self._monthdays or [self.start.day])
        if first <= _SURE_DAYS:
            return True
        longest = max(calendar.monthrange(_LEAP, month)[1] for month in self._months or [1])
        return self.interval == 1 and first <= longest
