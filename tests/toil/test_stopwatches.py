"""A person's stopwatch measures one piece of work, and posts its time once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts.errors import InvalidInput, NotFound
from contracts.toil import Entry
from toil.ledger import Ledger
from toil.stopwatches import RUN_SECONDS_MAX, Stopped, Stopwatch, Stopwatches

NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOON + timedelta(minutes=25)


def watch(**other: Any) -> Stopwatch:
    """Ana begins to drain a node at noon."""
    values = {"person": "ana", "began_at": NOON, "text": "drain a node", "service": "cart"}
    return Stopwatch.model_validate(values | {"incident": "inc-1"} | other)


def shop(service: str) -> str:
    """The team of a service."""
    return f"team of {service}"


def stop(engine: Engine, key: str = "a", now: datetime = LATER, person: str = "ana") -> Stopped:
    """Stop a person's stopwatch."""
    return Stopwatches(engine).stop(person, shop, key, now)


def test_it_runs_from_start_to_stop(engine: Engine) -> None:
    """For its person alone."""
    watches = Stopwatches(engine)
    assert watches.running("ana") is None
    assert watches.start(watch())
    assert watches.running("ana") == watch()
    assert watches.running("ben") is None
    stop(engine)
    assert watches.running("ana") is None


def test_stopping_posts_the_time_that_was_measured(engine: Engine) -> None:
    """To the second, as one entry that says that it was measured."""
    Stopwatches(engine).start(watch())
    entry, is_new = stop(engine)
    assert is_new
    assert entry == Entry(
        key="a",
        category="firefighting",
        method="log",
        confidence="measured",
        seconds=25 * 60,
        occurred_at=LATER,
        text="drain a node",
        person="ana",
        team="team of cart",
        service="cart",
        incident="inc-1",
    )
    assert Ledger(engine).entries() == (entry,)
    assert Ledger(engine).verify() == ()


def test_the_same_start_again_changes_nothing(engine: Engine) -> None:
    """A request whose answer was lost is sent again; the time goes on from the first."""
    watches = Stopwatches(engine)
    watches.start(watch(text="drain\x00 a node"))
    assert not watches.start(watch(text="drain\x00 a node", began_at=LATER))
    running = watches.running("ana")
    assert running
    assert running.began_at == NOON


def test_other_work_is_refused_while_it_runs(engine: Engine) -> None:
    """The refusal says since when and for what; nothing is replaced."""
    watches = Stopwatches(engine)
    watches.start(watch())
    with pytest.raises(InvalidInput, match="since 2026-11-21 12:00 UTC for: drain a node"):
        watches.start(watch(text="something else", began_at=LATER))
    assert watches.running("ana") == watch()
    assert watches.start(watch(person="ben"))


def test_a_stop_that_is_sent_again_is_answered_with_the_same_entry(engine: Engine) -> None:
    """Even after the next stopwatch was started: that one goes on."""
    watches = Stopwatches(engine)
    watches.start(watch())
    first = stop(engine)
    watches.start(watch(began_at=LATER, text="the next thing"))
    again = stop(engine, now=LATER + timedelta(minutes=1))
    assert (again.entry, again.is_new) == (first.entry, False)
    running = watches.running("ana")
    assert running
    assert running.text == "the next thing"
    assert len(Ledger(engine).entries()) == 1


def test_a_second_stop_posts_nothing(engine: Engine) -> None:
    """And says that nothing runs."""
    Stopwatches(engine).start(watch())
    stop(engine)
    with pytest.raises(NotFound, match="no stopwatch of yours runs"):
        stop(engine, key="b")
    assert len(Ledger(engine).entries()) == 1


@pytest.mark.parametrize("keys", [["a"] * 4, ["a", "b", "c", "d"]])
def test_of_many_stops_at_once_one_counts(engine: Engine, keys: list[str]) -> None:
    """Whether it is one request sent often, or many; a repeat of the one that counts is told so."""
    Stopwatches(engine).start(watch())

    def attempt(key: str) -> bool | None:
        try:
            return stop(engine, key).is_new
        except NotFound:
            return None

    with ThreadPoolExecutor(len(keys)) as pool:
        told = list(pool.map(attempt, keys))
    others = {False} if len(set(keys)) == 1 else {None}
    assert told.count(True) == 1
    assert set(told) - {True} == others
    assert len(Ledger(engine).entries()) == 1


def test_the_longest_time_is_still_posted(engine: Engine) -> None:
    """To the second."""
    Stopwatches(engine).start(watch())
    entry, _ = stop(engine, now=NOON + timedelta(seconds=RUN_SECONDS_MAX))
    assert entry.seconds == RUN_SECONDS_MAX


def test_a_forgotten_stopwatch_ends_without_an_entry(engine: Engine) -> None:
    """Its time is no work; the refusal keeps what it was for, and the next one can start."""
    watches = Stopwatches(engine)
    watches.start(watch())
    with pytest.raises(InvalidInput, match="ran 20 h, more than 12 h") as refused:
        stop(engine, now=NOON + timedelta(hours=20))
    assert "drain a node" in refused.value.fix
    assert Ledger(engine).entries() == ()
    assert watches.running("ana") is None


def test_a_clock_that_went_back_takes_no_time_away(engine: Engine) -> None:
    """One second at least: what was stopped was begun."""
    Stopwatches(engine).start(watch())
    entry, _ = stop(engine, now=NOON - timedelta(minutes=5))
    assert entry.seconds == 1


def test_it_stands_beside_the_ledger_that_gets_its_time(engine: Engine) -> None:
    """The same books."""
    ledger = Ledger(engine)
    Stopwatches.beside(ledger).start(watch())
    assert Stopwatches(engine).running("ana") == watch()
