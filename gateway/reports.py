"""The toil report: a page, and the same figures as JSON, CSV and a chart.

Figures of fewer people than the policy names are withheld by `toil.report`, not here.
"""

import re
from datetime import date, datetime, timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from contracts.errors import InvalidInput
from contracts.policy import Person, Policy
from gateway.answers import wants_html
from gateway.doors import Doors, doors
from gateway.headline import COVERAGE_MIN, is_little, totals_of
from gateway.identity import require_reader
from gateway.pages import render
from gateway.times import read_time
from toil.chart import describe, toil_chart_svg
from toil.export import report_csv
from toil.report import Report, build_report
from toil.weeks import zone_of

router = APIRouter(tags=["reports"])

_WEEK = re.compile(r"\d{4}-W\d\d", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Here = Annotated[Doors, Depends(doors)]
Reader = Annotated[Person, Depends(require_reader)]


class ReportParams(BaseModel):
    """Which report: a team, how many weeks, and until when. `until` is a time, a day or an ISO
    week (both with their whole length), and now if it is left out.
    """

    team: str = Field(default="", max_length=200)
    weeks: int = Field(default=8, ge=1, le=106)
    until: str | None = Field(default=None, max_length=40)


Params = Annotated[ReportParams, Query()]


def teams_of(policy: Policy) -> tuple[str, ...]:
    """Every team that a person or a service names."""
    named = [t for p in policy.people for t in p.teams] + [s.team for s in policy.services]
    return tuple(sorted({team for team in named if team}))


def read_until(text: str, zone: ZoneInfo) -> datetime:
    """The instant before which the last week lies.

    Raises:
        InvalidInput: neither a time with its zone, nor a day, nor an ISO week.

    """
    whole = timedelta(weeks=1) if _WEEK.fullmatch(text) else timedelta(days=1)
    try:
        if not _WEEK.fullmatch(text) and not _DAY.fullmatch(text):
            return read_time(text)
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=zone) + whole
    except (ValueError, OverflowError) as err:
        fix = "Write 2026-W47, 2026-11-22 or 2026-11-22T12:00:00Z."
        raise InvalidInput("until is no week, day or time", fix) from err


async def _built(here: Doors, person: Person, params: ReportParams) -> Report:
    team = params.team or next(iter((*person.teams, *teams_of(here.policy))), "")
    until = params.until and read_until(params.until, zone_of(here.policy.toil.timezone))
    make = partial(build_report, weeks=params.weeks, until=until or None, now=here.clock())
    return await run_in_threadpool(make, here.ledger, here.policy, team)


def _json(report: Report) -> dict[str, Any]:
    return report.model_dump(mode="json", by_alias=True)


@router.get("/reports/toil")
async def show(request: Request, here: Here, person: Reader, params: Params) -> Response:
    """The page for people; JSON for who does not ask for HTML."""
    report = await _built(here, person, params)
    if not wants_html(request):
        return JSONResponse(_json(report))
    same = params.model_dump(mode="json", exclude_none=True) | {"team": report.team}
    return await render(
        request,
        "report.html",
        report=report,
        totals=totals_of(report),
        is_little=is_little,
        coverage_min=COVERAGE_MIN,
        chart_text=describe(report),
        teams=teams_of(here.policy),
        weeks=params.weeks,
        query=urlencode(same),
    )


@router.get("/reports/toil.json")
async def as_json(here: Here, person: Reader, params: Params) -> Response:
    """The figures."""
    return JSONResponse(_json(await _built(here, person, params)))


@router.get("/reports/toil.csv")
async def as_csv(here: Here, person: Reader, params: Params) -> Response:
    """The weeks as rows, for a spreadsheet."""
    report = await _built(here, person, params)
    text = await run_in_threadpool(report_csv, report)
    named = {"Content-Disposition": 'attachment; filename="toil.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=named)


@router.get("/reports/toil.svg")
async def as_svg(here: Here, person: Reader, params: Params) -> Response:
    """The chart."""
    report = await _built(here, person, params)
    svg = await run_in_threadpool(toil_chart_svg, report)
    return Response(svg, media_type="image/svg+xml")
