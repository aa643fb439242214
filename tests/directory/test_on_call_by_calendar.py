"""A calendar says who is on call now, in its own time zone, with its own exceptions."""

from datetime import UTC, datetime

import httpx
import pytest
from directory.conftest import ANA, BEN, CHO
from upstreams import Said, Upstream

from activities.directory.calendars import EVENTS_MAX, SUMMARY_CHARS_MAX, Calendars, on_call
from activities.directory.http import BODY_BYTES_MAX
from activities.directory.people import Roster
from contracts.errors import Rejected, Unavailable

ROSTER = Roster([ANA, BEN, CHO])
BERLIN = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
"""


def calendar(*events: str, head: str = "") -> bytes:
    """A calendar of these events; each is its properties."""
    told = "".join(f"BEGIN:VEVENT\n{e.strip()}\nEND:VEVENT\n" for e in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{head}{told}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def shift(who: str, start: str, end: str, uid: str = "1", more: str = "") -> str:
    """An event; a time without a parameter is given as it is."""
    return f"UID:{uid}\nSUMMARY:{who}\nDTSTART{start}\nDTEND{end}\n{more}"


def at(text: str) -> datetime:
    """A moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def named(body: bytes, when: str) -> set[str]:
    """Who is on call at that moment of UTC."""
    return set(on_call(body, at(when), ROSTER))


def test_the_event_that_covers_the_moment_counts() -> None:
    """From its start on, until its end; then it is the next one's."""
    ana = shift("Ana Example", ":20261121T080000Z", ":20261121T200000Z")
    ben = shift("ben", ":20261121T200000Z", ":20261122T080000Z", uid="2")
    body = calendar(ana, ben)
    assert named(body, "2026-11-21T07:59:59") == set()
    assert named(body, "2026-11-21T08:00:00") == {"ana"}
    assert named(body, "2026-11-21T19:59:59") == {"ana"}
    assert named(body, "2026-11-21T20:00:00") == {"ben"}


def test_a_rota_repeats_and_one_of_its_weeks_is_swapped() -> None:
    """The override of a single week, and an exception without anybody, are right."""
    weekly = shift(
        "ana",
        ":20261102T090000Z",
        ":20261109T090000Z",
        more="RRULE:FREQ=WEEKLY;INTERVAL=2\nEXDATE:20261214T090000Z",
    )
    swapped = shift(
        "ben", ":20261116T090000Z", ":20261123T090000Z", more="RECURRENCE-ID:20261116T090000Z"
    )
    body = calendar(weekly, swapped)
    assert named(body, "2026-11-05T00:00:00") == {"ana"}
    assert named(body, "2026-11-10T00:00:00") == set()
    assert named(body, "2026-11-20T00:00:00") == {"ben"}
    assert named(body, "2026-12-01T00:00:00") == {"ana"}
    assert named(body, "2026-12-15T00:00:00") == set()


def test_a_shift_is_at_its_zones_hour_in_summer_and_in_winter() -> None:
    """Nine in Berlin is seven or eight of UTC."""
    daily = shift(
        "cho",
        ";TZID=Europe/Berlin:20260601T090000",
        ";TZID=Europe/Berlin:20260601T100000",
        more="RRULE:FREQ=DAILY",
    )
    body = calendar(daily, head=BERLIN)
    assert named(body, "2026-07-01T07:00:00") == {"cho"}
    assert named(body, "2026-07-01T08:00:00") == set()
    assert named(body, "2026-12-01T07:59:59") == set()
    assert named(body, "2026-12-01T08:00:00") == {"cho"}


def test_a_time_without_a_zone_is_one_of_the_calendars() -> None:
    """Nine o'clock in Berlin is eight of UTC."""
    body = calendar(
        shift("ana", ":20261121T090000", ":20261121T170000"), head="X-WR-TIMEZONE:Europe/Berlin\n"
    )
    assert named(body, "2026-11-21T07:59:59") == set()
    assert named(body, "2026-11-21T08:00:00") == {"ana"}


