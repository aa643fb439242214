"""Who is in a group is known for five minutes after it was read, and then nobody is."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from toil.memberships import CLOCKS_APART_SECONDS, FRESH_SECONDS_MAX, Memberships

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=FRESH_SECONDS_MAX)
PRIMARY = "oncall:primary"


def test_what_was_read_holds_for_five_minutes(engine: Engine) -> None:
    """To the second; what is older is unknown, and so is what nobody ever read."""
    groups = Memberships(engine)
    groups.keep(PRIMARY, {"ben", "ana"}, NOON)
    assert FRESH_SECONDS_MAX == 300
    assert groups.members(PRIMARY, LATER) == frozenset({"ana", "ben"})
    assert groups.members(PRIMARY, LATER + timedelta(seconds=1)) is None
    assert groups.members("oncall:other", NOON) is None


def test_nobody_is_an_answer(engine: Engine) -> None:
    """A group that was read and is empty is known to be empty."""
    groups = Memberships(engine)
    groups.keep(PRIMARY, {"ana"}, NOON)
    groups.keep(PRIMARY, (), NOON + timedelta(minutes=1))
    assert groups.members(PRIMARY, NOON + timedelta(minutes=1)) == frozenset()


def test_the_newest_answer_stays(engine: Engine) -> None:
    """Two workers that read at once may write in the other order."""
    groups = Memberships(engine)
    groups.keep(PRIMARY, {"ben"}, NOON + timedelta(minutes=1))
    groups.keep(PRIMARY, {"ana"}, NOON)
    groups.fault(PRIMARY, "an old failure", NOON)
    (known,) = groups.all()
    assert (known.people, known.fault) == (frozenset({"ben"}), "")


@pytest.mark.parametrize("seconds", [CLOCKS_APART_SECONDS + 1, 3_600, 10**9])
def test_a_time_that_is_not_yet_holds_nobody(engine: Engine, seconds: int) -> None:
    """A worker whose clock is fast must not freeze the group until that time has come."""
    groups = Memberships(engine)
    groups.keep(PRIMARY, {"ana"}, NOON + timedelta(seconds=seconds))
    assert groups.members(PRIMARY, NOON) is None
    assert groups.groups_of("ana", [PRIMARY], NOON) == frozenset()
    groups.fault(PRIMARY, "calendar.test answered 503", NOON)
    assert [g.fault for g in groups.all()] == ["calendar.test answered 503"]
    groups.keep(PRIMARY, {"ben"}, NOON)
    assert groups.members(PRIMARY, NOON) == frozenset({"ben"})
    assert [(g.read_at, g.fault) for g in groups.all()] == [(NOON, "")]


def test_clocks_may_be_a_little_apart(engine: Engine) -> None:
    """Who asks a moment before the answer's own time has an answer; it is not asked for longer."""
    groups = Memberships(engine)
    ahead = NOON + timedelta(seconds=CLOCKS_APART_SECONDS)
    groups.keep(PRIMARY, {"ana"}, ahead)
    groups.keep(PRIMARY, {"ben"}, NOON)
    assert groups.members(PRIMARY, NOON) == frozenset({"ana"})
    (known,) = groups.all()
    assert known.is_fresh(ahead - timedelta(seconds=5), 5)
    assert not known.is_fresh(ahead - timedelta(seconds=6), 5)


def test_a_failed_read_ages_what_was_known(engine: Engine) -> None:
    """It is not forgotten at once, it is not refreshed either, and why is there to be read."""
    groups = Memberships(engine)
    groups.keep(PRIMARY, {"ana"}, NOON)
    groups.fault(PRIMARY, "calendar.test answered 503", NOON + timedelta(minutes=4))
    assert groups.members(PRIMARY, LATER) == frozenset({"ana"})
    assert groups.members(PRIMARY, LATER + timedelta(seconds=1)) is None
    (known,) = groups.all()
    assert (known.read_at, known.fault) == (NOON, "calendar.test answered 503")


def test_a_read_that_goes_well_ends_the_fault(engine: Engine) -> None:
    """Also that of a group which had never been read before."""
    groups = Memberships(engine)
    groups.fault(PRIMARY, "no token", NOON)
    assert [(g.name, g.read_at, g.fault) for g in groups.all()] == [(PRIMARY, None, "no token")]
    assert groups.members(PRIMARY, NOON) is None
    groups.keep(PRIMARY, {"ana"}, NOON)
    assert [(g.read_at, g.fault) for g in groups.all()] == [(NOON, "")]


def test_a_person_is_in_those_groups_that_are_asked_about(engine: Engine) -> None:
    """Not in others, not in stale ones, and a person is never a group."""
    groups = Memberships(engine)
    groups.keep(PRIMARY, {"ana", "ben"}, LATER)
    groups.keep("usergroup:S01", {"ana"}, LATER)
    groups.keep("oncall:stale", {"ana"}, NOON)
    asked = (PRIMARY, "oncall:stale", "oncall:unknown", "ana")
    now = LATER + timedelta(seconds=1)
    assert groups.groups_of("ana", asked, now) == {PRIMARY}
    assert groups.groups_of("cho", asked, now) == frozenset()
    assert groups.groups_of("ana", (), now) == frozenset()
