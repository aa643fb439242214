"""The tables of the books, as SQLModel classes; `migrations/` creates exactly these.

Rows never leave this package: readers get contracts. Every table of facts has a key that makes a
second insert of the same fact nothing. `entry` only grows; triggers of the database enforce it.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, MetaData, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from toil.columns import Json, PlainText, UtcDateTime

_OPEN = text("state = 'open'")
_NOT_ENDED = text("ended_at IS NULL")
# Columns that came later: the rows of before have nothing in them.
_EMPTY = {"server_default": text("''")}


class Row(SQLModel):
    """The base of every table, with names for constraints that both databases share."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class IncidentRow(Row, table=True):
    """One incident; its lists stand in the tables below."""

    __tablename__ = "incident"
    __table_args__ = (Index(None, "opened_at", "id"),)

    id: str = Field(primary_key=True)
    workflow: str
    status: str
    outcome: str | None = None
    summary: str = Field(default="", sa_type=PlainText)
    target: dict[str, Any] | None = Field(default=None, sa_type=Json)
    service: str = Field(default="", sa_type=PlainText)
    team: str = Field(default="", sa_type=PlainText)
    runbooks: list[str] = Field(default_factory=list, sa_type=Json)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revision: int = 0


class AlertRow(Row, table=True):
    """One alert of an incident, as it was last seen; `position` is its place in the list."""

    __tablename__ = "incident_alert"

    incident: str = Field(primary_key=True, foreign_key="incident.id")
    identity: str = Field(primary_key=True, index=True)
    position: int
    source: str
    fingerprint: str = Field(index=True)
    name: str = Field(sa_type=PlainText)
    status: str
    summary: str = Field(sa_type=PlainText)
    starts_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    labels: dict[str, str] = Field(sa_type=Json)


class EventRow(Row, table=True):
    """One line of a timeline; `seq` counts from 1 within its incident."""

    __tablename__ = "incident_event"
    __table_args__ = (Index(None, "type", "at"),)

    incident: str = Field(primary_key=True, foreign_key="incident.id")
    seq: int = Field(primary_key=True)
    key: str = Field(unique=True)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str
    type: str
    text: str = Field(sa_type=PlainText)
    data: dict[str, Any] = Field(sa_type=Json)


class ApprovalRow(Row, table=True):
    """One approval; `body` is the contract, the rest of the columns find it."""

    __tablename__ = "approval"
    __table_args__ = (Index(None, "state", "opened_at"),)

    id: str = Field(primary_key=True)
    incident: str = Field(foreign_key="incident.id", index=True)
    state: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    body: dict[str, Any] = Field(sa_type=Json)


class EvidenceRow(Row, table=True):
    """What a look found, redacted; forgotten after a while."""

    __tablename__ = "evidence"
    __table_args__ = (Index(None, "incident", "digest"),)

    key: str = Field(primary_key=True)
    incident: str
    kind: str
    title: str = Field(sa_type=PlainText)
    body: str = Field(sa_type=PlainText)
    size_bytes: int
    digest: str
    at: datetime = Field(sa_type=UtcDateTime, index=True)


class QuarantineRow(Row, table=True):
    """A message, or one part of it, that can never be accepted."""

    __tablename__ = "quarantine"

    source: str = Field(primary_key=True)
    digest: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    reason: str = Field(sa_type=PlainText)
    excerpt: str = Field(sa_type=PlainText)
    at: datetime = Field(sa_type=UtcDateTime, index=True)


class ServedRow(Row, table=True):
    """What a worker serves: one row for all of it, because it is told and replaced as a whole."""

    __tablename__ = "served"

    id: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    body: dict[str, Any] = Field(sa_type=Json)


class PauseRow(Row, table=True):
    """A kill switch that is on."""

    __tablename__ = "pause"

    scope: str = Field(primary_key=True)
    reason: str = Field(sa_type=PlainText)
    person: str
    at: datetime = Field(sa_type=UtcDateTime)


class AlertingRow(Row, table=True):
    """That an alert of a target began; a target's older rows are forgotten after a day."""

    __tablename__ = "alerting"
    __table_args__ = (Index(None, "cluster", "at"),)

    target: str = Field(primary_key=True)
    at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    cluster: str


