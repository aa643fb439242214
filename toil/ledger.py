"""The ledger of human work: observations that can be deleted, entries that cannot change."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Engine, select
from sqlmodel import col

from contracts.errors import InvalidInput
from contracts.toil import Entry, Observation
from toil.chain import PROBLEMS_MAX, append_entry, last_row, problems_of
from toil.columns import clean_model
from toil.database import reading, writing
from toil.recording import insert_observation
from toil.tables import EntryPrivateRow, EntryRow, ObservationRow

ROWS_MAX = 200_000
T = TypeVar("T")


class Ledger:
    """Observations and entries. Every method raises `Unavailable` when the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, entry: Entry, recorded_at: datetime) -> bool:
        """Post an entry; False if its key is known.

        Raises:
            InvalidInput: a reversal that does not mirror one earlier entry, or mirrors it again.

        """
        with writing(self._engine) as session:
            return append_entry(session, entry, recorded_at)

    def observe(self, observation: Observation, recorded_at: datetime) -> bool:
        """Keep an observation; False if its key is known."""
        with writing(self._engine) as session:
            return insert_observation(session, clean_model(observation), recorded_at)

    def observations(
        self,
        *,
        person: str | None = None,
        incident: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Observation, ...]:
        """Those that ended in [since, until), oldest first.

        Raises:
            InvalidInput: there are more than `ROWS_MAX`.

        """
        statement = select(ObservationRow)
        for column, wanted in (
            (ObservationRow.person, person),
            (ObservationRow.incident, incident),
        ):
            if wanted is not None:
                statement = statement.where(col(column) == wanted)
        at = col(ObservationRow.at)
        statement = _within(statement, at, since, until).order_by(at, col(ObservationRow.key))
        with reading(self._engine) as session:
            rows = _bounded(session.scalars(statement.limit(ROWS_MAX + 1)).all())
        return tuple(Observation.model_validate(row.model_dump()) for row in rows)

    def entries(
        self,
        *,
        person: str | None = None,
        incident: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Entry, ...]:
        """Those that occurred in [since, until), in the order in which they were posted.

        Raises:
            InvalidInput: there are more than `ROWS_MAX`.

        """
        private = col(EntryPrivateRow.key) == col(EntryRow.key)
        statement = select(EntryRow, EntryPrivateRow).join(EntryPrivateRow, private, isouter=True)
        if person is not None:
            statement = statement.where(col(EntryPrivateRow.person) == person)
        if incident is not None:
            statement = statement.where(col(EntryRow.incident) == incident)
        statement = _within(statement, col(EntryRow.occurred_at), since, until)
        with reading(self._engine) as session:
            found = session.execute(statement.order_by(col(EntryRow.seq)).limit(ROWS_MAX + 1))
            return tuple(_entry(row, who) for row, who in _bounded(found.all()))

    def head_hash(self) -> str:
        """The hash of the newest entry, to be kept elsewhere; empty for an empty ledger."""
        with reading(self._engine) as session:
            row = last_row(session)
            return row.hash if row else ""

    def verify(self) -> tuple[str, ...]:
        """What is wrong with the chain, the first bad row first, at most `PROBLEMS_MAX`."""
        with reading(self._engine) as session:
            return tuple(islice(problems_of(session), PROBLEMS_MAX))


def _within(statement: Any, at: Any, since: datetime | None, until: datetime | None) -> Any:
    if since is not None:
        statement = statement.where(at >= since)
    return statement if until is None else statement.where(at < until)


def _bounded(rows: Sequence[T]) -> Sequence[T]:
    if len(rows) > ROWS_MAX:
        raise InvalidInput(f"more than {ROWS_MAX} rows", "Ask for a shorter time.")
    return rows


def _entry(row: EntryRow, private: EntryPrivateRow | None) -> Entry:
    who = private.model_dump(include={"person", "text"}) if private else {}
    return Entry.model_validate(row.model_dump() | who)
