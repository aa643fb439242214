"""One chart: minutes a week by category, stacked, as SVG.

Drawn without a browser and without the network; never in workflow code, and never in a process
that was forked after a first chart. The page beside it must hold the same figures as a table.
"""

from collections import Counter
from typing import Any

import altair as alt
import vl_convert

from toil.figures import Report

VEGA_LITE = "6.4"
WIDTH_PIXELS, HEIGHT_PIXELS = 640, 260
FONT_PIXELS = 12

# White words on each have a contrast of 4.5:1 or more; white gaps part the neighbours.
_COLOURS = {
    "firefighting": "#8C2D04",
    "other toil": "#B85100",
    "overhead": "#767676",
    "engineering": "#0072B2",
}
_ORDER = {name: place for place, name in enumerate(_COLOURS)}
_LABEL_SHARE_MIN = 0.08
_LABELLED_WEEKS_MAX = 26


def toil_chart_svg(report: Report) -> str:
    """The SVG of a report; one without figures says so."""
    svg: str = vl_convert.vegalite_to_svg(toil_chart_spec(report), vl_version=VEGA_LITE)
    return svg


def toil_chart_spec(report: Report) -> dict[str, Any]:
    """The Vega-Lite specification, with its data inside."""
    rows = _rows(report)
    chart = _bars(report, rows) if rows else _empty(report)
    spec: dict[str, Any] = (
        chart.properties(width=WIDTH_PIXELS, height=HEIGHT_PIXELS, description=_description(report))
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=FONT_PIXELS, titleFontSize=FONT_PIXELS, grid=False)
        .configure_legend(labelFontSize=FONT_PIXELS, titleFontSize=FONT_PIXELS)
        .to_dict()
    )
    return spec


def _rows(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "week": week.week,
            "category": category,
            "minutes": round(seconds / 60, 1),
            "order": _ORDER[category],
        }
        for week in report.weeks
        for category in _COLOURS
        if (seconds := getattr(week.seconds, category.replace(" ", "_")))
    ]


def _bars(report: Report, rows: list[dict[str, Any]]) -> Any:
    weeks = alt.Scale(domain=[week.week for week in report.weeks])
    axis = alt.Axis(labelAngle=0, labelOverlap="greedy")
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("week:N", title="ISO week", scale=weeks, axis=axis),
        y=alt.Y("minutes:Q", title="Minutes", stack="zero"),
        order=alt.Order("order:Q"),
    )
    scale = alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values()))
    # The legend reads downwards as the stack does: engineering is at the top of both.
    legend = alt.Legend(title="Category", values=list(reversed(_COLOURS)))
    bars = base.mark_bar(stroke="white", strokeWidth=1.5).encode(
        color=alt.Color("category:N", scale=scale, legend=legend)
    )
    # Small parts keep their place in the stack and lose only the words.
    words = alt.when(f"datum.minutes >= {_label_minutes(rows)}").then(
        alt.Text("minutes:Q", format=".0f")
    )
    labels = base.mark_text(color="white", fontSize=FONT_PIXELS, baseline="middle").encode(
        y=alt.Y("minutes:Q", stack="zero", bandPosition=0.5),
        text=words.otherwise(alt.value("")),
    )
    return bars + labels


def _label_minutes(rows: list[dict[str, Any]]) -> float:
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row["week"]] += row["minutes"]
    highest = max(totals.values())
    # Bars of many weeks are too narrow for words.
    return highest * (_LABEL_SHARE_MIN if len(totals) <= _LABELLED_WEEKS_MAX else 2)


def _empty(report: Report) -> Any:
    withheld = next((week.withheld for week in report.weeks if week.withheld), None)
    words = withheld or "No human minutes were recorded in these weeks."
    chart = alt.Chart(alt.InlineData(values=[{"words": words}]))
    return chart.mark_text(fontSize=FONT_PIXELS + 2, color="#333333", limit=WIDTH_PIXELS).encode(
        text=alt.Text("words:N")
    )


def _description(report: Report) -> str:
    first, last = report.weeks[0], report.weeks[-1]
    who = f"team {report.team}" if report.team else "all teams"
    text = f"Stacked bars: minutes by category and week, {who}, {first.week} to {last.week}."
    toil = [
        (week.seconds.firefighting or 0) + (week.seconds.other_toil or 0) for week in report.weeks
    ]
    if not any(toil):
        return f"{text} {first.withheld or 'No toil was recorded.'}"
    return f"{text} Toil: {toil[0] // 60} minutes in the first week, {toil[-1] // 60} in the last."
