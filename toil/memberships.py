"""Who is in each group, as it was last read.

The doors ask here whether a person may answer, so what is too old counts as unknown, and unknown
is nobody. Nothing here reads a schedule: whoever does keeps the answer, or says why there is none.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Update, select, update
from sqlmodel import col

from contracts.model import Contract
from toil.database import insert_new, reading, writing
from toil.tables import GroupRow

FRESH_SECONDS_MAX = 300
# A time that is further ahead than clocks may be apart is no time: it would never grow old.
CLOCKS_APART_SECONDS = 60
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Membership(Contract):
    """One group: its people when it was last read, None for never, and why it could not be read
    since; empty where the last try went well.
    """

    name: str
    people: frozenset[str] = frozenset()
    read_at: datetime | None = None
    fault: str = ""

    def is_fresh(self, now: datetime, seconds: int = FRESH_SECONDS_MAX) -> bool:
        """Whether it was read so many seconds ago at most; what was read later than now was not."""
        if self.read_at is None:
            return False
        ahead = timedelta(seconds=min(seconds, CLOCKS_APART_SECONDS))
        return -ahead <= now - self.read_at <= timedelta(seconds=seconds)


class Memberships:
    """The rows of the groups. Every method raises `Unavailable` when the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, name: str, people: Iterable[str], read_at: datetime) -> None:
        """Note who is in the group; an answer that is older than the known one changes nothing,
        unless the known one is of a time that is not yet.
        """
        values: dict[str, Any] = {"people": sorted(set(people)), "read_at": read_at, "fault": ""}
        with writing(self._engine) as session:
            if not insert_new(session, GroupRow(name=name, **values)):
                session.execute(_older(name, read_at).values(**values))

    def fault(self, name: str, why: str, at: datetime) -> None:
        """Note why the group could not be read at that moment; who was in it stays known until
        that is too old.
        """
        unread = GroupRow(name=name, people=[], read_at=_NEVER, fault=why)
        with writing(self._engine) as session:
            if not insert_new(session, unread):
                session.execute(_older(name, at).values(fault=why))

    def known(self, name: str) -> Membership | None:
        """What is known of a group, however old; None where nobody ever tried to read it."""
        with reading(self._engine) as session:
            row = session.get(GroupRow, name)
            return _membership(row) if row else None

    def members(self, name: str, now: datetime) -> frozenset[str] | None:
        """Who is in the group; None where it was never read, or too long ago."""
        known = self.known(name)
        return known.people if known is not None and known.is_fresh(now) else None

    def groups_of(self, person: str, among: Iterable[str], now: datetime) -> frozenset[str]:
        """Those of the groups that the person is in, as far as that is known."""
        wanted = select(GroupRow).where(col(GroupRow.name).in_(list(among)))
        with reading(self._engine) as session:
            found = [_membership(row) for row in session.scalars(wanted).all()]
        return frozenset(g.name for g in found if g.is_fresh(now) and person in g.people)

    def all(self) -> tuple[Membership, ...]:
        """Every group that anybody ever tried to read, by name."""
        with reading(self._engine) as session:
            rows = session.scalars(select(GroupRow).order_by(col(GroupRow.name))).all()
        return tuple(_membership(row) for row in rows)


def _older(name: str, at: datetime) -> Update:
    """The group's row, where what it says is older than that moment, or not of this time."""
    read_at = col(GroupRow.read_at)
    ahead = read_at > at + timedelta(seconds=CLOCKS_APART_SECONDS)
    return update(GroupRow).where(col(GroupRow.name) == name, (read_at <= at) | ahead)


def _membership(row: GroupRow) -> Membership:
    return Membership(
        name=row.name,
        people=frozenset(row.people),
        read_at=None if row.read_at == _NEVER else row.read_at,
        fault=row.fault,
    )
