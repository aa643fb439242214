"""One page for a manager: how much of a team's time went where, and what is not shown and why.

Everything is derived anew from observations and entries; nothing is accumulated. No figure of
fewer people than the policy's `min_group` leaves this module, and never a name.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from contracts.errors import NotFound
from contracts.policy import Policy
from contracts.toil import Confidence
from toil.figures import Period, Quality, Report, Seconds, WeekFigures
from toil.ledger import Ledger
from toil.sessions import ESTIMATOR, ESTIMATOR_VERSION
from toil.sources import shown_minutes, sources_of
from toil.weeks import Week, weeks_until, zone_of
from toil.work import TOIL, Work, in_force, members_of, of_team, week_at, work_of

__all__ = ["Report", "build_report"]

# An act may end after the period and have begun in it; none is longer than this.
_OVERHANG = timedelta(days=1)
_HOUR_SECONDS = 3600
_SHARE_DIGITS = 4


def build_report(
    ledger: Ledger,
    policy: Policy,
    team: str,
    *,
    weeks: int,
    until: datetime | None,
    now: datetime,
) -> Report:
    """The report of `team` (empty: everybody) over the last `weeks` weeks before `until`.

    Raises:
        NotFound: nobody knows the team.
        InvalidInput: weeks, `until` or the policy's zone cannot be used.

    """
    _require_team(policy, team)
    zone = zone_of(policy.toil.timezone)
    span = weeks_until(until or now, weeks, zone, now)
    begins, ends = span[0].begins, span[-1].ends
    members = members_of(policy, team)
    seen = ledger.observations(since=begins, until=ends + _OVERHANG)
    acts = [act for act in seen if of_team(act, team, members)]
    posted = in_force(ledger.entries(since=begins, until=ends))
    entries = [entry for entry in posted if of_team(entry, team, members)]
    work = work_of(acts, entries, span)
    withheld = _withheld(policy, team, len(members))
    minutes = {} if withheld else shown_minutes(work, weeks, policy.toil.min_group)
    capacity = round(len(members) * policy.toil.week_hours * _HOUR_SECONDS)
    return Report(
        team=team,
        period=Period(from_=begins, to=ends, zone=policy.toil.timezone),
        weeks=tuple(_week(week, work, capacity, withheld) for week in span),
        sources=sources_of([a for a in acts if week_at(a.at, span)], entries, minutes),
        quality=Quality(
            estimator=f"{ESTIMATOR}/{ESTIMATOR_VERSION}",
            confidence={} if withheld else _confidence(work),
            head_hash=ledger.head_hash(),
        ),
    )


def _require_team(policy: Policy, team: str) -> None:
    known = {t for person in policy.people for t in person.teams}
    known |= {service.team for service in policy.services if service.team}
    if team and team not in known:
        teams = ", ".join(sorted(known)) or "none is set in firebreak.toml"
        raise NotFound(f"there is no team '{team}'", f"Ask for one of: {teams}.")


def _withheld(policy: Policy, team: str, size: int) -> str | None:
    least = policy.toil.min_group
    if size >= least:
        return None
    who = f"team {team}" if team else "all teams together"
    return f"{who} has {size} people; minutes are shown from {least} people on (toil.min_group)"


def _week(week: Week, work: Iterable[Work], capacity: int, withheld: str | None) -> WeekFigures:
    if withheld:
        return WeekFigures(week=week.label, withheld=withheld)
    by_category: Counter[str] = Counter(dict.fromkeys(Seconds.model_fields, 0))
    for item in work:
        if item.week == week.label:
            by_category[item.category] += item.seconds
    tracked = by_category.total() - by_category["absence"]
    toil = sum(by_category[category] for category in TOIL)
    available = max(0, capacity - by_category["absence"])
    return WeekFigures(
        week=week.label,
        seconds=Seconds(**by_category),
        tracked_seconds=tracked,
        capacity_seconds=available,
        share_of_tracked=_share(toil, tracked),
        share_of_capacity=_share(toil, available),
        coverage=_share(tracked, available),
    )


def _share(part: int, whole: int) -> float | None:
    return round(min(1.0, part / whole), _SHARE_DIGITS) if whole else None


def _confidence(work: Sequence[Work]) -> dict[Confidence, float]:
    seconds: Counter[Confidence] = Counter()
    for item in work:
        if item.category != "absence":
            seconds[item.confidence] += item.seconds
    total = seconds.total()
    return {name: round(n / total, _SHARE_DIGITS) for name, n in sorted(seconds.items()) if n}
