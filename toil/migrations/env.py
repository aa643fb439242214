"""Run by Alembic: migrates the connection that `toil.database.upgrade` hands over.

It never opens a connection itself, so that there is one way to reach the books.
"""

from alembic import context

from contracts.errors import InvalidInput
from toil.tables import Row


def _migrate() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        raise InvalidInput("no connection was handed over", "Run `firebreak db upgrade`.")
    context.configure(
        connection=connection,
        target_metadata=Row.metadata,
        render_as_batch=True,
        transactional_ddl=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


_migrate()
