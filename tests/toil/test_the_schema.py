"""Both databases get the same tables from the same migrations."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Thread

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text

from contracts.catalogue import Served, ServedRunbook
from contracts.errors import InvalidInput, SchemaOutdated, Unavailable
from contracts.journal import Event, IncidentChange, Record
from toil import database
from toil.catalogue import Catalogue
from toil.database import open_engine, ping, require_current, upgrade
from toil.journal import IncidentQuery, Journal
from toil.pauses import Pauses
from toil.tables import Row

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))


def test_the_migrations_make_exactly_the_tables_of_the_models(engine: Engine) -> None:
    """Alembic finds nothing to add, to change or to remove."""
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Row.metadata) == []


def test_an_upgrade_of_an_empty_database_is_current_and_repeatable(empty_url: str) -> None:
    """A second upgrade changes nothing and gives the same revision."""
    engine = open_engine(empty_url)
    first = upgrade(engine)
    require_current(engine)
    assert first == upgrade(engine)
    engine.dispose()


def test_two_processes_may_upgrade_at_once(empty_url: str) -> None:
    """The second waits for the first and finds nothing to do."""
    engine = open_engine(empty_url)
    revisions: list[str] = []
    threads = [Thread(target=lambda: revisions.append(upgrade(engine))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(revisions) == 2
    require_current(engine)
    engine.dispose()


def test_an_empty_database_is_refused_with_the_command_that_helps(empty_url: str) -> None:
    """Neither a start nor a read goes on without tables."""
    engine = open_engine(empty_url)
    with pytest.raises(SchemaOutdated) as at_start:
        require_current(engine)
    with pytest.raises(Unavailable, match="lacks a table"):
        Journal(engine).incidents(IncidentQuery())
    assert "firebreak db upgrade" in at_start.value.fix
    engine.dispose()


def test_a_newer_schema_is_refused_too(engine: Engine) -> None:
    """A program does not write into tables it does not know."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaOutdated, match="9999"):
        require_current(engine)


def test_times_come_back_equal_and_in_utc(engine: Engine) -> None:
    """Zone and microseconds of the writer survive on both databases."""
    pauses = Pauses(engine)
    pauses.put("all", "maintenance", "ana", NOON)
    (pause,) = pauses.all()
    assert pause.at == NOON
    assert pause.at.tzinfo == UTC


def test_a_time_without_a_zone_is_refused(engine: Engine) -> None:
    """The books never guess a zone."""
    with pytest.raises(InvalidInput, match="no time zone"):
        Pauses(engine).put("all", "x", "ana", NOON.replace(tzinfo=None))
    assert Pauses(engine).all() == ()


def test_text_that_postgresql_refuses_is_kept_alike_on_both(engine: Engine) -> None:
    """A NUL and a lone surrogate become replacement characters instead of an error."""
    pauses = Pauses(engine)
    pauses.put("all", "a\x00b\ud800c", "ana", NOON)
    assert pauses.all()[0].reason == "a\ufffdb?c"


@pytest.mark.parametrize("url", ["mysql://host/x", "sqlite://", "no url at all"])
def test_an_unknown_database_is_refused_with_the_two_forms(url: str) -> None:
    """Books in memory, in another system or nowhere are no books."""
    with pytest.raises(InvalidInput) as refused:
        open_engine(url)
    assert "postgresql+psycopg://" in refused.value.fix


@pytest.mark.parametrize(
    "url", ["postgresql://nobody@127.0.0.1:1/none", "sqlite:////nowhere/at/all/books.db"]
)
def test_a_database_that_is_away_is_unavailable(url: str) -> None:
    """A driver's error never leaves the books."""
    engine = open_engine(url)
    with pytest.raises(Unavailable):
        ping(engine)
    with pytest.raises(Unavailable):
        Pauses(engine).put("all", "x", "ana", NOON)
    engine.dispose()


def test_a_reader_does_not_wait_for_a_writer_on_sqlite(tmp_path: Path) -> None:
    """A long write stops no page."""
    engine = open_engine(f"sqlite:///{tmp_path}/books.db")
    upgrade(engine)
    writer = sqlite3.connect(tmp_path / "books.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert Pauses(engine).all() == ()
    writer.close()
    engine.dispose()


def test_the_books_of_the_version_before_are_upgraded_as_they_are(empty_url: str) -> None:
    """Their incidents stay, and their lines without figures stop no reader."""
    engine = open_engine(empty_url)
    with engine.begin() as connection:
        config = database._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    opened = IncidentChange(workflow="w", opened_at=NOON)
    ended = Event(key="k", at=NOON, actor="firebreak", type="outcome", text="resolved: healthy")
    Journal(engine).record(Record(incident="inc-1", change=opened, events=(ended,)))
    upgrade(engine)
    require_current(engine)
    Catalogue(engine).serve(Served(at=NOON, runbooks=(ServedRunbook(name="restart"),)))
    (item,) = Catalogue(engine).page(NOON).items
    assert (item.name, item.figures.runs) == ("restart", 0)
    found = Journal(engine).incident("inc-1")
    assert found is not None
    assert [line.text for line in found.timeline] == ["resolved: healthy"]
    engine.dispose()