class StormRow(Row, table=True):
    """A time in which too many targets of a cluster alerted; at most one of a cluster is open."""

    __tablename__ = "storm"
    __table_args__ = (
        Index(
            "uq_storm_open",
            "cluster",
            unique=True,
            sqlite_where=_NOT_ENDED,
            postgresql_where=_NOT_ENDED,
        ),
    )

    cluster: str = Field(primary_key=True)
    began_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    incident: str
    targets: int
    until: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ReservationRow(Row, table=True):
    """The write lock of one plan, what it is counted by, and what became of it."""

    __tablename__ = "reservation"
    __table_args__ = (Index(None, "reserved_at"),)

    key: str = Field(primary_key=True)
    incident: str
    runbook: str
    action: str
    service: str = Field(default="", sa_column_kwargs=_EMPTY)
    pool: str = Field(default="", sa_column_kwargs=_EMPTY)
    approval: str = Field(default="", sa_column_kwargs=_EMPTY)
    restores: str = Field(default="", sa_column_kwargs=_EMPTY)
    lock_keys: list[str] = Field(sa_type=Json)
    state: str
    reserved_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reason: str = Field(default="", sa_type=PlainText)
    receipt: dict[str, Any] | None = Field(default=None, sa_type=Json)


class LockRow(Row, table=True):
    """One lock key of a reservation; at most one row of a key is open."""

    __tablename__ = "reservation_lock"
    __table_args__ = (
        Index(
            "uq_reservation_lock_open",
            "lock_key",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    reservation: str = Field(primary_key=True, foreign_key="reservation.key")
    lock_key: str = Field(primary_key=True, index=True)
    state: str


class MessageRow(Row, table=True):
    """What one channel was told of an incident, and who is telling it now. `digest` is of what it
    shows; `posting_at` is set while it is not known whether a first post has arrived.
    """

    __tablename__ = "message"

    incident: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    revision: int = 0
    external_id: str | None = None
    digest: str = Field(default="", sa_column_kwargs=_EMPTY)
    posting_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class GroupRow(Row, table=True):
    """Who is in a group, as it was last read; `fault` says why it could not be read since."""

    __tablename__ = "people_group"

    name: str = Field(primary_key=True)
    people: list[str] = Field(sa_type=Json)
    read_at: datetime = Field(sa_type=UtcDateTime)
    fault: str = Field(default="", sa_type=PlainText)


class StopwatchRow(Row, table=True):
    """Work that a person has begun to measure; at most one at a time."""

    __tablename__ = "stopwatch"

    person: str = Field(primary_key=True)
    began_at: datetime = Field(sa_type=UtcDateTime)
    text: str = Field(sa_type=PlainText)
    service: str = Field(default="", sa_type=PlainText)
    incident: str = ""


class ObservationRow(Row, table=True):
    """One human act. Personal and deletable."""

    __tablename__ = "observation"
    __table_args__ = (CheckConstraint("seconds >= 0", name="seconds"),)

    key: str = Field(primary_key=True)
    person: str | None = Field(default=None, index=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    source: str = Field(sa_type=PlainText)
    action: str = Field(sa_type=PlainText)
    seconds: int
    service: str = Field(sa_type=PlainText)
    team: str = Field(sa_type=PlainText)
    incident: str = Field(index=True)
    target: dict[str, Any] | None = Field(default=None, sa_type=Json)
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class EntryRow(Row, table=True):
    """One row of the ledger. Who and why stand in `entry_private`, so that they can be erased
    without a break in the chain; the salted digest of them is part of it.
    """

    __tablename__ = "entry"
    __table_args__ = (
        CheckConstraint("seconds >= 0", name="seconds"),
        UniqueConstraint("key"),
        UniqueConstraint("reverses"),
    )

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    key: str
    category: str
    method: str
    method_version: int
    confidence: str
    seconds: int
    occurred_at: datetime = Field(sa_type=UtcDateTime, index=True)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    team: str
    service: str
    incident: str = Field(index=True)
    runbook: str
    action: str
    reverses: str | None = Field(default=None, foreign_key="entry.key")
    private_digest: str
    chain_version: int
    prev_hash: str
    hash: str


class EntryPrivateRow(Row, table=True):
    """The personal side of an entry; deleting the row erases it for good."""

    __tablename__ = "entry_private"

    key: str = Field(primary_key=True, foreign_key="entry.key")
    person: str | None = Field(default=None, index=True)
    text: str
    salt: str
