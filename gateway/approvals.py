"""Approvals: what is asked, and the answer. The workflow alone decides whether an answer counts.

The door never paints a decision that the workflow has not accepted; without an answer it says
"not recorded", and sending the same decision again is harmless.
"""

import asyncio
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from contracts.approval import REASON_CHARS_MAX, Answer, Approval, ApprovalState, Decision
from contracts.asked import ended_of, evidence_of
from contracts.errors import ReasonMissing
from contracts.message import TrackRecord
from contracts.policy import Person
from contracts.slack.risk import risk_of
from contracts.slack.telling import record_text
from contracts.slack.way_back import way_back
from contracts.views import IncidentDetail, view_of
from gateway import deciding
from gateway.answers import wants_html
from gateway.deciding import approval_of, may_answer
from gateway.doors import Doors, doors
from gateway.errors import status_of
from gateway.forms import body_of, require_sender, takes
from gateway.identity import require_reader
from gateway.pages import render

router = APIRouter(tags=["approvals"])

SHOWN_ATTEMPTS_MAX = 15
SHOWN_PAUSE_SECONDS = 0.1
RECORD_DAYS = 90

Here = Annotated[Doors, Depends(doors)]
Reader = Annotated[Person, Depends(require_reader)]
Sender = Annotated[Person, Depends(require_sender)]


class DecisionBody(BaseModel):
    """One answer. `digest` binds it to the plan that was looked at; `reason` is for people."""

    decision: Answer
    reason: str = Field(default="", max_length=REASON_CHARS_MAX)
    digest: str | None = Field(default=None, max_length=100)


class PageDecision(DecisionBody):
    """The page's form; `sure` comes from the page that asks once more."""

    sure: bool = False


@router.get("/approvals")
async def list_approvals(
    request: Request, here: Here, _: Reader, state: ApprovalState | None = None
) -> Response:
    """Newest first, at most 200."""
    approvals = await run_in_threadpool(here.journal.approvals, state)
    if wants_html(request):
        return await render(request, "approvals.html", approvals=approvals, state=state)
    items = [_json(approval) for approval in approvals]
    return JSONResponse({"items": items, "next": None})


@router.get("/approvals/{approval_id}")
async def show_approval(request: Request, here: Here, person: Reader, approval_id: str) -> Response:
    """One approval; its page is where people decide."""
    approval = await approval_of(here, approval_id)
    if wants_html(request):
        return await _page(request, here, "approval.html", approval, person)
    return JSONResponse(_json(approval))


@router.get("/approvals/{approval_id}/live", include_in_schema=False)
async def follow_approval(
    request: Request, here: Here, person: Reader, approval_id: str, seen: str = ""
) -> Response:
    """The status part of the page; 204 while nothing changed, a reload once it is closed."""
    approval = await approval_of(here, approval_id)
    if approval.state != "open":
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    if seen == seen_key(here, approval):
        return Response(status_code=204)
    return await _page(request, here, "_approval.html", approval, person)


def seen_key(here: Doors, approval: Approval) -> str:
    """Changes whenever the status part of the page would read differently."""
    left = int((approval.expires_at - here.clock()).total_seconds() // 60)
    return f"{len(approval.votes)}-{left}"


class _Known(NamedTuple):
    """What the journal knows about a question."""

    incident: IncidentDetail | None
    record: TrackRecord
    may_answer: bool


def _known(here: Doors, approval: Approval, person: Person) -> _Known:
    record = here.journal.track_record(approval.runbook, approval.target, here.clock(), RECORD_DAYS)
    incident = here.journal.incident(approval.incident)
    return _Known(incident, record, may_answer(here, approval, person.id))


async def _page(
    request: Request, here: Doors, name: str, approval: Approval, person: Person, **more: Any
) -> Response:
    known, view = await run_in_threadpool(_known, here, approval, person), view_of(approval)
    return await render(
        request,
        name,
        approval=approval,
        plan=approval.plan,
        risk=risk_of(view),
        way_back=way_back(view.plan),
        record=record_text(known.record),
        may_answer=known.may_answer,
        evidence=evidence_of(known.incident, approval.id),
        ended=ended_of(known.incident, approval.id),
        voted=[vote.person for vote in approval.votes],
        seen=seen_key(here, approval),
        left_seconds=(approval.expires_at - here.clock()).total_seconds(),
        **more,
    )


def _json(approval: Approval) -> dict[str, object]:
    return view_of(approval).model_dump(mode="json", by_alias=True)


@router.post("/approvals/{approval_id}/decision", openapi_extra=takes(DecisionBody))
async def decide(
    request: Request,
    here: Here,
    person: Sender,
    approval_id: str,
    body: Annotated[PageDecision, Depends(body_of(PageDecision))],
) -> Response:
    """Approve or deny; 200 with the approval once the workflow has counted it."""
    approval = await approval_of(here, approval_id)
    if wants_html(request) and _is_hasty(approval, body):
        return await _page(request, here, "sure.html", approval, person, reason=body.reason)
    said = body.model_dump(exclude={"sure"})
    decision = Decision(approval=approval_id, person=person.id, **said)
    try:
        answer = await deciding.decide(here, approval, decision, "http")
    except ReasonMissing as err:
        if not wants_html(request):
            raise
        # The person's own page again, with the hint beside the field that lacks it.
        page = await _page(request, here, "approval.html", approval, person, hint=err.message)
        page.status_code = status_of(err)
        return page
    if wants_html(request):
        await _until_shown(here, answer)
        return RedirectResponse(f"/approvals/{approval_id}", status_code=303)
    return JSONResponse(_json(answer))


def _is_hasty(approval: Approval, body: PageDecision) -> bool:
    """Whether a page asks once more, as the button in Slack does; a program means what it sends."""
    risky = approval.state == "open" and risk_of(view_of(approval)).level != "low"
    return risky and body.decision == "approve" and not body.sure


async def _until_shown(here: Doors, answer: Approval) -> None:
    """The workflow answers before the journal has the vote; a page read too early would ask a
    person again who has just answered.
    """
    for _ in range(SHOWN_ATTEMPTS_MAX):
        shown = await run_in_threadpool(here.journal.approval, answer.id)
        if shown is not None and len(shown.votes) >= len(answer.votes):
            return
        await asyncio.sleep(SHOWN_PAUSE_SECONDS)
