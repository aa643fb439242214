"""The time of one team, told apart by week, category and source. Pure.

An act and an entry under one key are the same fact, counted from the entry. Shared seconds are
split among the acts that went on at once, so that parts always add up to the person's time.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from contracts.model import Contract
from contracts.policy import Policy
from contracts.toil import Category, Confidence, Entry, Observation
from toil.sessions import Piece, pieces_of
from toil.weeks import Week

TOIL: tuple[Category, ...] = ("firefighting", "other_toil")
LOGGED = "log"


class Work(Contract):
    """Seconds of one person for one source in one week."""

    week: str
    category: Category
    service: str
    source: str
    person: str | None
    seconds: int
    confidence: Confidence


def members_of(policy: Policy, team: str) -> frozenset[str]:
    """The ids of the team's people; of everybody for no team."""
    return frozenset(p.id for p in policy.people if not team or team in p.teams)


def of_team(row: Observation | Entry, team: str, members: frozenset[str]) -> bool:
    """Whether it is the team's: by who did it, and only for nobody known by its team."""
    if row.person is not None:
        return row.person in members
    return not team or row.team == team


def in_force(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries without those that were reversed, and without the reversals."""
    reversed_keys = {entry.reverses for entry in entries}
    return tuple(e for e in entries if e.method != "reversal" and e.key not in reversed_keys)


def work_of(
    acts: Iterable[Observation], entries: Sequence[Entry], weeks: Sequence[Week]
) -> tuple[Work, ...]:
    """Everything that took human time in `weeks`."""
    known = {entry.key for entry in entries}
    edges = sorted({edge for week in weeks for edge in (week.begins, week.ends)})
    pieces = pieces_of((act for act in acts if act.key not in known), edges)
    return (*_observed(pieces, weeks), *_entered(entries, weeks))


def source_of(row: Observation | Entry) -> tuple[str, str]:
    """(service, runbook or action) of a row."""
    runbook = row.runbook if isinstance(row, Entry) else ""
    return row.service, runbook or row.action or LOGGED


def week_at(at: datetime, weeks: Sequence[Week]) -> str | None:
    """The label of the week that holds an instant."""
    return next((week.label for week in weeks if week.begins <= at < week.ends), None)


def shares_of(piece: Piece) -> Iterator[tuple[Observation, int]]:
    """Split a piece equally among its acts; the earliest get the seconds that remain."""
    each, rest = divmod(piece.seconds, len(piece.acts))
    for place, act in enumerate(piece.acts):
        yield act, each + (place < rest)


def _observed(pieces: Iterable[Piece], weeks: Sequence[Week]) -> Iterator[Work]:
    for piece in pieces:
        week = week_at(piece.begins, weeks)
        for act, seconds in shares_of(piece) if week else ():
            service, source = source_of(act)
            yield Work(
                week=week or "",
                category="firefighting",
                service=service,
                source=source,
                person=act.person,
                seconds=seconds,
                confidence="inferred",
            )


def _entered(entries: Iterable[Entry], weeks: Sequence[Week]) -> Iterator[Work]:
    for entry in entries:
        week = week_at(entry.occurred_at, weeks)
        if week and entry.method != "automatic":
            service, source = source_of(entry)
            values = entry.model_dump(include={"category", "person", "seconds", "confidence"})
            yield Work(week=week, service=service, source=source, **values)
