"""Storms as the books keep them: that one began and that it is over is each said once.

The database's own unique index decides who says it; the rule that there is one is `guardrails/`'s.
"""

from datetime import datetime

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col

from contracts.journal import Event, Record
from toil.alerting import read_beginnings
from toil.database import reading, writing
from toil.recording import write_record
from toil.tables import IncidentRow, StormRow
from toil.views import StormView

__all__ = ["StormView", "Storms"]


class Storms:
    """The storms of all clusters. Every method raises `Unavailable` when the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def beginnings(self, cluster: str, since: datetime) -> tuple[tuple[str, datetime], ...]:
        """When alerts of the cluster's targets began: (lock key, time), newest first."""
        with reading(self._engine) as session:
            return read_beginnings(session, cluster, since)

    def open(self) -> tuple[StormView, ...]:
        """Those that nobody has said to be over, by cluster."""
        statement = select(StormRow).where(col(StormRow.ended_at).is_(None))
        with reading(self._engine) as session:
            rows = session.scalars(statement.order_by(col(StormRow.cluster))).all()
        return tuple(StormView.model_validate(row.model_dump()) for row in rows)

    def begin(self, storm: StormView, event: Event) -> bool:
        """Write down that it began, with a line in its incident's timeline; False if one of that
        cluster is open, whose figures then become these.
        """
        try:
            with writing(self._engine) as session:
                session.add(StormRow(**storm.model_dump()))
                session.flush()
                _tell(session, storm.incident, event)
        except IntegrityError:
            self._update(storm)
            return False
        return True

    def _update(self, storm: StormView) -> None:
        with writing(self._engine) as session:
            statement = update(StormRow).where(
                col(StormRow.cluster) == storm.cluster,
                col(StormRow.ended_at).is_(None),
                col(StormRow.until) < storm.until,
            )
            session.execute(statement.values(until=storm.until, targets=storm.targets))

    def end(self, storm: StormView, event: Event) -> bool:
        """Write down that it is over; False if somebody has."""
        now = event.at
        with writing(self._engine) as session:
            open_now = (
                col(StormRow.cluster) == storm.cluster,
                col(StormRow.began_at) == storm.began_at,
                col(StormRow.ended_at).is_(None),
            )
            statement = update(StormRow).where(*open_now).values(ended_at=now)
            ended = session.execute(statement.returning(col(StormRow.cluster))).all()
            if ended:
                _tell(session, storm.incident, event)
        return bool(ended)

    def tell(self, incident: str, event: Event) -> bool:
        """Add a line to an incident's timeline, once; False if the incident or the line is known
        not to need it.
        """
        with writing(self._engine) as session:
            return _tell(session, incident, event)


def _tell(session: Session, incident: str, event: Event) -> bool:
    known = session.get(IncidentRow, incident)
    if known is None:
        return False
    before = known.revision
    return write_record(session, Record(incident=incident, events=(event,)), event.at) > before
