"""The ledger only grows, shows every change, and forgets a person without a break."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from contracts.errors import InvalidInput
from contracts.target import Target
from contracts.toil import Entry, Observation
from toil.ledger import Ledger

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)

FORK = """
    INSERT INTO entry
    SELECT 9, 'x', category, method, method_version, confidence, seconds, occurred_at, recorded_at,
      team, service, incident, runbook, action, NULL, private_digest, chain_version, prev_hash, hash
    FROM entry WHERE seq = 2
"""


def entry(key: str, **other: Any) -> Entry:
    """Twenty-five logged minutes of ana."""
    values = {"category": "other_toil", "method": "log", "confidence": "confirmed"}
    values |= {"person": "ana", "text": "restarted by hand", "service": "user-auth"}
    return Entry.model_validate(values | {"key": key, "seconds": 1500, "occurred_at": NOON} | other)


def reversal(key: str, of: Entry, **other: Any) -> Entry:
    """What takes `of` back."""
    return entry(key, method="reversal", reverses=of.key, **other)


def observation(key: str, **other: Any) -> Observation:
    """One approval by ana."""
    values = {"person": "ana", "source": "web", "action": "approve", "seconds": 60}
    return Observation.model_validate(values | {"key": key, "at": NOON} | other)


def filled(engine: Engine, count: int = 5) -> Ledger:
    """A ledger of so many entries."""
    ledger = Ledger(engine)
    for number in range(count):
        ledger.append(entry(f"e{number}"), NOON)
    return ledger


def tamper(engine: Engine, statement: str) -> None:
    """Change the table as somebody with all rights could, who first drops what guards it."""
    if engine.dialect.name == "sqlite":
        drop = "DROP TRIGGER entry_no_update; DROP TRIGGER entry_no_delete;"
        with closing(sqlite3.connect(str(engine.url.database))) as connection:
            connection.executescript(f"{drop} {statement};")
        return
    with engine.begin() as connection:
        for table in ("entry", "entry_private"):
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))
        connection.execute(text(statement))


def test_an_entry_comes_back_as_it_was_posted(engine: Engine) -> None:
    """Every field, with the microseconds; a second post of the key is nothing."""
    ledger = Ledger(engine)
    posted = entry("e1", team="shop", incident="inc-1", runbook="r", action="a")
    assert ledger.append(posted, NOON)
    assert not ledger.append(posted.model_copy(update={"seconds": 1}), NOON)
    assert (posted,) == ledger.entries()
    assert ledger.verify() == ()


def test_an_observation_comes_back_as_it_was_kept(engine: Engine) -> None:
    """Also without a person, and with a target."""
    ledger = Ledger(engine)
    target = Target(cluster="c", namespace="n", kind="Deployment", name="d")
    kept = observation("o1", person=None, target=target)
    assert ledger.observe(kept, NOON)
    assert not ledger.observe(kept, NOON)
    assert (kept,) == ledger.observations()


def test_rows_are_found_by_person_incident_and_time(engine: Engine) -> None:
    """The end of the time is exclusive."""
    ledger = Ledger(engine)
    later = NOON + timedelta(hours=1)
    for key, person, at in (("1", "ana", NOON), ("2", "ben", later)):
        ledger.observe(observation(key, person=person, at=at, incident=f"inc-{key}"), NOON)
        ledger.append(entry(key, person=person, occurred_at=at, incident=f"inc-{key}"), NOON)
    for find in (ledger.observations, ledger.entries):
        assert [row.key for row in find(person="ana")] == ["1"]
        assert [row.key for row in find(incident="inc-2")] == ["2"]
        assert [row.key for row in find(since=NOON, until=later)] == ["1"]
        assert [row.key for row in find(since=later)] == ["2"]
        assert [row.key for row in find(person="ana", incident="inc-2")] == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET seconds = 0 WHERE seq = 2",
        "DELETE FROM entry WHERE seq = 5",
        FORK,
    ],
    ids=["update", "delete", "fork"],
)
def test_the_database_refuses_what_is_not_an_append(engine: Engine, statement: str) -> None:
    """Also for somebody who holds a connection of their own."""
    ledger = filled(engine)
    before = ledger.entries()
    with pytest.raises(DBAPIError, match="only grows"), engine.begin() as connection:
        connection.execute(text(statement))
    assert before == ledger.entries()


def test_the_database_refuses_its_own_way_to_empty_or_replace_a_row(engine: Engine) -> None:
    """PostgreSQL has TRUNCATE, SQLite `INSERT OR REPLACE`; both pass by the usual triggers."""
    ledger = filled(engine)
    statement = {
        "postgresql": "TRUNCATE entry CASCADE",
        "sqlite": "INSERT OR REPLACE INTO entry SELECT * FROM entry WHERE seq = 2",
    }[engine.dialect.name]
    with pytest.raises(DBAPIError, match="only grows"), engine.begin() as connection:
        connection.execute(text(statement))
    assert len(ledger.entries()) == 5


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE entry SET seconds = 9 WHERE seq = 3", "row 3 (e2): was changed"),
        ("UPDATE entry_private SET person = 'ben' WHERE key = 'e2'", "row 3 (e2): person or text"),
        ("DELETE FROM entry WHERE seq = 3", "row 4 (e3): rows 3 to 3 are missing"),
        ("UPDATE entry SET prev_hash = 'x' WHERE seq = 1", "row 1 (e0): does not follow"),
    ],
    ids=["figure", "person", "row", "first"],
)
def test_verify_names_the_first_bad_row(engine: Engine, statement: str, said: str) -> None:
    """Whoever can drop the triggers still cannot hide what was done."""
    ledger = filled(engine)
    assert ledger.verify() == ()
    tamper(engine, statement)
    assert ledger.verify()[0].startswith(said)


def test_a_person_is_forgotten_without_a_break_in_the_chain(engine: Engine) -> None:
    """The seconds stay; who and why are gone."""
    ledger = filled(engine, 2)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM entry_private WHERE person = 'ana'"))
    assert ledger.verify() == ()
    assert [(e.person, e.text, e.seconds) for e in ledger.entries()] == [(None, "", 1500)] * 2


def test_many_writers_make_one_chain(engine: Engine) -> None:
    """No fork, no gap, no lost row."""
    ledger = Ledger(engine)
    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(lambda n: ledger.append(entry(f"e{n % 40}"), NOON), range(80)))
    assert sum(new) == 40
    assert len(ledger.entries()) == 40
    assert ledger.verify() == ()


def test_the_head_changes_with_each_row(engine: Engine) -> None:
    """Kept elsewhere, it shows a cut tail."""
    ledger = Ledger(engine)
    assert ledger.head_hash() == ""
    heads = set()
    for number in range(3):
        ledger.append(entry(f"e{number}"), NOON)
        heads.add(ledger.head_hash())
    assert len(heads) == 3


def test_text_with_a_nul_is_hashed_as_it_is_stored(engine: Engine) -> None:
    """What the database changes must not look like tampering."""
    ledger = Ledger(engine)
    ledger.append(entry("e1", text="a\x00b", service="x\x00"), NOON)
    assert ledger.verify() == ()
    assert ledger.entries()[0].text == "a\ufffdb"


def test_an_entry_is_reversed_once_and_as_it_was(engine: Engine) -> None:
    """A correction mirrors one entry; a second one, or another figure, is refused."""
    ledger = Ledger(engine)
    wrong = entry("e1")
    ledger.append(wrong, NOON)
    with pytest.raises(InvalidInput, match="repeat"):
        ledger.append(reversal("r", wrong, seconds=1), NOON)
    assert ledger.append(reversal("r", wrong), NOON)
    assert not ledger.append(reversal("r", wrong), NOON)
    with pytest.raises(InvalidInput, match="already reversed"):
        ledger.append(reversal("r2", wrong), NOON)
    assert [e.key for e in ledger.entries()] == ["e1", "r"]


def test_only_an_entry_can_be_reversed(engine: Engine) -> None:
    """Neither nothing nor a reversal, and never without saying so."""
    ledger = Ledger(engine)
    wrong = entry("e1")
    ledger.append(wrong, NOON)
    back = reversal("r", wrong)
    ledger.append(back, NOON)
    for bad in (reversal("x", entry("unknown")), reversal("x", back), entry("x", reverses="e1")):
        with pytest.raises(InvalidInput):
            ledger.append(bad, NOON)
    assert len(ledger.entries()) == 2
