"""The chart shows little time as little, says nothing by colour alone, and clips no word."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.words import minutes_text
from toil.chart import describe, toil_chart_spec, toil_chart_svg
from toil.figures import Period, Quality, Report, Seconds, WeekFigures

CATEGORIES = ("firefighting", "other toil", "overhead", "engineering")


def report(*seconds: dict[str, int]) -> Report:
    """One week for each, the last is 2026-W47."""
    first = 48 - len(seconds)
    weeks = [
        WeekFigures(
            week=f"2026-W{first + n:02d}",
            seconds=Seconds(**dict.fromkeys(Seconds.model_fields, 0) | given),
        )
        for n, given in enumerate(seconds)
    ]
    at = datetime(2026, 11, 20, tzinfo=UTC)
    period = Period(from_=at, to=at, zone="UTC")
    return Report(team="shop", period=period, weeks=tuple(weeks), quality=Quality(estimator="x"))


def bars(spec: dict[str, Any]) -> Any:
    """The layer with the bars."""
    return spec["layer"][0]


def rows(found: Report) -> list[dict[str, Any]]:
    """What the bars are drawn from."""
    spec = toil_chart_spec(found)
    name = (bars(spec).get("data") or spec["data"])["name"]
    found_rows: list[dict[str, Any]] = spec["datasets"][name]
    return found_rows


def axis(found: Report) -> list[float]:
    """The domain of the minutes."""
    domain: list[float] = bars(toil_chart_spec(found))["encoding"]["y"]["scale"]["domain"]
    return domain


def test_two_seconds_are_neither_nothing_nor_a_full_chart() -> None:
    """Exact minutes on an axis from zero to ten, and the seconds above the bar."""
    found = report({}, {"firefighting": 2})
    assert [round(row["minutes"], 4) for row in rows(found)] == [0.0333]
    assert axis(found) == [0, 10.0]
    svg = toil_chart_svg(found)
    assert ">2 s</text>" in svg
    assert ">10</text>" in svg
    assert "No human minutes" not in svg


def test_the_axis_grows_with_the_highest_week() -> None:
    """And leaves room for the words above its bar."""
    low, high = axis(report({"firefighting": 1200, "engineering": 4800}, {"overhead": 60}))
    assert low == 0
    assert high > 100


def test_nothing_recorded_is_said_only_when_there_is_nothing() -> None:
    """Absence is no time of work."""
    assert "No human minutes" in toil_chart_svg(report({}, {"absence": 3600}))
    assert "No human minutes" not in toil_chart_svg(report({"engineering": 1}))


def test_toil_stands_on_the_baseline() -> None:
    """Firefighting lowest, engineering highest, so that one line reads both shares."""
    found = report(dict.fromkeys(("engineering", "overhead", "other_toil", "firefighting"), 600))
    svg = toil_chart_svg(found)
    places = [
        re.search(rf'category: {name};[^>]*? d="M[\d.]+,([\d.]+)', svg) for name in CATEGORIES
    ]
    tops = [float(place[1]) for place in places if place]
    assert len(tops) == len(CATEGORIES)
    assert tops == sorted(tops, reverse=True)


def test_each_part_is_named_by_a_letter_beside_its_colour() -> None:
    """The legend explains the letters, and no two are the same."""
    found = report(dict.fromkeys(["firefighting", "other_toil", "overhead", "engineering"], 1500))
    svg = toil_chart_svg(found)
    for letter, name in zip("FTOE", CATEGORIES, strict=True):
        assert f">{letter} 25</text>" in svg
        assert f">{letter}  {name}</text>" in svg


def test_the_legend_has_room_for_wider_fonts() -> None:
    """Browsers' words may be a third wider than they were measured."""
    svg = toil_chart_svg(report({"firefighting": 600}))
    numbers = re.search(
        r'viewBox="0 0 (?P<width>[\d.]+).*?translate\((?P<plot>[\d.]+)'
        r'.*?role-legend".*?translate\((?P<left>[\d.]+),0\)".*?h(?P<wide>[\d.]+)v',
        svg,
        re.DOTALL,
    )
    assert numbers is not None
    width, plot, left, wide = map(float, numbers.groups())
    symbol = 16
    assert plot + left + symbol + 1.4 * (wide - symbol) < width


@pytest.mark.parametrize(("weeks", "words"), [(13, "F 25"), (40, "F"), (60, "")])
def test_thin_bars_carry_fewer_words(weeks: int, words: str) -> None:
    """Also when most of the weeks on the axis are empty."""
    more = [WeekFigures(week=f"2025-W{n:02d}", seconds=Seconds()) for n in range(weeks - 1)]
    last = report({"firefighting": 1500})
    found = last.model_copy(update={"weeks": (*more, *last.weeks)})
    assert rows(found)[0]["words"] == words


def test_the_words_for_the_chart_know_seconds() -> None:
    """First, last and highest week."""
    text = describe(report({"firefighting": 90 * 60}, {"other_toil": 120 * 60}, {"overhead": 2}))
    assert "1 h 30 min in the first week, 0 min in the last, 2 h in the highest" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(720_000, "200 h"), (3_600, "1 h"), (3_660, "1 h 01 min"), (2, "2 s")]
)
def test_whole_hours_need_no_minutes(seconds: int, text: str) -> None:
    """Capacity is a round number."""
    assert minutes_text(seconds) == text
