"""The report adds up, counts what machines did apart, and shows nobody's own minutes."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts.errors import NotFound
from contracts.policy import Person, Policy, ToilPolicy
from contracts.toil import Entry, Observation
from toil.chart import toil_chart_spec, toil_chart_svg
from toil.export import report_csv
from toil.ledger import Ledger
from toil.report import Report, build_report

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NAMES = ("ana", "ben", "cem", "dan", "eva")
WEEK_SECONDS = 5 * 40 * 3600


def policy(people: tuple[str, ...] = NAMES, min_group: int = 5) -> Policy:
    """One team of these people."""
    return Policy(
        people=tuple(Person(id=name, name=name, teams=("shop",)) for name in people),
        toil=ToilPolicy(min_group=min_group, timezone="Europe/Berlin"),
    )


def act(key: str, person: str | None = "ana", minutes: int = 10, **other: Any) -> Observation:
    """An approval that took some minutes."""
    values = {"at": NOW, "source": "web", "action": "approve", "service": "user-auth"}
    return Observation.model_validate(
        values | {"key": key, "person": person, "seconds": minutes * 60} | other
    )


def entry(key: str, category: str, minutes: int, **other: Any) -> Entry:
    """Logged time of ana."""
    values = {"method": "log", "confidence": "confirmed", "person": "ana", "occurred_at": NOW}
    return Entry.model_validate(
        values | {"key": key, "category": category, "seconds": minutes * 60} | other
    )


def books(engine: Engine, *rows: Observation | Entry) -> Ledger:
    """A ledger with these rows."""
    ledger = Ledger(engine)
    for row in rows:
        if isinstance(row, Entry):
            ledger.append(row, NOW)
        else:
            ledger.observe(row, NOW)
    return ledger


def report(
    ledger: Ledger, of: Policy | None = None, *, weeks: int = 1, team: str = "shop"
) -> Report:
    """The report up to now."""
    return build_report(ledger, of or policy(), team, weeks=weeks, until=None, now=NOW)


def test_the_report_has_exactly_the_agreed_fields(engine: Engine) -> None:
    """Scripts read these names."""
    found = json.loads(report(books(engine, act("o"))).model_dump_json())
    assert {
        "team", "period", "weeks", "sources", "savings", "quality", "definitions",
    } == set(found)  # fmt: skip
    assert (found["period"]) == {
        "from": "2026-11-15T23:00:00Z",
        "to": "2026-11-22T23:00:00Z",
        "zone": "Europe/Berlin",
    }
    (week,) = found["weeks"]
    assert {
        "week", "state", "seconds", "tracked_seconds", "capacity_seconds", "share_of_tracked",
        "share_of_capacity", "coverage", "withheld",
    } == set(week)  # fmt: skip
    assert (week["week"], week["state"]) == ("2026-W47", "open")
    assert {"estimator", "confidence", "restated_seconds", "head_hash"} == set(found["quality"])
    assert {"firefighting", "other_toil", "engineering", "overhead", "absence"} == set(
        week["seconds"]
    )


def test_observed_and_logged_time_add_up(engine: Engine) -> None:
    """Overlaps of one person count once; both denominators and the coverage follow."""
    ledger = books(
        engine,
        act("o1", minutes=10),
        act("o2", minutes=10, at=NOW - timedelta(minutes=5)),
        entry("e1", "firefighting", 15),
        entry("e2", "other_toil", 30),
        entry("e3", "engineering", 120),
        entry("e4", "overhead", 60),
        entry("e5", "absence", 480),
    )
    (week,) = report(ledger).weeks
    minutes = {name: value / 60 for name, value in week.seconds.model_dump().items()}
    assert minutes == {
        "firefighting": 30, "other_toil": 30, "engineering": 120, "overhead": 60, "absence": 480,
    }  # fmt: skip
    capacity = WEEK_SECONDS - 480 * 60
    assert (240 * 60, capacity) == (week.tracked_seconds, week.capacity_seconds)
    assert week.share_of_tracked == 0.25
    assert round(3600 / capacity, 4) == week.share_of_capacity
    assert round(240 * 60 / capacity, 4) == week.coverage


def test_an_act_and_its_entry_count_once(engine: Engine) -> None:
    """A log that is also seen as an act has one key."""
    ledger = books(engine, act("log-1"), entry("log-1", "firefighting", 10))
    found = report(ledger)
    assert found.weeks[0].seconds.firefighting == 600
    assert sum(source.count for source in found.sources) == 1


def test_a_reversed_entry_counts_for_nothing(engine: Engine) -> None:
    """The correction shows, the mistake does not."""
    ledger = books(
        engine,
        entry("e1", "firefighting", 60),
        entry("r1", "firefighting", 60, method="reversal", reverses="e1"),
        entry("e2", "firefighting", 6),
    )
    assert report(ledger).weeks[0].seconds.firefighting == 360


def test_automatic_runs_are_counted_without_a_human_second(engine: Engine) -> None:
    """They stand beside what people did, under the runbook's name."""
    run = entry(
        "k", "firefighting", 0, method="automatic", person=None, team="shop", runbook="rollback",
        service="user-auth", action="kubernetes.rollback_deployment",
    )  # fmt: skip
    found = report(books(engine, run, act("o")))
    rows = [(s.service, s.source, s.count, s.automatic_count) for s in found.sources]
    assert rows == [("user-auth", "approve", 1, 0), ("user-auth", "rollback", 0, 1)]
    assert found.weeks[0].seconds.firefighting == 600


