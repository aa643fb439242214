"""The ledger only grows: the database itself refuses to change, remove or fork its rows.

A new row must follow the last one. On SQLite this also stops `INSERT OR REPLACE`, which removes
rows without asking the triggers for deletes.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SQLITE = (
    """
    CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry
    BEGIN SELECT RAISE(ABORT, 'the ledger only grows: UPDATE is refused'); END
    """,
    """
    CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry
    BEGIN SELECT RAISE(ABORT, 'the ledger only grows: DELETE is refused'); END
    """,
    """
    CREATE TRIGGER entry_follows BEFORE INSERT ON entry
    WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM entry)
      OR NEW.prev_hash <> coalesce((SELECT hash FROM entry ORDER BY seq DESC LIMIT 1), '')
      OR EXISTS (SELECT 1 FROM entry WHERE key = NEW.key)
      OR EXISTS (SELECT 1 FROM entry WHERE reverses = NEW.reverses)
    BEGIN SELECT RAISE(ABORT, 'the ledger only grows: a row must follow the last one'); END
    """,
)

_POSTGRESQL = (
    """
    CREATE FUNCTION entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION USING MESSAGE = 'the ledger only grows: ' || TG_OP || ' is refused'; END
    $$
    """,
    """
    CREATE FUNCTION entry_follows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM entry)
        OR NEW.prev_hash <> coalesce((SELECT hash FROM entry ORDER BY seq DESC LIMIT 1), '')
      THEN
        RAISE EXCEPTION 'the ledger only grows: a row must follow the last one';
      END IF;
      RETURN NEW;
    END
    $$
    """,
    """
    CREATE TRIGGER entry_no_change BEFORE UPDATE OR DELETE ON entry
    FOR EACH ROW EXECUTE FUNCTION entry_refuse()
    """,
    """
    CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION entry_refuse()
    """,
    """
    CREATE TRIGGER entry_follows BEFORE INSERT ON entry
    FOR EACH ROW EXECUTE FUNCTION entry_follows()
    """,
)


def upgrade() -> None:
    statements = _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE
    for statement in statements:
        op.execute(statement)
