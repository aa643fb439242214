"""A zone is asked for only where an event has none, and is the calendar's own before a guess."""

from datetime import UTC, datetime

import pytest
from directory.conftest import ANA
from directory.test_on_call_by_calendar import BERLIN, calendar, named, shift

from activities.directory.calendars import on_call
from activities.directory.people import Roster
from contracts.errors import Rejected

OUTLOOK = BERLIN.replace("Europe/Berlin", "W. Europe Standard Time").replace("1970", "1601")
CUSTOM = BERLIN.replace("Europe/Berlin", "Customized Time Zone")
NEW_YORK = CUSTOM.replace("+0200", "-0400").replace("+0100", "-0500")
DAY = shift("ana", ";VALUE=DATE:20261121", ";VALUE=DATE:20261122")
FLOATING = shift("ana", ":20261121T090000", ":20261121T170000")


def in_zone(zone: str) -> str:
    """A working day of Ana in that zone."""
    return shift("ana", f";TZID={zone}:20261121T090000", f";TZID={zone}:20261121T170000")


@pytest.mark.parametrize(
    ("zone", "head"),
    [
        ("W. Europe Standard Time", OUTLOOK),
        ("W. Europe Standard Time", ""),
        ("Customized Time Zone", CUSTOM),
        ("Europe/Berlin", BERLIN),
    ],
    ids=["outlook", "outlook without its zone", "exchange", "iana"],
)
def test_a_zone_has_the_name_that_the_calendar_gives_it(zone: str, head: str) -> None:
    """Nine in Berlin is eight of UTC, whatever its maker calls Berlin."""
    body = calendar(in_zone(zone), head=head)
    assert named(body, "2026-11-21T07:59:59") == set()
    assert named(body, "2026-11-21T08:00:00") == {"ana"}
    assert named(body, "2026-11-21T16:00:00") == set()


def test_a_zone_of_one_calendar_is_not_anothers() -> None:
    """Both may call theirs the same."""
    event = in_zone("Customized Time Zone")
    assert named(calendar(event, head=CUSTOM), "2026-11-21T08:30:00") == {"ana"}
    assert named(calendar(event, head=NEW_YORK), "2026-11-21T08:30:00") == set()
    assert named(calendar(event, head=NEW_YORK), "2026-11-21T14:00:00") == {"ana"}
    with pytest.raises(Rejected, match="event 'ana': nobody knows its time zone 'Customized"):
        named(calendar(event), "2026-11-21T08:30:00")


@pytest.mark.parametrize(
    "head",
    [
        "X-WR-TIMEZONE:Europe/Berlin\n",
        "X-WR-TIMEZONE:Europe/Berlin\n" + NEW_YORK,
        "X-WR-TIMEZONE:W. Europe Standard Time\n" + OUTLOOK + NEW_YORK,
        "X-WR-TIMEZONE:Customized Time Zone\n" + CUSTOM,
        BERLIN,
        OUTLOOK,
        CUSTOM,
    ],
)
def test_a_day_and_a_time_without_a_zone_are_the_calendars(head: str) -> None:
    """What it says of itself, else its only zone."""
    day, floating = calendar(DAY, head=head), calendar(FLOATING, head=head)
    assert named(day, "2026-11-20T22:59:59") == set()
    assert named(day, "2026-11-20T23:00:00") == {"ana"}
    assert named(floating, "2026-11-21T08:00:00") == {"ana"}
    assert named(floating, "2026-11-21T16:00:00") == set()


def test_the_policy_says_whose_day_is_meant_where_the_calendar_does_not() -> None:
    """Not where it does: a calendar knows better than a file which nobody changes with it."""
    roster, now = Roster([ANA]), datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
    for head in ("", BERLIN + NEW_YORK, "X-WR-TIMEZONE:Mars/Olympus\n"):
        body = calendar(DAY, head=head)
        assert on_call(body, now, roster, "Europe/Berlin") == {"ana"}
        assert on_call(body, now, roster, "America/New_York") == frozenset()
    berlin = calendar(DAY, head="X-WR-TIMEZONE:Europe/Berlin\n")
    assert on_call(berlin, now, roster, "America/New_York") == {"ana"}


@pytest.mark.parametrize("head", [BERLIN + NEW_YORK, "X-WR-TIMEZONE:Mars/Olympus\n"])
@pytest.mark.parametrize("event", [DAY, FLOATING])
def test_a_zone_is_not_guessed(head: str, event: str) -> None:
    """The reason names the event, and says what to write; but only where one is asked for."""
    with pytest.raises(Rejected, match="event 'ana': whose day is meant") as caught:
        named(calendar(event, head=head), "2026-11-21T12:00:00")
    assert 'timezone = "Europe/Berlin"' in caught.value.fix
    assert named(calendar(event, head=head), "2026-12-24T12:00:00") == set()
    timed = shift("ana", ":20261121T090000Z", ":20261121T170000Z")
    assert named(calendar(timed, head=head), "2026-11-21T12:00:00") == {"ana"}
