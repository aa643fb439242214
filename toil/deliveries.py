"""How far each channel has come with what it has to tell, for the gateway's figures.

It only reads. What a channel is told and when is the business of `toil.messages`.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, case, func, select
from sqlmodel import col

from contracts.model import Contract
from toil.database import reading
from toil.tables import IncidentRow, MessageRow

LOOKED_BACK = timedelta(days=7)
# A channel's own row is named like the channel; the rows of its messages have a stroke.
_PART = "/"
_REFUSED = "rejected:"


class ChannelView(Contract):
    """One channel over the incidents of the last seven days: when it took something last, how many
    incidents it has not been told the newest of, and of how many it refused the newest.
    """

    name: str
    delivered_at: datetime | None = None
    behind: int = 0
    refused: int = 0


class Deliveries:
    """Reads the rows of `Messages`; raises `Unavailable` when the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def by_channel(self, now: datetime) -> tuple[ChannelView, ...]:
        """Every channel that had anything to tell, by name."""
        refused = col(MessageRow.external_id).startswith(_REFUSED, autoescape=True)
        taken = case((~func.coalesce(refused, False), col(MessageRow.delivered_at)))
        statement = (
            select(
                col(MessageRow.channel),
                func.max(taken),
                _number(col(MessageRow.revision) < col(IncidentRow.revision)),
                _number(refused),
            )
            .join(IncidentRow, col(IncidentRow.id) == col(MessageRow.incident))
            .where(col(IncidentRow.opened_at) >= now - LOOKED_BACK)
            .where(~col(MessageRow.channel).contains(_PART, autoescape=True))
            .group_by(col(MessageRow.channel))
            .order_by(col(MessageRow.channel))
        )
        with reading(self._engine) as session:
            rows = session.execute(statement).all()
        return tuple(
            ChannelView(name=name, delivered_at=at, behind=behind, refused=bad)
            for name, at, behind, bad in rows
        )


def _number(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
