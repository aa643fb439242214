"""What the report page says in words: sums over its weeks, and the sentence above them. Pure.

A share needs a whole: while most of a team's time is not recorded, toil is given as an amount
with "at least" before it, and a share is never the headline.
"""

from collections.abc import Sequence
from typing import NamedTuple

from contracts.words import minutes_text
from gateway.pages import percent
from toil.figures import Report, WeekFigures

# Below it, recorded time says more about the recording than about the work.
COVERAGE_MIN = 0.6

_TOIL = ("firefighting", "other_toil")


class Totals(NamedTuple):
    """Sums in seconds over the weeks from the first recorded one on; shares are None where
    nothing is known. `span` names those weeks, `shown` are they, or all where figures are
    withheld, and `empty` is how many weeks before them hold nothing. `little` says that the
    coverage is too low for shares. `withheld` are the distinct reasons for what is not shown.
    """

    toil: int
    engineering: int
    tracked: int
    capacity: int
    share_of_tracked: float | None
    share_of_capacity: float | None
    coverage: float | None
    automatic: int
    withheld: tuple[str, ...]
    shown: tuple[WeekFigures, ...]
    empty: int
    span: str
    little: bool
    sentence: str


def totals_of(report: Report) -> Totals:
    """The sums of a report."""
    shown = _shown(report)
    told = [week for week in shown if week.withheld is None]
    toil = sum(_of(week, name) for week in told for name in _TOIL)
    tracked = sum(week.tracked_seconds or 0 for week in told)
    capacity = sum(week.capacity_seconds or 0 for week in told)
    coverage = _share(tracked, capacity)
    little = is_little(coverage)
    return Totals(
        toil=toil,
        engineering=sum(_of(week, "engineering") for week in told),
        tracked=tracked,
        capacity=capacity,
        share_of_tracked=_share(toil, tracked),
        share_of_capacity=_share(toil, capacity),
        coverage=coverage,
        automatic=sum(source.automatic_count for source in report.sources),
        withheld=tuple(dict.fromkeys(w.withheld for w in report.weeks if w.withheld)),
        shown=shown,
        empty=len(report.weeks) - len(shown),
        span=_span(shown),
        little=little,
        sentence=_at_least(told, toil, coverage) if little and tracked else _sentence(report, told),
    )


def is_little(coverage: float | None) -> bool:
    """Whether so little is recorded that a share of it says nothing about the team."""
    return coverage is None or coverage < COVERAGE_MIN


def _shown(report: Report) -> tuple[WeekFigures, ...]:
    """The weeks from the first that holds anything, a reason included; none when none does."""
    weeks = report.weeks
    first = next((place for place, week in enumerate(weeks) if _holds(week)), len(weeks))
    return weeks[first:]


def _holds(week: WeekFigures) -> bool:
    return week.withheld is not None or any(week.seconds.model_dump().values())


def _span(weeks: Sequence[WeekFigures]) -> str:
    if not weeks:
        return ""
    first, last = weeks[0].week, weeks[-1].week
    return first if first == last else f"{first} to {last}"


def _of(week: WeekFigures, category: str) -> int:
    return getattr(week.seconds, category) or 0


def _share(part: int, whole: int) -> float | None:
    return min(1.0, part / whole) if whole else None


def _at_least(told: Sequence[WeekFigures], toil: int, coverage: float | None) -> str:
    known = f"{percent(coverage)} of the team's time is recorded, too little for a share"
    if coverage is None:
        known = "the team has no capacity there to take a share of"
    amount = f"At least {minutes_text(toil)} of toil" if toil else "No toil is recorded"
    return f"{amount} in {_span(told)}; {known}"


def _sentence(report: Report, told: Sequence[WeekFigures]) -> str:
    team = report.team or "all teams"
    tracked = sum(week.tracked_seconds or 0 for week in told)
    if not told and any(week.withheld for week in report.weeks):
        return f"The minutes of {team} are not shown"
    if not tracked:
        return f"No time was recorded for {team} in these weeks"
    toil = sum(_of(week, name) for week in told for name in _TOIL)
    share = percent(_share(toil, tracked))
    return f"{share} of the recorded time of {team} was toil in {_span(told)}" + _trend(told)


def _trend(told: Sequence[WeekFigures]) -> str:
    """From the first to the last week of which enough is recorded."""
    known = (week.share_of_tracked for week in told if not is_little(week.coverage))
    shares = [share for share in known if share is not None]
    if not shares[1:]:
        return ""
    first, last = percent(shares[0]), percent(shares[-1])
    if first == last:
        return f", {last} at the beginning and at the end"
    return f", {'up' if shares[-1] > shares[0] else 'down'} from {first} to {last}"
