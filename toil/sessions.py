"""How acts become time: per person, the union of their intervals, so that nobody is counted twice.

Pure. An act of `seconds` that ended at `at` covers [at - seconds, at), in whole seconds of UTC.
Acts of nobody we know are united by team: they may be one person's, and too little is the safer
error. Sessions are derived and never stored; the estimator's name and version go with them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from contracts.model import Contract
from contracts.toil import Observation

ESTIMATOR = "union"
ESTIMATOR_VERSION = 1


class Piece(Contract):
    """Time of one person in which the same acts went on; `acts` are ordered by their begin."""

    person: str | None
    team: str
    begins: datetime
    ends: datetime
    acts: tuple[Observation, ...]

    @property
    def seconds(self) -> int:
        """The length."""
        return whole_seconds(self.begins, self.ends)


class Session(Contract):
    """Uninterrupted work of one person, from the acts under `keys`. A person of None is somebody
    unknown, and only then is `team` set.
    """

    person: str | None
    team: str = ""
    begins: datetime
    ends: datetime
    seconds: int
    keys: tuple[str, ...]
    incidents: tuple[str, ...] = ()
    estimator: str = ESTIMATOR
    estimator_version: int = ESTIMATOR_VERSION


def sessions_of(observations: Iterable[Observation]) -> tuple[Session, ...]:
    """The sessions of all persons, by begin. Acts that touch or overlap are one session."""
    sessions: list[Session] = []
    for pieces in _runs(pieces_of(observations)):
        acts = {act.key: act for piece in pieces for act in piece.acts}
        sessions.append(
            Session(
                person=pieces[0].person,
                team=pieces[0].team,
                begins=pieces[0].begins,
                ends=pieces[-1].ends,
                seconds=sum(piece.seconds for piece in pieces),
                keys=tuple(acts),
                incidents=tuple(sorted({act.incident for act in acts.values() if act.incident})),
            )
        )
    return tuple(sorted(sessions, key=lambda s: (s.begins, s.person or "")))


def pieces_of(
    observations: Iterable[Observation], cuts: Sequence[datetime] = ()
) -> tuple[Piece, ...]:
    """Cut everybody's time wherever an act begins or ends and at each of `cuts`.

    The pieces of one person never overlap and together are exactly their union. Acts without
    seconds take no time and are in none.
    """
    by_person: dict[tuple[str | None, str], list[Observation]] = defaultdict(list)
    for act in observations:
        if act.seconds:
            by_person[act.person, "" if act.person else act.team].append(act)
    pieces: list[Piece] = []
    for (person, team), acts in sorted(by_person.items(), key=lambda item: str(item[0])):
        for begins, ends, active in _active(acts, cuts):
            pieces.append(Piece(person=person, team=team, begins=begins, ends=ends, acts=active))
    return tuple(pieces)


def begins_of(act: Observation) -> datetime:
    """The second in which the act began."""
    return ends_of(act) - timedelta(seconds=act.seconds)


def ends_of(act: Observation) -> datetime:
    """The second in which the act ended."""
    return act.at.replace(microsecond=0)


def whole_seconds(begins: datetime, ends: datetime) -> int:
    """The seconds between two instants in UTC."""
    return int((ends - begins).total_seconds())


def _active(
    acts: list[Observation], cuts: Sequence[datetime]
) -> Iterator[tuple[datetime, datetime, tuple[Observation, ...]]]:
    waiting = sorted(acts, key=lambda act: (begins_of(act), act.key), reverse=True)
    edges = {begins_of(act) for act in acts} | {ends_of(act) for act in acts}
    inner = {cut for cut in cuts if min(edges) < cut < max(edges)}
    instants = sorted(edges | inner)
    active: list[Observation] = []
    for begins, ends in pairwise(instants):
        while waiting and begins_of(waiting[-1]) <= begins:
            active.append(waiting.pop())
        active = [act for act in active if ends_of(act) > begins]
        if active:
            yield begins, ends, tuple(active)


def _runs(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    run: list[Piece] = []
    for piece in pieces:
        last = run[-1] if run else piece
        joined = (last.person, last.team, last.ends) == (piece.person, piece.team, piece.begins)
        if run and not joined:
            yield run
            run = []
        run.append(piece)
    if run:
        yield run
