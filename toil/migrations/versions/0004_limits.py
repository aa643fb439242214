"""What limits count writes by, and when the alerts of a target began, for storms."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("service", "pool", "approval", "restores"):
        column = sa.Column(name, sa.String(), nullable=False, server_default=sa.text("''"))
        op.add_column("reservation", column)
    op.create_index("ix_reservation_reserved_at", "reservation", ["reserved_at"])
    op.create_table(
        "alerting",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cluster", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("target", "at", name="pk_alerting"),
    )
    op.create_index("ix_alerting_cluster_at", "alerting", ["cluster", "at"])
    op.create_table(
        "storm",
        sa.Column("cluster", sa.String(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("incident", sa.String(), nullable=False),
        sa.Column("targets", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("cluster", "began_at", name="pk_storm"),
    )
    not_ended = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_storm_open",
        "storm",
        ["cluster"],
        unique=True,
        sqlite_where=not_ended,
        postgresql_where=not_ended,
    )