def test_a_whole_day_is_one_of_the_calendars_zone() -> None:
    """Midnight in New York is five of UTC; a calendar without a zone means UTC."""
    day = shift("ana", ";VALUE=DATE:20261121", ";VALUE=DATE:20261122")
    body = calendar(day, head="X-WR-TIMEZONE:America/New_York\n")
    assert named(body, "2026-11-21T04:59:59") == set()
    assert named(body, "2026-11-21T05:00:00") == {"ana"}
    assert named(body, "2026-11-22T04:59:59") == {"ana"}
    assert named(body, "2026-11-22T05:00:00") == set()
    assert named(calendar(day), "2026-11-21T00:00:00") == {"ana"}


def test_who_is_invited_beats_who_is_mentioned() -> None:
    """An attendee is said with certainty; the summary then only tells of it."""
    invited = "ATTENDEE:mailto:BEN@example.com\nATTENDEE:mailto:stranger@example.com"
    event = shift("Ben for Ana Example", ":20261121T000000Z", ":20261122T000000Z", more=invited)
    assert named(calendar(event), "2026-11-21T12:00:00") == {"ben"}


def test_who_declined_is_not_there() -> None:
    """Nor is anybody on call by an event that was cancelled."""
    no = "ATTENDEE;PARTSTAT=DECLINED:mailto:ben@example.com\nATTENDEE:mailto:cho@example.com"
    declined = shift("rota", ":20261121T000000Z", ":20261122T000000Z", more=no)
    assert named(calendar(declined), "2026-11-21T12:00:00") == {"cho"}
    passed_on = declined.replace("DECLINED", "DELEGATED")
    assert named(calendar(passed_on), "2026-11-21T12:00:00") == {"cho"}
    off = shift("ana", ":20261121T000000Z", ":20261122T000000Z", more="STATUS:CANCELLED")
    assert named(calendar(off), "2026-11-21T12:00:00") == set()


@pytest.mark.parametrize(
    "invited",
    [
        "ATTENDEE;PARTSTAT=DECLINED:mailto:ana@example.com",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:ana@example.com\nATTENDEE:mailto:zoe@example.com",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:ana@example.com\nATTENDEE:mailto:ana@example.com",
        "ATTENDEE;PARTSTAT=DELEGATED:mailto:ana@example.com",
    ],
    ids=["alone", "with a stranger", "twice", "delegated"],
)
def test_who_declined_is_not_there_by_the_title_either(invited: str) -> None:
    """It often still names them; whom else it names is there."""
    day = ":20261121T000000Z", ":20261122T000000Z"
    assert (
        named(calendar(shift("On-call: ana", *day, more=invited)), "2026-11-21T12:00:00") == set()
    )
    both = calendar(shift("On-call: ana / ben", *day, more=invited))
    assert named(both, "2026-11-21T12:00:00") == {"ben"}


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("ana", {"ana"}),
        ("On call: Ana Example.", {"ana"}),
        ("primary - BEN@EXAMPLE.COM", {"ben"}),
        ("ana/cho", {"ana", "cho"}),
        ("ana  example", {"ana"}),
        ("Primary: ana - rota", {"ana"}),
        ("[L1] cho", {"cho"}),
        ("Ana Stranger", set()),
        ("ask ana first", set()),
        ("Cho Examples", set()),
        ("ana-maria", set()),
        ("diana", set()),
        ("ana@elsewhere.example.com", set()),
        ("xana@example.com", set()),
        ("nobody here", set()),
        ("ana" + " " * SUMMARY_CHARS_MAX, set()),
        ("", set()),
    ],
)
def test_a_person_is_named_by_id_name_or_address(summary: str, expected: set[str]) -> None:
    """As a word of its own: a part of another word is another person."""
    event = shift(summary, ":20261121T000000Z", ":20261122T000000Z")
    assert named(calendar(event), "2026-11-21T12:00:00") == expected