def test_other_teams_stay_outside(engine: Engine) -> None:
    """A person is counted where they belong; nobody known, where the act says."""
    ledger = books(
        engine,
        act("o1", "zoe", team="shop"),
        act("o2", None, team="payments"),
        act("o3", None, 5, team="shop"),
        act("o4", "ben", 7, team="payments"),
    )
    assert report(ledger).weeks[0].seconds.firefighting == 12 * 60


def test_a_small_team_is_withheld_with_the_reason(engine: Engine) -> None:
    """No minute of it, no share, no confidence; counts stay."""
    found = report(books(engine, act("o")), policy(NAMES[:4]), weeks=4)
    for week in found.weeks:
        assert "4 people" in (week.withheld or "")
        assert {None} == set(week.seconds.model_dump().values())
        assert week.tracked_seconds is week.share_of_tracked is week.capacity_seconds is None
    assert found.quality.confidence == {}
    assert [(s.count, s.seconds) for s in found.sources] == [(1, None)]


def many(service: str, people: tuple[str, ...]) -> list[Observation]:
    """One act of each person for a service, never two at once."""
    return [act(f"{service}/{name}", name, service=service) for name in people]


def test_minutes_by_source_need_four_weeks_and_enough_people(engine: Engine) -> None:
    """A shorter time shows counts only."""
    ledger = books(engine, *many("cart", NAMES))
    assert [s.seconds for s in report(ledger, weeks=3).sources] == [None]
    assert [s.seconds for s in report(ledger, weeks=4).sources] == [3000]


def test_one_hidden_source_hides_them_all(engine: Engine) -> None:
    """Otherwise the total less the shown part would be one person's minutes."""
    late = act("late", "ana", service="search", at=NOW - timedelta(hours=1))
    found = report(books(engine, *many("cart", NAMES), late), weeks=4)
    assert {None} == {s.seconds for s in found.sources}


def test_hidden_sources_with_enough_people_behind_them_hide_no_other(engine: Engine) -> None:
    """What remains is then a group again."""
    hour = timedelta(hours=1)
    a = [o.model_copy(update={"at": NOW - hour}) for o in many("search", NAMES[:3])]
    b = [o.model_copy(update={"at": NOW - hour}) for o in many("mail", NAMES[3:])]
    found = report(books(engine, *many("cart", NAMES), *a, *b), weeks=4)
    assert {s.service: s.seconds for s in found.sources} == {
        "cart": 3000,
        "search": None,
        "mail": None,
    }


