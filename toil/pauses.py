"""The kill switches. A row means stop; to be unable to read it must mean stop too."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Engine, delete, select
from sqlmodel import col

from toil.database import reading, writing
from toil.tables import PauseRow
from toil.views import Pause

__all__ = ["Pause", "Pauses"]


class Pauses:
    """The switches by scope. Every method raises `Unavailable` when the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> tuple[Pause, ...]:
        """All that are on, by scope."""
        with reading(self._engine) as session:
            rows = session.scalars(select(PauseRow).order_by(col(PauseRow.scope))).all()
        return tuple(_pause(row) for row in rows)

    def put(self, scope: str, reason: str, person: str, at: datetime) -> None:
        """Switch on; a scope that is on gets the new reason."""
        with writing(self._engine) as session:
            session.merge(PauseRow(scope=scope, reason=reason, person=person, at=at))

    def clear(self, scope: str) -> bool:
        """Switch off; False if it was not on."""
        with writing(self._engine) as session:
            statement = delete(PauseRow).where(col(PauseRow.scope) == scope)
            gone = session.scalars(statement.returning(col(PauseRow.scope))).all()
        return bool(gone)

    def blocking(self, scopes: Iterable[str]) -> tuple[Pause, ...]:
        """Those of `scopes` that are on."""
        statement = select(PauseRow).where(col(PauseRow.scope).in_(list(scopes)))
        with reading(self._engine) as session:
            rows = session.scalars(statement.order_by(col(PauseRow.scope))).all()
        return tuple(_pause(row) for row in rows)


def _pause(row: PauseRow) -> Pause:
    return Pause.model_validate(row.model_dump())
