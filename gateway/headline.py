"""What the report page says in words: sums over its weeks, and the sentence above them. Pure."""

from typing import NamedTuple

from toil.figures import Report, WeekFigures

_PERCENT = "\N{NO-BREAK SPACE}%"
_TOIL = ("firefighting", "other_toil")


class Totals(NamedTuple):
    """Sums over the weeks that are shown, in seconds; shares are None where nothing is known.
    `withheld` are the distinct reasons for what is not shown.
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
    sentence: str


def totals_of(report: Report) -> Totals:
    """The sums of a report."""
    shown = [week for week in report.weeks if week.withheld is None]
    toil = sum(_of(week, name) for week in shown for name in _TOIL)
    tracked = sum(week.tracked_seconds or 0 for week in shown)
    capacity = sum(week.capacity_seconds or 0 for week in shown)
    withheld = tuple(dict.fromkeys(w.withheld for w in report.weeks if w.withheld))
    return Totals(
        toil=toil,
        engineering=sum(_of(week, "engineering") for week in shown),
        tracked=tracked,
        capacity=capacity,
        share_of_tracked=_share(toil, tracked),
        share_of_capacity=_share(toil, capacity),
        coverage=_share(tracked, capacity),
        automatic=sum(source.automatic_count for source in report.sources),
        withheld=withheld,
        sentence=_sentence(report, shown, toil, tracked),
    )


def _of(week: WeekFigures, category: str) -> int:
    return getattr(week.seconds, category) or 0


def _share(part: int, whole: int) -> float | None:
    return min(1.0, part / whole) if whole else None


def _sentence(report: Report, shown: list[WeekFigures], toil: int, tracked: int) -> str:
    team = report.team or "all teams"
    if not shown:
        return f"The minutes of {team} are not shown"
    if not tracked:
        return f"Nothing was recorded for {team} in these weeks"
    share = round(100 * toil / tracked)
    return f"{share}{_PERCENT} of the recorded time of {team} was toil" + _trend(shown)


def _trend(shown: list[WeekFigures]) -> str:
    shares = [w.share_of_tracked for w in shown if w.share_of_tracked is not None]
    if not shares[1:]:
        return ""
    first, last = round(100 * shares[0]), round(100 * shares[-1])
    if first == last:
        return f", {last}{_PERCENT} at the beginning and at the end"
    return f", {'up' if last > first else 'down'} from {first}{_PERCENT} to {last}{_PERCENT}"
