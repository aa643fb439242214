"""When a storm begins and ends, from nothing but when the alerts of each target began."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.policy import Limits
from guardrails import looks_back, storm_of

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
LIMITS = Limits(storm_targets_max=3, storm_window_seconds=300, storm_quiet_seconds=600)

beginnings = st.lists(
    st.tuples(
        st.sampled_from("abcdefgh"),
        st.integers(0, 1200).map(lambda seconds: NOW - timedelta(seconds=seconds)),
    ),
    max_size=30,
)


def began(*seconds_ago: int) -> list[tuple[str, datetime]]:
    """One target each, so long ago."""
    return [(f"t{n}", NOW - timedelta(seconds=ago)) for n, ago in enumerate(seconds_ago)]


@pytest.mark.parametrize(
    ("seconds_ago", "on"),
    [
        ((0, 1, 2), False),
        ((0, 1, 2, 299), True),
        ((0, 1, 2, 300), False),
        ((600, 700, 800, 899), True),
        ((600, 700, 800, 900), False),
    ],
)
def test_a_storm_is_more_targets_than_the_limit_within_the_window(
    seconds_ago: tuple[int, ...], on: bool
) -> None:
    """And it lasts until the quiet time after the window has passed."""
    storm = storm_of("default", began(*seconds_ago), LIMITS, NOW)
    assert (storm is not None) is on


def test_many_alerts_of_one_target_are_no_storm() -> None:
    """Targets are counted, not alerts."""
    one = [("t", at) for _, at in began(*range(100))]
    assert storm_of("default", one, LIMITS, NOW) is None


def test_a_storm_tells_its_size_and_its_end() -> None:
    """The end moves with the newest alerts only as far as more than the limit stay together."""
    storm = storm_of("default", began(10, 20, 30, 40, 250), LIMITS, NOW)
    assert storm is not None
    assert (storm.cluster, storm.targets) == ("default", 5)
    assert storm.since == NOW - timedelta(seconds=250)
    assert storm.until == NOW + timedelta(seconds=-40 + 300 + 600)


def test_two_hundred_targets_are_counted_at_once() -> None:
    """Whatever the order in which the books give them."""
    many = began(*(n * 37 % 60 for n in range(200)))
    storm = storm_of("default", many, Limits(), NOW)
    assert storm is not None
    assert storm.targets == 200


@given(beginnings)
def test_a_storm_is_what_counting_by_hand_finds(found: list[tuple[str, datetime]]) -> None:
    """The sliding count agrees with a count at every second of the past."""
    window = timedelta(seconds=LIMITS.storm_window_seconds)
    quiet = timedelta(seconds=LIMITS.storm_quiet_seconds)
    seen = [(t, at) for t, at in found if at > NOW - looks_back(LIMITS)]
    over = [
        moment
        for moment in {at for _, at in seen}
        | {at + window - timedelta(seconds=1) for _, at in seen}
        if len({t for t, at in seen if moment - window < at <= moment}) > LIMITS.storm_targets_max
    ]
    on = bool(over) and max(over) + timedelta(seconds=1) + quiet > NOW
    assert (storm_of("default", seen, LIMITS, NOW) is not None) is on
