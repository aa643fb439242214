"""One's own week adds up as the team's report does, and holds nobody else's time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts.errors import InvalidInput
from contracts.toil import Entry, Observation
from toil.ledger import Ledger
from toil.mine import week_of

# A Saturday; the week began on Monday the 16th.
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


def entry(key: str, **other: Any) -> Entry:
    """Ten logged minutes of ana."""
    values: dict[str, Any] = {"category": "other_toil", "method": "log", "confidence": "confirmed"}
    values |= {"key": key, "seconds": 600, "occurred_at": NOON, "person": "ana"}
    return Entry.model_validate(values | other)


def act(key: str, **other: Any) -> Observation:
    """A minute in which ana answered a question."""
    values = {"key": key, "person": "ana", "at": NOON, "source": "slack", "action": "approve"}
    return Observation.model_validate(values | {"seconds": 60} | other)


def test_time_is_summed_by_category(engine: Engine) -> None:
    """What was logged and what was seen; two acts at once are one person's one minute."""
    ledger = Ledger(engine)
    ledger.append(entry("a"), NOON)
    ledger.append(entry("b", seconds=60, category="engineering"), NOON)
    ledger.observe(act("c"), NOON)
    ledger.observe(act("d", at=NOON - timedelta(seconds=30)), NOON)
    week = week_of(ledger, "ana", "UTC", NOON)
    assert week.seconds == {"other_toil": 600, "engineering": 60, "firefighting": 90}
    assert (week.label, week.begins, week.total_seconds) == ("2026-W47", MONDAY, 750)


def test_what_was_taken_back_does_not_count(engine: Engine) -> None:
    """Nor what others did, nor what was before Monday, nor what Firebreak did by itself."""
    ledger = Ledger(engine)
    ledger.append(entry("a"), NOON)
    ledger.append(entry("r", method="reversal", reverses="a"), NOON)
    ledger.append(entry("b", person="ben"), NOON)
    ledger.append(entry("c", occurred_at=MONDAY - timedelta(seconds=1)), NOON)
    ledger.append(entry("d", method="automatic", seconds=0), NOON)
    week = week_of(ledger, "ana", "UTC", NOON)
    assert (week.seconds, week.total_seconds) == ({}, 0)


def test_the_week_begins_on_monday_of_the_teams_zone(engine: Engine) -> None:
    """At its very first instant the new week holds, and has nothing in it."""
    ledger = Ledger(engine)
    ledger.append(entry("a", occurred_at=MONDAY - timedelta(minutes=30)), NOON)
    assert week_of(ledger, "ana", "Europe/Berlin", NOON).total_seconds == 600
    assert week_of(ledger, "ana", "UTC", MONDAY).begins == MONDAY
    assert week_of(ledger, "ana", "UTC", MONDAY).total_seconds == 0


def test_a_zone_that_is_none_is_refused(engine: Engine) -> None:
    """With the setting to correct."""
    with pytest.raises(InvalidInput, match="'Berlin' is no time zone"):
        week_of(Ledger(engine), "ana", "Berlin", NOON)
