"""Which revision each channel has, and who is bringing the next one.

One `UPDATE` decides who may send, so that two workers never send the same revision. A channel that
keeps several messages of an incident has a row for each, `<channel>/<what it is>`; one `UPDATE`
decides there who may post it first. It never knows what a message says.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, or_, select, update
from sqlmodel import col

from toil.database import insert_new, reading, writing
from toil.tables import MessageRow
from toil.views import MessageState

__all__ = ["IN_DOUBT", "MessageState", "Messages"]

# Stands in a channel's own row, which shows nothing itself, where a digest would.
IN_DOUBT = "in doubt"


class Messages:
    """The rows of (incident, channel). Every method raises `Unavailable` when the database is
    away.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(
        self, incident: str, channel: str, revision: int, now: datetime, lease_seconds: int
    ) -> bool:
        """True for exactly one caller: the revision is news, or what is shown is in doubt, and
        nobody else holds a live lease.
        """
        free = or_(col(MessageRow.lease_until).is_(None), col(MessageRow.lease_until) <= now)
        news = or_(col(MessageRow.revision) < revision, col(MessageRow.digest) == IN_DOUBT)
        statement = (
            update(MessageRow)
            .where(*_place(incident, channel), news, free)
            .values(lease_until=now + timedelta(seconds=lease_seconds), digest="")
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
            .where(*_place(incident, channel), col(MessageRow.revision) <= revision)
            .values(lease_until=None, **values)
        )
        with writing(self._engine) as session:
            insert_new(session, MessageRow(incident=incident, channel=channel))
            session.execute(statement)

    def release(self, incident: str, channel: str, until: datetime | None = None) -> None:
        """Give a claim back after a failed send, so that the next attempt need not wait; with
        `until`, only the claim that lasts until then, for another sender may have one by now.
        """
        mine = () if until is None else (col(MessageRow.lease_until) == until,)
        statement = update(MessageRow).where(*_place(incident, channel), *mine)
        with writing(self._engine) as session:
            session.execute(statement.values(lease_until=None))

    def refused(self, incident: str, channel: str, external_id: str) -> None:
        """Note that the channel refused what it was sent, which is not given up."""
        statement = update(MessageRow).where(*_place(incident, channel))
        with writing(self._engine) as session:
            session.execute(statement.values(external_id=external_id))

    def state(self, incident: str, channel: str) -> MessageState | None:
        """What the channel has, or None when nobody ever tried to tell it."""
        with reading(self._engine) as session:
            row = session.get(MessageRow, (incident, channel))
            return MessageState.model_validate(row.model_dump()) if row else None

    def parts(self, incident: str, channel: str) -> dict[str, MessageState]:
        """The messages that the channel keeps of the incident, by their rows' names."""
        mine = (
            col(MessageRow.incident) == incident,
            col(MessageRow.channel).startswith(f"{channel}/", autoescape=True),
        )
        with reading(self._engine) as session:
            rows = session.scalars(select(MessageRow).where(*mine)).all()
        return {row.channel: MessageState.model_validate(row.model_dump()) for row in rows}

    def newest(self, incident: str, channel: str) -> int:
        """The newest revision of which anything was sent; 0 for none."""
        ours = col(MessageRow.channel).startswith(f"{channel}/", autoescape=True)
        newest = select(func.max(col(MessageRow.revision))).where(
            col(MessageRow.incident) == incident, or_(col(MessageRow.channel) == channel, ours)
        )
        with reading(self._engine) as session:
            return session.scalar(newest) or 0

    def begin_post(self, incident: str, part: str, now: datetime, settle_seconds: int) -> bool:
        """True for exactly one caller: the message has no id yet, and nobody has begun to post it
        within `settle_seconds`. Until `shown` or `not_posted` it is unknown whether it is there.
        """
        settled = now - timedelta(seconds=settle_seconds)
        idle = or_(col(MessageRow.posting_at).is_(None), col(MessageRow.posting_at) <= settled)
        statement = (
            update(MessageRow)
            .where(*_place(incident, part), col(MessageRow.external_id).is_(None), idle)
            .values(posting_at=now)
            .returning(col(MessageRow.channel))
        )
        with writing(self._engine) as session:
            insert_new(session, MessageRow(incident=incident, channel=part))
            return session.scalars(statement).first() is not None

    def not_posted(self, incident: str, part: str, begun: datetime | None = None) -> None:
        """Note that a begun post is surely not there; with `begun`, only the one of then."""
        mine = () if begun is None else (col(MessageRow.posting_at) == begun,)
        statement = update(MessageRow).where(*_place(incident, part), *mine)
        with writing(self._engine) as session:
            session.execute(statement.values(posting_at=None))

    def shown(self, state: MessageState) -> bool:
        """Note what a message shows now. False when a newer revision is noted already: then what
        was just sent may stand above it.
        """
        return self._show(state)

    def shown_once(self, state: MessageState) -> bool:
        """The same for a message that never moves: False also when another one, which was posted
        meanwhile, stands in its place already.
        """
        own = col(MessageRow.external_id)
        return self._show(state, or_(own.is_(None), own == state.external_id))

    def _show(self, state: MessageState, *conditions: Any) -> bool:
        values = state.model_dump(include={"revision", "external_id", "digest", "delivered_at"})
        not_newer = col(MessageRow.revision) <= state.revision
        statement = (
            update(MessageRow)
            .where(*_place(state.incident, state.channel), not_newer, *conditions)
            .values(posting_at=None, **values)
            .returning(col(MessageRow.channel))
        )
        with writing(self._engine) as session:
            insert_new(session, MessageRow(incident=state.incident, channel=state.channel))
            return session.scalars(statement).first() is not None

    def doubt(self, incident: str, channel: str, part: str) -> None:
        """Forget what a message shows, so that the newest revision is sent again, whoever may be
        sending it now.
        """
        with writing(self._engine) as session:
            for name, digest in ((part, ""), (channel, IN_DOUBT)):
                known = update(MessageRow).where(*_place(incident, name))
                session.execute(known.values(digest=digest))


def _place(incident: str, channel: str) -> tuple[Any, ...]:
    return col(MessageRow.incident) == incident, col(MessageRow.channel) == channel
