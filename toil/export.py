"""The weeks of a report as CSV, for a spreadsheet."""

import csv
import io

from toil.figures import Report, Seconds, WeekFigures

_PLAIN = ("tracked_seconds", "capacity_seconds", "share_of_tracked", "share_of_capacity")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def report_csv(report: Report) -> str:
    """One line a week, oldest first; what is withheld is empty, with the reason at the end."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    categories = [f"{name}_seconds" for name in Seconds.model_fields]
    writer.writerow(["team", "week", "state", *categories, *_PLAIN, "coverage", "withheld"])
    writer.writerows(_line(report.team, week) for week in report.weeks)
    return out.getvalue()


def _line(team: str, week: WeekFigures) -> list[object]:
    seconds = week.seconds.model_dump().values()
    plain = [getattr(week, name) for name in _PLAIN]
    return [_text(team), week.week, week.state, *seconds, *plain, week.coverage, week.withheld]


def _text(value: str) -> str:
    # A spreadsheet would run such a text as a formula.
    return f"'{value}" if value.startswith(_FORMULA) else value
