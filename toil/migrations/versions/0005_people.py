"""What a channel shows, who is in a group, and work that is being measured."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    digest = sa.Column("digest", sa.String(), nullable=False, server_default=sa.text("''"))
    op.add_column("message", digest)
    op.add_column("message", sa.Column("posting_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "people_group",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_people_group"),
    )
    op.create_table(
        "stopwatch",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("incident", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_stopwatch"),
    )
