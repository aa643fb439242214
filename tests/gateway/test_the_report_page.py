"""The report page says how little it knows, and buries no week under empty ones."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from gateway_fakes import NOW, POLICY, FakeTemporal, bearer, make_doors
from sqlalchemy import Engine

from contracts.policy import Person
from contracts.toil import Category, Entry
from gateway.app import build_app
from gateway.headline import totals_of
from gateway.pages import at_least, percent
from toil.figures import Period, Quality, Report, Seconds, WeekFigures

SPACE = "\N{NO-BREAK SPACE}"
CAPACITY = 200 * 3600
HTML = bearer("token-mia") | {"Accept": "text/html"}


def week(label: str, capacity: int = CAPACITY, **given: int) -> WeekFigures:
    """One week with these seconds."""
    seconds = Seconds(**dict.fromkeys(Seconds.model_fields, 0) | given)
    tracked = sum(given.values()) - given.get("absence", 0)
    toil = given.get("firefighting", 0) + given.get("other_toil", 0)
    return WeekFigures(
        week=label,
        seconds=seconds,
        tracked_seconds=tracked,
        capacity_seconds=capacity,
        share_of_tracked=toil / tracked if tracked else None,
        share_of_capacity=toil / capacity if capacity else None,
        coverage=tracked / capacity if capacity else None,
    )


def report(*weeks: WeekFigures) -> Report:
    """A report of these weeks."""
    at = datetime(2026, 11, 20, tzinfo=UTC)
    period = Period(from_=at, to=at, zone="UTC")
    return Report(team="shop", period=period, weeks=weeks, quality=Quality(estimator="x"))


def test_little_recorded_time_gives_an_amount_and_no_share() -> None:
    """Two seconds are not a hundred per cent of anything."""
    found = totals_of(report(week("2026-W46"), week("2026-W47", firefighting=27 * 60)))
    assert found.sentence == (
        f"At least 27 min of toil in 2026-W47; 0.2{SPACE}% of the team's time is recorded, "
        "too little for a share"
    )
    assert (found.little, found.empty, found.capacity) == (True, 1, CAPACITY)
    tiny = totals_of(report(week("2026-W47", firefighting=2))).sentence
    assert tiny.startswith("At least 2 s of toil in 2026-W47; under 0.1")


def test_a_share_is_the_headline_from_sixty_per_cent_on() -> None:
    """Exactly at the limit, and not a second below it."""
    limit = CAPACITY * 6 // 10
    full = totals_of(report(week("2026-W47", firefighting=limit // 4, engineering=limit * 3 // 4)))
    assert full.sentence == f"25{SPACE}% of the recorded time of shop was toil in 2026-W47"
    assert not full.little
    below = week("2026-W47", firefighting=limit // 4, engineering=limit * 3 // 4 - 1)
    assert totals_of(report(below)).sentence.startswith("At least 30 h of toil in 2026-W47")


def test_a_trend_is_told_between_weeks_that_are_known() -> None:
    """A week of two seconds is no beginning."""
    toil, rest = 60 * 3600, 150 * 3600
    weeks = (
        week("2026-W45", firefighting=2),
        week("2026-W46", firefighting=toil, engineering=rest),
        week("2026-W47", firefighting=toil // 2, engineering=rest),
    )
    found = totals_of(report(*weeks[1:])).sentence
    assert found.endswith(f"in 2026-W46 to 2026-W47, down from 29{SPACE}% to 17{SPACE}%")
    assert f"from 29{SPACE}%" in totals_of(report(*weeks, weeks[2])).sentence


def test_recorded_time_without_toil_is_no_lower_bound_of_it() -> None:
    """Nor is a team that is all away a share."""
    none = totals_of(report(week("2026-W47", engineering=3600))).sentence
    assert none.startswith("No toil is recorded in 2026-W47; 0.5")
    away = totals_of(report(week("2026-W47", 0, firefighting=600))).sentence
    assert away.startswith("At least 10 min of toil in 2026-W47; the team has no capacity")


def test_nothing_and_withheld_are_two_sentences() -> None:
    """Nothing recorded shows no week; withheld weeks stay."""
    empty = totals_of(report(week("2026-W46"), week("2026-W47")))
    assert empty.sentence == "No time was recorded for shop in these weeks"
    assert (empty.shown, empty.empty) == ((), 2)
    hidden = totals_of(report(WeekFigures(week="2026-W47", withheld="too few")))
    assert hidden.sentence == "The minutes of shop are not shown"
    assert len(hidden.shown) == 1


def test_an_empty_week_after_the_first_recorded_one_stays() -> None:
    """Quiet weeks are news; weeks before the books were opened are not."""
    found = totals_of(report(week("2026-W45"), week("2026-W46", absence=60), week("2026-W47")))
    assert [shown.week for shown in found.shown] == ["2026-W46", "2026-W47"]


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0"), (0.0001, "under 0.1"), (0.0023, "0.2"), (0.01, "1"), (1.0, "100")],
)
def test_a_small_share_is_not_zero(share: float, text: str) -> None:
    """One digit below one per cent."""
    assert percent(share) == f"{text}{SPACE}%"


async def page_of(engine: Engine, *, query: str = "", minutes: int = 25) -> httpx.Response:
    """The page after somebody of five people has logged so much."""
    more = tuple(Person(id=name, name=name, teams=("shop",)) for name in ("cem", "dia"))
    policy = POLICY.model_copy(update={"people": (*POLICY.people, *more)})
    here = make_doors(engine, FakeTemporal(), policy=policy)
    category: Category = "firefighting"
    entry = Entry(
        key="log/ana/1",
        category=category,
        method="log",
        confidence="confirmed",
        seconds=minutes * 60,
        occurred_at=NOW - timedelta(hours=1),
        text="restarted user-auth by hand",
        person="ana",
        team="shop",
        service="user-auth",
    )
    here.ledger.append(entry, NOW)
    transport = httpx.ASGITransport(build_app(here))
    async with httpx.AsyncClient(transport=transport, base_url="http://firebreak.test") as http:
        return await http.get(f"/reports/toil{query}", headers=HTML)


@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_names_both_denominators_and_marks_them(engine: Engine) -> None:
    """25 minutes of 25 recorded, and of 200 hours."""
    text = (await page_of(engine)).text
    plain = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    assert "At least 25 min of toil in 2026-W47; 0.2 % of the team" in plain
    assert "100 % of 25 min recorded; based on little" in plain
    assert "at least 0.2 % of 200 h of capacity; based on little" in plain
    assert "≥ 0.2 %" in plain
    assert "less than 60 % of the week" in plain


@pytest.mark.asyncio(loop_scope="session")
async def test_a_little_is_more_than_nothing_and_not_at_least_under_something(
    engine: Engine,
) -> None:
    """One minute of 200 hours: a lower bound has no "under" in it."""
    text = (await page_of(engine, minutes=1)).text
    plain = " ".join(re.sub(r"<[^>]+>", " ", text).replace("&gt;", ">").split())
    assert "more than 0 % of 200 h of capacity; based on little" in plain
    assert "> 0 %" in plain
    assert "least under" not in plain
    assert "≥ under" not in plain


@pytest.mark.parametrize(
    ("share", "said"),
    [(None, "\N{EN DASH}"), (0.0, "≥ 0 %"), (0.0004, "> 0 %"), (0.002, "≥ 0.2 %")],
)
def test_a_lower_bound_in_few_signs(share: float | None, said: str) -> None:
    """Each with what is known of it."""
    assert at_least(share, "≥", ">").replace("\N{NO-BREAK SPACE}", " ") == said


@pytest.mark.asyncio(loop_scope="session")
async def test_empty_weeks_before_the_first_are_one_row(engine: Engine) -> None:
    """In the table only: the JSON keeps all eight."""
    text = (await page_of(engine)).text
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    assert body.count("<tr>") == 2
    assert "2026-W47" in body
    assert "no time recorded before 2026-W47" in body
    assert "25 min" in body


@pytest.mark.asyncio(loop_scope="session")
async def test_the_json_keeps_every_week_and_its_shares(ana: httpx.AsyncClient) -> None:
    """Scripts do their own collapsing."""
    weeks = (await ana.get("/reports/toil.json")).json()["weeks"]
    assert len(weeks) == 8


@pytest.mark.asyncio(loop_scope="session")
async def test_the_definitions_say_how_a_log_and_an_act_add_up(ana: httpx.AsyncClient) -> None:
    """Who logs what was observed counts it twice, so it is written down."""
    definitions = (await ana.get("/reports/toil.json")).json()["definitions"]
    assert "added in full, also where it overlaps observed acts" in definitions["seconds"]
