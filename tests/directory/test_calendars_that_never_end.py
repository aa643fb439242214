"""A calendar whose repetitions would take too long is refused before any of them is expanded."""

from datetime import UTC, datetime, timedelta
from time import process_time

import httpx
import pytest
from directory.conftest import ANA
from directory.test_on_call_by_calendar import BERLIN, calendar, named, shift
from upstreams import Said, Upstream

from activities.directory.calendars import LINES_MAX, PARTS_MAX, Calendars, on_call
from activities.directory.http import WHOLE_SECONDS
from activities.directory.people import Roster
from contracts.errors import Rejected

NOW = "2026-11-21T12:00:00"
TODAY = ":20261121T000000Z", ":20261122T000000Z"
OWN = BERLIN.replace("Europe/Berlin", "Own Time").replace("1970", "1601")
DAILY = "RRULE:FREQ=DAILY"
YEARLY = "YEARLY;BYMONTH=3;BYDAY=-1SU"
ALL_DAY_LONG = f"FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))}"


def repeated(rule: str, start: str = "20000101", more: str = "") -> str:
    """A shift of an hour that repeats by the rule."""
    return shift("ana", f":{start}T120000Z", f":{start}T130000Z", more=f"RRULE:{rule}\n{more}")


def in_own_time(start: str, more: str) -> str:
    """A shift of a day in a zone that only the calendar knows."""
    begins = datetime.fromisoformat(start)
    ends = begins + timedelta(days=1)
    first, last = (f";TZID=Own Time:{at:%Y%m%dT%H%M%S}" for at in (begins, ends))
    return shift("ana", first, last, more=more)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY;INTERVAL=0", "by INTERVAL=0"),
        ("FREQ=DAILY;INTERVAL=-1", "by INTERVAL=-1"),
        ("FREQ=SECONDLY", "by FREQ=SECONDLY"),
        ("FREQ=MINUTELY", "by FREQ=MINUTELY"),
        ("FREQ=MINU\n TELY", "by FREQ=MINUTELY"),
        ("FREQ=HOURLY", "by FREQ=HOURLY"),
        (ALL_DAY_LONG, "by BYHOUR=0,1,2"),
        ("FREQ=DAILY;BYMINUTE=0,30", "by BYMINUTE=0,30"),
        ("FREQ=DAILY;BYSECOND=0,30", "by BYSECOND=0,30"),
        ("FREQ=YEARLY;BYYEARDAY=366", "by BYYEARDAY=366"),
        ("FREQ=YEARLY;BYWEEKNO=53", "by BYWEEKNO=53"),
        ("FREQ=DAILY;BYMONTH=13", "by BYMONTH=13"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "by BYMONTHDAY=32"),
        ("FREQ=WEEKLY;BYDAY=" + "MO," * 40 + "MO", "by BYDAY=MO,MO"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "repeats too often"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=SU", "repeats too often"),
        ("FREQ=DAILY;BYSETPOS=2", "repeats too often"),
        ("FREQ=WEEKLY;INTERVAL=2;BYMONTH=2", "repeats too often"),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "repeats too often"),
        ("FREQ=MONTHLY;BYMONTHDAY=20;BYDAY=1MO", "repeats too often"),
        ("FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=2", "repeats too often"),
    ],
)
def test_a_rule_that_no_shift_needs_is_refused(rule: str, words: str) -> None:
    """One would never end, another takes minutes; the reason names the event."""
    began = process_time()
    with pytest.raises(Rejected, match=f"event 'ana': .*{words}") as caught:
        named(calendar(repeated(rule)), NOW)
    assert process_time() - began < 1
    assert "a calendar of its own" in caught.value.fix


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        ("FREQ=DAILY", "20000101"),
        ("FREQ=DAILY;BYDAY=SA,SU", "20000101"),
        ("FREQ=DAILY;BYMONTH=11", "20001101"),
        ("FREQ=DAILY;INTERVAL=2", "20261101"),
        ("FREQ=DAILY;BYHOUR=12;BYMINUTE=0;BYSECOND=0", "20000101"),
        ("FREQ=WEEKLY;INTERVAL=3;BYDAY=SA;WKST=SU", "20261031"),
        ("FREQ=WEEKLY;BYMONTH=11;BYDAY=SA", "20001104"),
        ("FREQ=MONTHLY;BYDAY=3SA", "20000115"),
        ("FREQ=MONTHLY;BYDAY=SA;BYSETPOS=3", "20000115"),
        ("FREQ=MONTHLY;BYDAY=-2SA", "20000122"),
        ("FREQ=MONTHLY;BYMONTHDAY=21", "20000121"),
        ("FREQ=MONTHLY;BYMONTHDAY=21,31", "20000121"),
        ("FREQ=MONTHLY;INTERVAL=2", "20260121"),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=3SA", "20001118"),
        ("FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=21", "20001121"),
        ("FREQ=YEARLY;UNTIL=99991231T000000Z", "20001121"),
        ("FREQ=YEARLY;COUNT=50", "20001121"),
    ],
)
def test_a_rule_that_shifts_have_is_read(rule: str, start: str) -> None:
    """By the day, the week, the month and the year, in the forms that calendars write."""
    assert named(calendar(*[repeated(rule, start)] * 5), NOW) == {"ana"}


