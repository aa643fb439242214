"""What `firebreak doctor` says of the groups that may approve: who is in them, and how fresh."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from contracts.policy import OnCall, Policy
from doctor import Finding, _books
from toil.database import open_engine, upgrade
from toil.memberships import Memberships

PRIMARY = "oncall:primary"
POLICY = Policy(oncall=(OnCall(name="primary", kind="static", people=("ana",)),))


@pytest.fixture(name="engine")
def _engine(tmp_path: Path) -> Iterator[Engine]:
    """A real SQLite database at the newest schema."""
    engine = open_engine(f"sqlite:///{tmp_path / 'books.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


def found(engine: Engine, policy: Policy = POLICY) -> list[Finding]:
    """What is found of groups."""
    return [f for f in _books(engine, policy) if f.name == "on-call primary"]


def ago(seconds: float) -> datetime:
    """So long before now."""
    return datetime.now(UTC) - timedelta(seconds=seconds)


def test_who_is_on_call_is_named(engine: Engine) -> None:
    """With how long ago that was read; a policy without groups has no such line."""
    Memberships(engine).keep(PRIMARY, ["ben", "ana"], ago(125))
    [line] = found(engine)
    assert (line.ok, line.detail) == (True, "ana, ben; read 2 min ago")
    assert found(engine, Policy()) == []


def test_a_group_that_nobody_ever_read_wants_a_worker(engine: Engine) -> None:
    """Its members may not approve, and nothing else would say so."""
    [line] = found(engine)
    assert not line.ok
    assert line.detail == "never read; nobody of it may approve"
    assert "firebreak worker" in line.fix


def test_a_group_that_cannot_be_read_says_why(engine: Engine) -> None:
    """From the first failure on, while those who were read last still count."""
    books = Memberships(engine)
    books.fault(PRIMARY, "calendar.test: no answer. Open its address.", ago(70))
    [never] = found(engine)
    assert (never.ok, "never read: calendar.test: no answer" in never.detail) == (False, True)
    books.keep(PRIMARY, ["ana"], ago(60))
    books.fault(PRIMARY, "calendar.test: no answer. Open its address.", ago(1))
    [line] = found(engine)
    assert not line.ok
    assert line.detail == (
        "ana; read 1 min ago, and not since: calendar.test: no answer. Open its address"
    )
    assert "among the approvers" in line.fix


def test_what_was_read_too_long_ago_is_nobody(engine: Engine) -> None:
    """As the doors see it, five minutes after the last answer."""
    Memberships(engine).keep(PRIMARY, ["ana"], ago(299))
    assert [f.ok for f in found(engine)] == [True]
    Memberships(engine).keep("oncall:other", ["ana"], ago(301))
    other = Policy(oncall=(OnCall(name="other", kind="static", people=("ana",)),))
    [line] = [f for f in _books(engine, other) if f.name == "on-call other"]
    assert not line.ok
    assert line.detail == "ana; read 5 min ago; too long, so nobody of it may approve"
    assert "firebreak worker" in line.fix


def test_a_schedule_with_nobody_on_it_is_a_fault(engine: Engine) -> None:
    """It was read, and still nobody comes."""
    Memberships(engine).keep(PRIMARY, [], ago(1))
    [line] = found(engine)
    assert not line.ok
    assert line.detail.startswith("nobody of the policy; read ")
    assert "[[people]]" in line.fix