def test_no_name_and_no_text_leaves_the_report(engine: Engine) -> None:
    """Neither in JSON nor in CSV nor in the picture."""
    ledger = books(engine, act("o", "eva"), entry("e", "overhead", 5, text="sekret"))
    found = report(ledger, weeks=4)
    for shown in (found.model_dump_json(), report_csv(found), toil_chart_svg(found)):
        assert re.findall(rf"\b({'|'.join(NAMES)}|sekret)\b", shown) == []


def test_every_figure_has_its_definition(engine: Engine) -> None:
    """A reader never has to guess how a number was made."""
    found = report(books(engine, act("o")))
    week = found.weeks[0].model_dump()
    assert set(week) | set(week["seconds"]) <= set(found.definitions)
    assert set(found.quality.model_dump()) - {"estimator"} <= set(found.definitions)


def test_the_quality_tells_the_mix_and_the_head(engine: Engine) -> None:
    """Half inferred, half confirmed."""
    ledger = books(engine, act("o", minutes=10), entry("e", "engineering", 10))
    quality = report(ledger).quality
    assert quality.confidence == {"inferred": 0.5, "confirmed": 0.5}
    assert (ledger.head_hash(), "union/1") == (quality.head_hash, quality.estimator)


def test_an_unknown_team_is_not_found(engine: Engine) -> None:
    """The answer names the teams there are."""
    with pytest.raises(NotFound) as missing:
        report(books(engine), team="shopp")
    assert "shop" in missing.value.fix


def test_everybody_together_is_a_team_too(engine: Engine) -> None:
    """Without a team the report is of all people."""
    assert report(books(engine, act("o")), team="").weeks[0].seconds.firefighting == 600


def test_the_spreadsheet_has_a_line_a_week(engine: Engine) -> None:
    """With a head; what is withheld is empty."""
    lines = report_csv(report(books(engine, act("o")), weeks=2)).splitlines()
    assert lines[0].startswith("team,week,state,firefighting_seconds,other_toil_seconds")
    assert lines[1].startswith("shop,2026-W46,open,0,0,0,0,0,0,720000,,0.0,0.0,")
    assert lines[2].startswith("shop,2026-W47,open,600,0,0,0,0,600,720000,1.0,")
    hidden = report_csv(report(books(engine), policy(NAMES[:1])))
    assert "shop,2026-W47,open,,,,,,,,,,,team shop has 1 people" in hidden


def test_a_spreadsheet_runs_no_team_as_a_formula(engine: Engine) -> None:
    """A name from the policy file stays a name."""
    found = report(books(engine)).model_copy(update={"team": "=cmd()"})
    assert "\r\n'=cmd()," in report_csv(found)


def test_the_chart_draws_each_category_in_minutes(engine: Engine) -> None:
    """The specification holds the figures; the picture is an SVG that describes itself."""
    found = report(books(engine, act("o"), entry("e", "engineering", 30)), weeks=2)
    spec = toil_chart_spec(found)
    values = json.dumps(spec)
    assert '"category": "firefighting", "minutes": 10.0' in values
    assert '"category": "engineering", "minutes": 30.0' in values
    assert "10 min in the last" in spec["description"]
    svg = toil_chart_svg(found)
    assert svg.startswith("<svg")
    assert all(text in svg for text in ("2026-W46", "2026-W47", "Minutes", "firefighting"))


def test_an_empty_chart_says_why(engine: Engine) -> None:
    """Nothing recorded, or nothing shown, is a sentence and not a blank."""
    assert "No human minutes" in toil_chart_svg(report(books(engine)))
    assert "4 people" in toil_chart_svg(report(books(engine), policy(NAMES[:4])))