def test_a_yearly_day_that_is_rare_is_read_too() -> None:
    """The 29th of February is somebody's birthday; the 30th is looked for in vain, but not long."""
    leap = repeated("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "20000229")
    assert named(calendar(*[leap] * 50), "2028-02-29T12:00:00") == {"ana"}
    assert named(calendar(repeated("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")), NOW) == set()


YEAR_LONG = ":20200101T000000Z", ":20210101T000000Z"
OFTEN = "repeats too often, or since too long ago"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (calendar(*[repeated("FREQ=DAILY", "19700101")] * 20), OFTEN),
        (calendar(repeated("FREQ=DAILY", "00010102")), OFTEN),
        (calendar(*[repeated("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")] * 5), OFTEN),
        (calendar(shift("a", ":19700101T000000Z", ":20691231T000000Z", more=DAILY)), OFTEN),
        (calendar(*[shift("a", *YEAR_LONG, uid=str(n), more=DAILY) for n in range(30)]), OFTEN),
        (calendar(*[shift("a", *TODAY, uid=str(n)) for n in range(101)]), "100 events at this"),
        (calendar(*[in_own_time("20150101", DAILY)] * 10, head=OWN), OFTEN),
        (calendar(shift("a", *TODAY), head=OWN.replace(YEARLY, "SECONDLY")), "time zone.*SECOND"),
        (calendar(shift("a", *TODAY), head=OWN.replace(YEARLY, "DAILY")), OFTEN),
        (calendar("X-A:1\n" * LINES_MAX), "more than 30000 lines"),
        (calendar("CATEGORIES:" + "a," * (PARTS_MAX + 1)), "or 100000 values"),
    ],
    ids=[
        *("many", "old", "never", "long", "at once", "together", "own zone"),
        *("zone by the second", "zone by the day", "lines", "parts"),
    ],
)
def test_more_work_than_shifts_make_is_refused(body: bytes, words: str) -> None:
    """Together, not only each; the library would be at it for minutes."""
    began = process_time()
    with pytest.raises(Rejected, match=words):
        named(body, NOW)
    assert process_time() - began < WHOLE_SECONDS / 2


@pytest.mark.parametrize(
    "body",
    [
        calendar(*[repeated("FREQ=DAILY", "20150101")] * 30),
        calendar(*[in_own_time("20200101", "RRULE:FREQ=WEEKLY")] * 20, head=OWN),
        calendar(*[repeated("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "19700101")] * 250),
        calendar(
            *[shift("ana", ":20261120T000000Z", ":20261121T000000Z")] * 2_900,
            "DTSTART:20260101T000000Z\nEXDATE:" + "20260101T000000Z," * 60_000 + "20260101T000000Z",
        ),
    ],
    ids=["daily", "own zone", "yearly", "large"],
)
def test_what_is_allowed_is_read_in_time(body: bytes) -> None:
    """A judgement waits for it."""
    began = process_time()
    on_call(body, datetime.fromisoformat(NOW).replace(tzinfo=UTC), Roster([ANA]))
    assert process_time() - began < WHOLE_SECONDS


def test_a_rota_of_ten_years_is_read() -> None:
    """Twelve people, each every twelfth week, with their swaps."""
    begins = datetime(2016, 1, 4, tzinfo=UTC)
    weeks = [begins + timedelta(weeks=n) for n in range(12)]
    rule = "RRULE:FREQ=WEEKLY;INTERVAL=12"
    turns = [
        shift(
            "ana" if n == 0 else f"p{n}",
            f":{week:%Y%m%dT%H%M%SZ}",
            f":{week + timedelta(weeks=1):%Y%m%dT%H%M%SZ}",
            uid=str(n),
            more=rule,
        )
        for n, week in enumerate(weeks)
    ]
    now = begins + timedelta(weeks=12 * 45, days=3)
    assert named(calendar(*turns), now.replace(tzinfo=None).isoformat()) == {"ana"}


def test_the_refusal_names_the_host_and_no_secret(upstream: Upstream, client: httpx.Client) -> None:
    """The calendar is known by its host; its address may be a secret."""
    upstream.answer = lambda _: Said(calendar(repeated("FREQ=DAILY;INTERVAL=0")))
    now = datetime.fromisoformat(NOW).replace(tzinfo=UTC)
    with pytest.raises(Rejected, match=r"127\.0\.0\.1: event 'ana'") as caught:
        Calendars(client, Roster([ANA])).members(f"{upstream.url}/s3cr3t.ics", now)
    assert "s3cr3t" not in caught.value.message + caught.value.fix
