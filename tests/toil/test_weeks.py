"""Weeks are ISO weeks of the team's zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from contracts.errors import InvalidInput
from toil.weeks import weeks_until, zone_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2027, 1, 6, 12, tzinfo=UTC)


def test_the_turn_of_the_year_follows_iso() -> None:
    """2026 has 53 weeks; the first days of January may belong to the last of them."""
    labels = [week.label for week in weeks_until(NOW, 3, BERLIN, NOW)]
    assert labels == ["2026-W52", "2026-W53", "2027-W01"]


@pytest.mark.parametrize(
    ("until", "hours"),
    [(datetime(2026, 10, 23, tzinfo=UTC), 169), (datetime(2026, 3, 27, tzinfo=UTC), 167)],
    ids=["autumn", "spring"],
)
def test_a_week_with_a_clock_change_has_its_true_length(until: datetime, hours: int) -> None:
    """Instants are UTC; the wall clock would say 168."""
    (week,) = weeks_until(until, 1, BERLIN, NOW)
    assert timedelta(hours=hours) == week.ends - week.begins


def test_the_end_is_exclusive() -> None:
    """Until Monday 00:00 means the week that just ended."""
    monday = datetime(2026, 11, 16, tzinfo=BERLIN)
    (ended,) = weeks_until(monday, 1, BERLIN, NOW)
    assert ("2026-W46", monday) == (ended.label, ended.ends)
    (begun,) = weeks_until(monday + timedelta(seconds=1), 1, BERLIN, NOW)
    assert ("2026-W47", monday) == (begun.label, begun.begins)


@pytest.mark.parametrize("weeks", [0, -1, 107])
def test_an_absurd_number_of_weeks_is_refused(weeks: int) -> None:
    """With the range that is possible."""
    with pytest.raises(InvalidInput) as refused:
        weeks_until(NOW, weeks, BERLIN, NOW)
    assert "1 to 106" in refused.value.fix


@pytest.mark.parametrize(
    "until",
    [
        NOW.replace(tzinfo=None),
        NOW + timedelta(days=8),
        datetime.max.replace(tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
    ],
)
def test_a_time_out_of_reach_is_refused(until: datetime) -> None:
    """Instead of an overflow somewhere below."""
    with pytest.raises(InvalidInput):
        weeks_until(until, 1, BERLIN, NOW)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd"])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    """The fix names the setting."""
    with pytest.raises(InvalidInput) as refused:
        zone_of(name)
    assert "toil.timezone" in refused.value.fix
