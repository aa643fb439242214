"""The engine of the books: SQLite on a laptop, PostgreSQL in production, the same behaviour.

Opening does no I/O. Every transaction of this package goes through `reading` or `writing`, which
translate the driver's errors into our tree; nobody else may open a session.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, literal, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from contracts.errors import FirebreakError, InvalidInput, SchemaOutdated, Unavailable
from toil.tables import Row

POOL_CONNECTIONS = 16
POOL_OVERFLOW_MAX = 4
WAIT_SECONDS = 10
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30

_READING = "firebreak_reading"
_MIGRATION_LOCK = 7_309_453_266
_INSERTS: dict[str, Callable[[type[Row]], Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
_URL_FIX = "Write sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME."
_NO_TABLE_SQLSTATES = ("42P01", "42703")


def open_engine(url: str) -> Engine:
    """Make the engine of `url`; nothing is connected yet.

    Raises:
        InvalidInput: the URL is neither SQLite's nor PostgreSQL's.

    """
    try:
        parsed = make_url(url)
    except ArgumentError as err:
        raise InvalidInput("the database URL cannot be read", _URL_FIX) from err
    pool: dict[str, Any] = {
        "poolclass": QueuePool,
        "pool_size": POOL_CONNECTIONS,
        "max_overflow": POOL_OVERFLOW_MAX,
        "pool_timeout": WAIT_SECONDS,
    }
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        engine = create_engine(parsed, connect_args={"timeout": WAIT_SECONDS}, **pool)
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
        return engine
    if parsed.get_backend_name() == "postgresql":
        url_psycopg = parsed.set(drivername="postgresql+psycopg")
        arguments = {"connect_timeout": CONNECT_SECONDS, "options": _postgresql_options()}
        return create_engine(url_psycopg, pool_pre_ping=True, connect_args=arguments, **pool)
    raise InvalidInput(f"'{parsed.drivername}' cannot keep the books here", _URL_FIX)


def upgrade(engine: Engine) -> str:
    """Bring the schema up to date, one process at a time; returns the revision."""
    with translated(), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return _revision(connection) or ""


def require_current(engine: Engine) -> None:
    """Check the schema before anything is read or written.

    Raises:
        SchemaOutdated: the database is older or newer than this program.

    """
    with translated(), engine.execution_options(**{_READING: True}).connect() as connection:
        found = _revision(connection)
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    if found != wanted:
        raise SchemaOutdated(f"the database is at {found or 'nothing'}, this program at {wanted}")


def ping(engine: Engine) -> None:
    """Ask the database for an answer.

    Raises:
        Unavailable: there was none.

    """
    with reading(engine) as session:
        session.execute(text("SELECT 1"))


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One snapshot; on SQLite it never waits for a writer nor makes one wait."""
    options = engine.execution_options(**{_READING: True})
    with translated(), Session(options, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """One transaction, committed at the end of the block; rolled back by any error."""
    with translated(), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except (OperationalError, InterfaceError, ProgrammingError, PoolTimeout) as err:
        raise _ours(err) or err from err
    except StatementError as err:
        # A column type refused a value before anything was sent.
        if isinstance(err.orig, FirebreakError):
            raise err.orig from err
        raise


def insert_new(session: Session, row: Row) -> bool:
    """Insert `row` unless a row with one of its unique keys is there; whether it was new."""
    insert = _INSERTS[session.get_bind().dialect.name]
    statement = insert(type(row)).values(**row.model_dump()).on_conflict_do_nothing()
    # What comes back is counted, because not every driver reports a row count here.
    return session.execute(statement.returning(literal(1))).first() is not None


def _ours(err: Exception) -> FirebreakError | None:
    origin = getattr(err, "orig", None)
    missing = getattr(origin, "sqlstate", None) in _NO_TABLE_SQLSTATES
    if missing or str(origin).startswith(("no such table", "no such column")):
        # A start refuses with SchemaOutdated; work under way waits for the upgrade instead.
        fix = "Run `firebreak db upgrade` with this version; what waits then goes on."
        return Unavailable("the database lacks a table or a column of this program", fix)
    if isinstance(err, ProgrammingError):
        return None
    return Unavailable(f"the database does not answer: {origin or err}")


def _set_pragmas(connection: sqlite3.Connection, _: object) -> None:
    # Without this the driver begins transactions itself, and always deferred ones.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {WAIT_SECONDS * 1000}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "recursive_triggers = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # A deferred transaction that writes after it has read fails instead of waiting.
    read_only = connection.get_execution_options().get(_READING)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _postgresql_options() -> str:
    lock, statement = WAIT_SECONDS * 1000, STATEMENT_SECONDS * 1000
    return f"-c timezone=UTC -c lock_timeout={lock} -c statement_timeout={statement}"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "toil:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
