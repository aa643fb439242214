"""Which revision each channel has, and who is bringing the next one.

One `UPDATE` decides who may send, so that two workers never send the same revision. It never
knows what a message says.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, or_, update
from sqlmodel import col

from toil.database import insert_new, reading, writing
from toil.tables import MessageRow
from toil.views import MessageState

__all__ = ["MessageState", "Messages"]


class Messages:
    """The rows of (incident, channel). Every method raises `Unavailable` when the database is
    away.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(
        self, incident: str, channel: str, revision: int, now: datetime, lease_seconds: int
    ) -> bool:
        """True for exactly one caller: the revision is news and nobody else holds a live lease."""
        free = or_(col(MessageRow.lease_until).is_(None), col(MessageRow.lease_until) <= now)
        statement = (
            update(MessageRow)
            .where(*_place(incident, channel), col(MessageRow.revision) < revision, free)
            .values(lease_until=now + timedelta(seconds=lease_seconds))
            .returning(col(MessageRow.channel))
        )
        with writing(self._engine) as session:
            insert_new(session, MessageRow(incident=incident, channel=channel))
            return session.scalars(statement).first() is not None

    def delivered(
        self, incident: str, channel: str, revision: int, external_id: str, now: datetime
    ) -> None:
        """Note what the channel has now and end the lease; an older revision changes nothing."""
        values = {"revision": revision, "external_id": external_id, "delivered_at": now}
        statement = (
            update(MessageRow)
            .where(*_place(incident, channel), col(MessageRow.revision) < revision)
            .values(lease_until=None, **values)
        )
        with writing(self._engine) as session:
            insert_new(session, MessageRow(incident=incident, channel=channel))
            session.execute(statement)

    def release(self, incident: str, channel: str) -> None:
        """Give a claim back after a failed send, so that the next attempt need not wait."""
        statement = update(MessageRow).where(*_place(incident, channel)).values(lease_until=None)
        with writing(self._engine) as session:
            session.execute(statement)

    def state(self, incident: str, channel: str) -> MessageState | None:
        """What the channel has, or None when nobody ever tried to tell it."""
        with reading(self._engine) as session:
            row = session.get(MessageRow, (incident, channel))
            return MessageState.model_validate(row.model_dump()) if row else None


def _place(incident: str, channel: str) -> tuple[Any, ...]:
    return col(MessageRow.incident) == incident, col(MessageRow.channel) == channel
