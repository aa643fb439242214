"""One chart: minutes a week by category, stacked, as SVG.

Drawn without a browser and without the network; never in workflow code, and never in a process
that was forked after a first chart. The page beside it must hold the same figures as a table.
"""

from collections import Counter
from typing import Any

import altair as alt
import vl_convert

from contracts.words import minutes_text
from toil.figures import Report, WeekFigures

VEGA_LITE = "6.4"
WIDTH_PIXELS, HEIGHT_PIXELS = 640, 260
FONT_PIXELS = 12
# Without a lower bound a week of two seconds would fill the chart.
TOP_MINUTES_MIN = 10.0

# From the baseline upwards, so that the top of toil can be read at the axis. White words on each
# have a contrast of 4.5:1 or more; white gaps part the neighbours.
_COLOURS = {
    "firefighting": "#8C2D04",
    "other toil": "#B85100",
    "overhead": "#767676",
    "engineering": "#0072B2",
}
_ORDER = {name: place for place, name in enumerate(_COLOURS)}
# The letter stands in the bar too, so that nothing is told by its colour alone.
_LETTERS = {"firefighting": "F", "other toil": "T", "overhead": "O", "engineering": "E"}
_LEGEND = {name: f"{letter}  {name}" for name, letter in _LETTERS.items()}
# The SVG is measured with other fonts than the browser's, which may be a third wider.
_ROOM_PIXELS = 60
_LABEL_SHARE_MIN = 0.08
_GAP_SHARE_MIN = 0.02
_LABELLED_WEEKS_MAX = 13
_LETTERED_WEEKS_MAX = 40


def toil_chart_svg(report: Report) -> str:
    """The SVG of a report; one without figures says so."""
    svg: str = vl_convert.vegalite_to_svg(toil_chart_spec(report), vl_version=VEGA_LITE)
    return svg


def toil_chart_spec(report: Report) -> dict[str, Any]:
    """The Vega-Lite specification, with its data inside."""
    rows = _rows(report)
    chart = _bars(report, rows) if rows else _empty(report)
    spec: dict[str, Any] = (
        chart.properties(
            width=WIDTH_PIXELS,
            height=HEIGHT_PIXELS,
            description=describe(report),
            padding={"left": 5, "top": 5, "bottom": 5, "right": _ROOM_PIXELS},
        )
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=FONT_PIXELS, titleFontSize=FONT_PIXELS, grid=False)
        .configure_legend(labelFontSize=FONT_PIXELS, titleFontSize=FONT_PIXELS, labelLimit=0)
        .to_dict()
    )
    return spec


def _rows(report: Report) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "week": week.week,
            "category": category,
            "minutes": seconds / 60,
            "order": _ORDER[category],
        }
        for week in report.weeks
        for category in _COLOURS
        if (seconds := getattr(week.seconds, category.replace(" ", "_")))
    ]
    top = _top(rows)
    return [
        row
        | {
            "words": _words(row, row["minutes"] / top, len(report.weeks)),
            "apart": row["minutes"] >= _GAP_SHARE_MIN * top,
        }
        for row in rows
    ]


def _words(row: dict[str, Any], share: float, weeks: int) -> str:
    """What stands in one part of a bar: less where bars are thin, nothing where a part is."""
    if share < _LABEL_SHARE_MIN or weeks > _LETTERED_WEEKS_MAX:
        return ""
    letter = _LETTERS[row["category"]]
    return f"{letter} {row['minutes']:.0f}" if weeks <= _LABELLED_WEEKS_MAX else letter


def _totals(rows: list[dict[str, Any]]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row["week"]] += row["minutes"]
    return totals


def _top(rows: list[dict[str, Any]]) -> float:
    """The highest minute of the axis; the words above the bars need some of it."""
    return max(TOP_MINUTES_MIN, 1.08 * max(_totals(rows).values(), default=0))


def _bars(report: Report, rows: list[dict[str, Any]]) -> Any:
    weeks = alt.Scale(domain=[week.week for week in report.weeks])
    axis = alt.Axis(labelAngle=0, labelOverlap="greedy")
    x = alt.X("week:N", title="ISO week", scale=weeks, axis=axis)
    height = alt.Scale(domain=[0, _top(rows)], nice=True)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=x, y=alt.Y("minutes:Q", title="Minutes", stack="zero", scale=height), order="order:Q"
    )
    # A gap would swallow a part that is hardly a pixel high.
    gap = alt.when("datum.apart").then(alt.value("white")).otherwise(alt.value(None))
    bars = base.mark_bar(strokeWidth=1.5).encode(color=_category(), stroke=gap)
    labels = base.mark_text(color="white", fontSize=FONT_PIXELS, baseline="middle").encode(
        y=alt.Y("minutes:Q", stack="zero", bandPosition=0.5, scale=height), text="words:N"
    )
    return bars + labels + _sums(report, rows, x, height)


def _category() -> Any:
    scale = alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))
    # The legend reads downwards as the stack does: engineering is at the top of both.
    legend = alt.Legend(
        title="Category", values=list(reversed(_COLOURS)), labelExpr=f"{_LEGEND}[datum.label]"
    )
    return alt.Color("category:N", scale=scale, legend=legend)


def _sums(report: Report, rows: list[dict[str, Any]], x: Any, height: Any) -> Any:
    """The whole of each week above its bar: a bar of seconds is too low to be seen."""
    few = len(report.weeks) <= _LABELLED_WEEKS_MAX
    values = [
        {"week": week, "total": total, "sum": minutes_text(round(total * 60)) if few else ""}
        for week, total in _totals(rows).items()
    ]
    sums = alt.Chart(alt.InlineData(values=values)).mark_text(
        color="#333333", fontSize=FONT_PIXELS, baseline="bottom", dy=-3
    )
    y = alt.Y("total:Q", title="Minutes", scale=height)
    return sums.encode(x=x, y=y, text="sum:N")


def _empty(report: Report) -> Any:
    withheld = next((week.withheld for week in report.weeks if week.withheld), None)
    words = withheld or "No human minutes were recorded in these weeks."
    chart = alt.Chart(alt.InlineData(values=[{"words": words}]))
    return chart.mark_text(fontSize=FONT_PIXELS + 2, color="#333333", limit=WIDTH_PIXELS).encode(
        text=alt.Text("words:N")
    )


def describe(report: Report) -> str:
    """The chart in words: its kind, its span, and what it shows of toil."""
    first, last = report.weeks[0], report.weeks[-1]
    who = f"team {report.team}" if report.team else "all teams"
    text = f"Stacked bars: minutes by category and week, {who}, {first.week} to {last.week}."
    toil = [_toil(week) for week in report.weeks]
    if not any(toil):
        return f"{text} {first.withheld or 'No toil was recorded.'}"
    ends = f"{minutes_text(toil[0])} in the first week, {minutes_text(toil[-1])} in the last"
    return f"{text} Toil: {ends}, {minutes_text(max(toil))} in the highest."


def _toil(week: WeekFigures) -> int:
    return (week.seconds.firefighting or 0) + (week.seconds.other_toil or 0)
