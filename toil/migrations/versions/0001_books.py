"""The journal, the guard's rows, the messages, the observations and the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _incidents()
    _alerts_and_events()
    _approvals_and_evidence()
    _intake()
    _reservations()
    _messages()
    _observations()
    _ledger()


def _incidents() -> None:
    op.create_table(
        "incident",
        _word("id"),
        _word("workflow"),
        _word("status"),
        _word("outcome", nullable=True),
        _text("summary"),
        _json("target", nullable=True),
        _text("service"),
        _text("team"),
        _json("runbooks"),
        _time("opened_at"),
        _time("closed_at", nullable=True),
        _count("revision"),
        sa.PrimaryKeyConstraint("id", name="pk_incident"),
    )
    op.create_index("ix_incident_opened_at_id", "incident", ["opened_at", "id"])


def _alerts_and_events() -> None:
    op.create_table(
        "incident_alert",
        _word("incident"),
        _word("identity"),
        _count("position"),
        _word("source"),
        _word("fingerprint"),
        _text("name"),
        _word("status"),
        _text("summary"),
        _time("starts_at"),
        _time("ends_at", nullable=True),
        _json("labels"),
        _reference("incident_alert", "incident", "incident.id"),
        sa.PrimaryKeyConstraint("incident", "identity", name="pk_incident_alert"),
    )
    op.create_index("ix_incident_alert_identity", "incident_alert", ["identity"])
    op.create_index("ix_incident_alert_fingerprint", "incident_alert", ["fingerprint"])
    op.create_table(
        "incident_event",
        _word("incident"),
        _count("seq"),
        _word("key"),
        _time("at"),
        _word("actor"),
        _word("type"),
        _text("text"),
        _json("data"),
        _reference("incident_event", "incident", "incident.id"),
        sa.PrimaryKeyConstraint("incident", "seq", name="pk_incident_event"),
        sa.UniqueConstraint("key", name="uq_incident_event_key"),
    )


def _approvals_and_evidence() -> None:
    op.create_table(
        "approval",
        _word("id"),
        _word("incident"),
        _word("state"),
        _time("opened_at"),
        _json("body"),
        _reference("approval", "incident", "incident.id"),
        sa.PrimaryKeyConstraint("id", name="pk_approval"),
    )
    op.create_index("ix_approval_incident", "approval", ["incident"])
    op.create_index("ix_approval_state_opened_at", "approval", ["state", "opened_at"])
    op.create_table(
        "evidence",
        _word("key"),
        _word("incident"),
        _word("kind"),
        _text("title"),
        _text("body"),
        _count("size_bytes"),
        _word("digest"),
        _time("at"),
        sa.PrimaryKeyConstraint("key", name="pk_evidence"),
    )
    op.create_index("ix_evidence_incident_digest", "evidence", ["incident", "digest"])
    op.create_index("ix_evidence_at", "evidence", ["at"])


def _intake() -> None:
    op.create_table(
        "quarantine",
        _word("source"),
        _word("digest"),
        _count("position"),
        _text("reason"),
        _text("excerpt"),
        _time("at"),
        sa.PrimaryKeyConstraint("source", "digest", "position", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_at", "quarantine", ["at"])


def _reservations() -> None:
    op.create_table(
        "pause",
        _word("scope"),
        _text("reason"),
        _word("person"),
        _time("at"),
        sa.PrimaryKeyConstraint("scope", name="pk_pause"),
    )
    op.create_table(
        "reservation",
        _word("key"),
        _word("incident"),
        _word("runbook"),
        _word("action"),
        _json("lock_keys"),
        _word("state"),
        _time("reserved_at"),
        _time("expires_at"),
        _time("settled_at", nullable=True),
        _text("reason"),
        _json("receipt", nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_reservation"),
    )
    op.create_table(
        "reservation_lock",
        _word("reservation"),
        _word("lock_key"),
        _word("state"),
        _reference("reservation_lock", "reservation", "reservation.key"),
        sa.PrimaryKeyConstraint("reservation", "lock_key", name="pk_reservation_lock"),
    )
    op.create_index("ix_reservation_lock_lock_key", "reservation_lock", ["lock_key"])
    op.create_index(
        "uq_reservation_lock_open",
        "reservation_lock",
        ["lock_key"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def _messages() -> None:
    op.create_table(
        "message",
        _word("incident"),
        _word("channel"),
        _count("revision"),
        _word("external_id", nullable=True),
        _time("delivered_at", nullable=True),
        _time("lease_until", nullable=True),
        sa.PrimaryKeyConstraint("incident", "channel", name="pk_message"),
    )


def _observations() -> None:
    op.create_table(
        "observation",
        _word("key"),
        _word("person", nullable=True),
        _time("at"),
        _text("source"),
        _text("action"),
        _count("seconds"),
        _text("service"),
        _text("team"),
        _word("incident"),
        _json("target", nullable=True),
        _time("recorded_at"),
        sa.CheckConstraint("seconds >= 0", name=op.f("ck_observation_seconds")),
        sa.PrimaryKeyConstraint("key", name="pk_observation"),
    )
    for column in ("person", "at", "incident"):
        op.create_index(f"ix_observation_{column}", "observation", [column])


def _ledger() -> None:
    op.create_table(
        "entry",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        _word("key"),
        _word("category"),
        _word("method"),
        _count("method_version"),
        _word("confidence"),
        _count("seconds"),
        _time("occurred_at"),
        _time("recorded_at"),
        *(_word(name) for name in ("team", "service", "incident", "runbook", "action")),
        _word("reverses", nullable=True),
        _word("private_digest"),
        _count("chain_version"),
        _word("prev_hash"),
        _word("hash"),
        sa.CheckConstraint("seconds >= 0", name=op.f("ck_entry_seconds")),
        _reference("entry", "reverses", "entry.key"),
        sa.PrimaryKeyConstraint("seq", name="pk_entry"),
        sa.UniqueConstraint("key", name="uq_entry_key"),
        sa.UniqueConstraint("reverses", name="uq_entry_reverses"),
    )
    op.create_index("ix_entry_occurred_at", "entry", ["occurred_at"])
    op.create_index("ix_entry_incident", "entry", ["incident"])
    op.create_table(
        "entry_private",
        _word("key"),
        _word("person", nullable=True),
        _word("text"),
        _word("salt"),
        _reference("entry_private", "key", "entry.key"),
        sa.PrimaryKeyConstraint("key", name="pk_entry_private"),
    )
    op.create_index("ix_entry_private_person", "entry_private", ["person"])


def _word(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _json(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.JSON(), nullable=nullable)


def _reference(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [other], name=f"fk_{table}_{column}")
