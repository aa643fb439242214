"""Incidents: lists and pages from the journal, and what a person may ask of one.

Reads never ask Temporal; writes only ever ask the workflow, which alone changes the journal.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from contracts.approval import Approval
from contracts.calls import (
    IncidentRef,
    IncidentStart,
    PageRequest,
    PersonRequest,
    RunRequest,
)
from contracts.errors import AlreadyDecided, InvalidInput, NotFound
from contracts.journal import IncidentStatus
from contracts.policy import Person
from contracts.standing import holder_of
from contracts.target import Target, parse_target
from contracts.views import IncidentDetail
from gateway.answers import wants_html
from gateway.doors import Doors, doors
from gateway.forms import body_of, require_sender, takes
from gateway.handover import INCIDENT
from gateway.identity import must_act, require_reader
from gateway.pages import render
from gateway.pages import who as name_of
from gateway.paging import check_whom, members_of
from gateway.requests import ask, ask_or_start, idempotency_key
from gateway.standing import lines_of, standing
from gateway.targets import is_namespace
from gateway.temporal import Start, Update
from toil.journal import IncidentQuery

logger = logging.getLogger(__name__)
router = APIRouter(tags=["incidents"])

SHOWN_ATTEMPTS_MAX = 15
SHOWN_PAUSE_SECONDS = 0.1

Asked = Literal["take_over", "hand_back", "close"]
Here = Annotated[Doors, Depends(doors)]
Reader = Annotated[Person, Depends(require_reader)]
Sender = Annotated[Person, Depends(require_sender)]


class ListParams(BaseModel):
    """The filters of the list; empty means any, so that an empty form field filters nothing."""

    status: IncidentStatus | None = None
    team: str | None = None
    fingerprint: str | None = None
    since: datetime | None = None
    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = None


class RunBody(BaseModel):
    """Start a runbook by hand. `target` is an object, or `NAMESPACE/KIND/NAME`."""

    model_config = ConfigDict(extra="forbid")

    runbook: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,99}$")
    target: Target | str
    cluster: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    dry_run: bool = False


class PersonBody(BaseModel):
    """Why a person does it; may be left out."""

    reason: str = Field(default="", max_length=500)


class PageBody(PersonBody):
    """Whom to call: ids of people, or `oncall:NAME`; and what they should know."""

    whom: tuple[str, ...] = Field(min_length=1, max_length=10)


@router.get("/incidents")
async def list_incidents(
    request: Request, here: Here, _: Reader, params: Annotated[ListParams, Query()]
) -> Response:
    """Newest first, by page; `next` is the cursor of the page after."""
    query = IncidentQuery.model_validate(params.model_dump())
    page = await run_in_threadpool(here.journal.incidents, query)
    if wants_html(request):
        return await render(request, "incidents.html", page=page, params=params)
    return JSONResponse(page.model_dump(mode="json"))


@router.post("/incidents", status_code=201, openapi_extra=takes(RunBody))
async def run_by_hand(
    request: Request,
    here: Here,
    person: Sender,
    body: Annotated[RunBody, Depends(body_of(RunBody))],
) -> Response:
    """Start a runbook on a target; its incident is opened if there is none."""
    must_act(person)
    target = _target_of(here, body)
    wanted = RunRequest(
        request=idempotency_key(request),
        runbook=body.runbook,
        person=person.id,
        params=body.params,
        dry_run=body.dry_run,
    )
    start = Start(INCIDENT, target.workflow_id, IncidentStart(target=target))
    update = Update("run", wanted, f"run:{person.id}:{wanted.request}")
    ref = await ask_or_start(here, start, update, IncidentRef)
    extra = {"person": person.id, "incident": ref.incident, "runbook": body.runbook}
    logger.info("runbook asked for", extra=extra)
    where = {"Location": f"/incidents/{ref.incident}"}
    return JSONResponse(ref.model_dump(mode="json"), status_code=201, headers=where)


def _target_of(here: Doors, body: RunBody) -> Target:
    clusters = here.policy.clusters
    if isinstance(body.target, Target):
        target = body.target
    elif body.cluster is None and len(clusters) != 1:
        raise InvalidInput("cluster is missing", f"Name one of {', '.join(clusters)}.")
    else:
        target = _parsed(body.target, body.cluster or clusters[0])
    if target.cluster not in clusters:
        known = ", ".join(clusters)
        raise InvalidInput(f"cluster {target.cluster} is not configured", f"Name one of {known}.")
    if target.kind != "Node" and not is_namespace(target.namespace):
        raise InvalidInput(
            "target: the namespace is missing, or no name of one", "Write NAMESPACE/KIND/NAME."
        )
    return target


def _parsed(text: str, cluster: str) -> Target:
    try:
        return parse_target(text, cluster)
    except ValueError as err:
        raise InvalidInput(f"target: {err}") from err


@router.get("/incidents/{incident_id}")
async def show_incident(
    request: Request, here: Here, _: Reader, incident_id: str, asked: Asked | None = None
) -> Response:
    """One incident with its timeline. `asked` is what was just asked for and is not shown yet."""
    incident = await found(here, incident_id)
    if not wants_html(request):
        return JSONResponse(incident.model_dump(mode="json"))
    values = await _values(here, incident)
    return await render(request, "incident.html", **values, asked=asked)


@router.get("/incidents/{incident_id}/live", include_in_schema=False)
async def follow_incident(
    request: Request, here: Here, _: Reader, incident_id: str, seen: str = ""
) -> Response:
    """The part of the page that changes; 204 while nothing did."""
    incident = await found(here, incident_id)
    if seen == seen_key(here, incident):
        return Response(status_code=204)
    return await render(request, "_incident.html", **await _values(here, incident), asked=None)


def seen_key(here: Doors, incident: IncidentDetail) -> str:
    """Changes whenever the page would read differently: with what happens, and each minute."""
    return f"{incident.revision}-{int(here.clock().timestamp() // 60)}"


async def _values(here: Doors, incident: IncidentDetail) -> dict[str, Any]:
    approvals = await _approvals(here, incident)
    who = partial(name_of, {person.id: person.name for person in here.policy.people})
    return {
        "incident": incident,
        "approvals": approvals,
        "standing": standing(incident, approvals, here.clock(), who),
        "holder": holder_of(incident),
        "lines": lines_of(incident),
        "seen": seen_key(here, incident),
    }


@router.get("/incidents/{incident_id}/evidence/{digest}")
async def show_evidence(here: Here, _: Reader, incident_id: str, digest: str) -> Response:
    """The redacted body of one piece of evidence, as plain text."""
    body = await run_in_threadpool(here.journal.evidence_body, incident_id, digest)
    if body is None:
        fix = "Bodies are kept for 30 days; the incident's page still has the excerpt."
        raise NotFound("this evidence is not kept", fix)
    return PlainTextResponse(body)


async def found(here: Doors, incident_id: str) -> IncidentDetail:
    """The incident, or NotFound."""
    incident = await run_in_threadpool(here.journal.incident, incident_id)
    if incident is None:
        raise NotFound("no such incident", "Look at /incidents for those there are.")
    return incident


async def _approvals(here: Doors, incident: IncidentDetail) -> tuple[Approval, ...]:
    if not incident.approvals:
        return ()
    return await run_in_threadpool(here.journal.approvals, None, incident.id)


@router.post("/incidents/{incident_id}/take-over", openapi_extra=takes(PersonBody))
async def take_over(
    request: Request,
    here: Here,
    person: Sender,
    incident_id: str,
    body: Annotated[PersonBody, Depends(body_of(PersonBody))],
) -> Response:
    """Do it by hand: the runbook is cancelled and hands-on time is measured."""
    return await _ask_incident(request, here, incident_id, "take_over", _by(person, body))


@router.post("/incidents/{incident_id}/hand-back", openapi_extra=takes(PersonBody))
async def hand_back(
    request: Request,
    here: Here,
    person: Sender,
    incident_id: str,
    body: Annotated[PersonBody, Depends(body_of(PersonBody))],
) -> Response:
    """End a take-over."""
    return await _ask_incident(request, here, incident_id, "hand_back", _by(person, body))


@router.post("/incidents/{incident_id}/close", openapi_extra=takes(PersonBody))
async def close(
    request: Request,
    here: Here,
    person: Sender,
    incident_id: str,
    body: Annotated[PersonBody, Depends(body_of(PersonBody))],
) -> Response:
    """End the incident, whatever its alerts say."""
    return await _ask_incident(request, here, incident_id, "close", _by(person, body))


def _by(person: Person, body: PersonBody) -> PersonRequest:
    return PersonRequest(person=must_act(person).id, reason=body.reason)


@router.post("/incidents/{incident_id}/page", openapi_extra=takes(PageBody))
async def page(
    request: Request,
    here: Here,
    person: Sender,
    incident_id: str,
    body: Annotated[PageBody, Depends(body_of(PageBody))],
) -> Response:
    """Call somebody else to it; channels ring them."""
    must_act(person)
    check_whom(body.whom, here.policy)
    members = await run_in_threadpool(members_of, body.whom, here.memberships, here.clock())
    wanted = PageRequest(person=person.id, members=members, **body.model_dump())
    ref = await _answer(here, incident_id, "page", wanted, idempotency_key(request))
    return JSONResponse(ref.model_dump(mode="json"))


async def _ask_incident(
    request: Request, here: Doors, incident_id: str, update: Asked, wanted: PersonRequest
) -> Response:
    ref = await _answer(here, incident_id, update, wanted, idempotency_key(request))
    if wants_html(request):
        shown = await _is_shown(here, incident_id, _SHOWS[update])
        query = "" if shown else f"?asked={update}"
        return RedirectResponse(f"/incidents/{incident_id}{query}", status_code=303)
    return JSONResponse(ref.model_dump(mode="json"))


async def _answer(
    here: Doors, incident_id: str, update: str, wanted: PersonRequest, request_key: str
) -> IncidentRef:
    incident = await found(here, incident_id)
    # The workflow's id belongs to the target, and a newer incident may have it by now.
    if incident.status == "closed":
        raise AlreadyDecided("the incident is closed")
    key = f"{incident_id}:{wanted.person}:{update}:{request_key}"
    wanted = wanted.model_copy(update={"incident": incident_id})
    try:
        ref = await ask(here, incident.workflow, Update(update, wanted, key), IncidentRef)
    except NotFound as err:
        raise AlreadyDecided("the incident is not handled any more") from err
    extra = {"person": wanted.person, "incident": incident_id, "update": update}
    logger.info("incident asked", extra=extra)
    return ref


# What the journal says once it has taken note of what was asked.
_SHOWS: dict[Asked, Callable[[IncidentStatus], bool]] = {
    "take_over": lambda status: status == "taken_over",
    "hand_back": lambda status: status != "taken_over",
    "close": lambda status: status == "closed",
}


async def _is_shown(here: Doors, incident_id: str, holds: Callable[[IncidentStatus], bool]) -> bool:
    """The workflow agrees before the journal says so; a page read too early would offer a person
    once more what they have just done.
    """
    for _ in range(SHOWN_ATTEMPTS_MAX):
        if holds((await found(here, incident_id)).status):
            return True
        await asyncio.sleep(SHOWN_PAUSE_SECONDS)
    return False