def test_a_name_that_two_people_have_is_nobodys() -> None:
    """A guess would let the wrong one approve."""
    twin = BEN.model_copy(update={"id": "ana-2", "name": "Ana Example", "email": ANA.email})
    roster = Roster([ANA, twin])
    body = calendar(shift("Ana Example", ":20261121T000000Z", ":20261122T000000Z"))
    assert on_call(body, at("2026-11-21T12:00:00"), roster) == frozenset()
    assert roster.by_email("ana@example.com") is None
    namesake = CHO.model_copy(update={"name": "Ana"})
    assert Roster([ANA, namesake]).named_in("primary: ana") == frozenset()


def test_a_calendar_is_read_where_it_is_kept(upstream: Upstream, client: httpx.Client) -> None:
    """One GET, with its address as it is."""
    body = calendar(shift("ana", ":20261121T000000Z", ":20261122T000000Z"))
    upstream.answer = lambda _: Said(body)
    found = Calendars(client, ROSTER).members(
        f"{upstream.url}/private-s3cr3t/a.ics?x=1", at("2026-11-21T12:00:00")
    )
    assert found == {"ana"}
    assert (upstream.asked[0].path, upstream.asked[0].query) == (
        "/private-s3cr3t/a.ics",
        {"x": ["1"]},
    )
    # What is packed could grow beyond its bound.
    assert upstream.asked[0].headers["Accept-Encoding"] == "identity"


MANY = calendar(*[shift("ana", ":20261121T000000Z", ":20261122T000000Z")] * (EVENTS_MAX + 1))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "cannot be read"),
        (b"<html>sign in</html>", "cannot be read"),
        (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", "cannot be read"),
        (calendar(shift("ana", ":nonsense", ":20261122T000000Z")), "cannot be read"),
        (calendar("SUMMARY:ana"), "cannot be read"),
        (calendar(shift("ana", ":20261121T000000Z", ":20261122T000000Z", more="EXDATE:x")),
         "event 'ana': its EXDATE cannot be read"),
        (calendar(shift("ana", ";TZID=America:20261121T000000", ":20261122T000000Z")),
         "cannot be read"),
        (MANY, "more than 3000 events"),
        (b"x" * (BODY_BYTES_MAX + 1), "larger than"),
    ],
    ids=["empty", "html", "event", "time", "no time", "exdate", "folder", "many", "large"],
)  # fmt: skip
def test_what_is_no_calendar_is_refused(
    upstream: Upstream, client: httpx.Client, body: bytes, words: str
) -> None:
    """Never half of it: whoever is not read may not approve. The secret address is not told."""
    upstream.answer = lambda _: Said(body)
    with pytest.raises(Rejected, match=words) as caught:
        Calendars(client, ROSTER).members(f"{upstream.url}/s3cr3t.ics", at("2026-11-21T12:00:00"))
    assert "s3cr3t" not in caught.value.message + caught.value.fix


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Rejected), (404, Rejected), (302, Rejected), (500, Unavailable), (429, Unavailable)],
)
def test_a_calendar_that_is_not_given_says_why(
    upstream: Upstream, client: httpx.Client, status: int, kind: type[Exception]
) -> None:
    """A redirect is not followed: nobody but the policy says whom to believe."""
    upstream.answer = lambda _: Said(b"", status, {"Location": f"{upstream.url}/other"})
    with pytest.raises(kind, match=f"127.0.0.1 answered {status}"):
        Calendars(client, ROSTER).members(f"{upstream.url}/a.ics", at("2026-11-21T12:00:00"))
    assert len(upstream.asked) == 1


def test_a_calendar_that_is_away_may_come_back(upstream: Upstream, client: httpx.Client) -> None:
    """No connection is no answer."""
    upstream.server_close()
    with pytest.raises(Unavailable, match="no answer"):
        Calendars(client, ROSTER).members(f"{upstream.url}/a.ics", at("2026-11-21T12:00:00"))
