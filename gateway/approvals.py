"""Approvals: what is asked, and the answer. The workflow alone decides whether an answer counts.

The door never paints a decision that the workflow has not accepted; without an answer it says
"not recorded", and sending the same decision again is harmless.
"""

import asyncio
import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from contracts.approval import REASON_CHARS_MAX, Answer, Approval, ApprovalState, Decision
from contracts.errors import (
    AlreadyDecided,
    Expired,
    FirebreakError,
    NotFound,
    PlanChanged,
    ReasonMissing,
    Stop,
)
from contracts.policy import Person
from contracts.views import IncidentDetail, TimelineItem, view_of
from gateway.answers import wants_html
from gateway.doors import Doors, doors
from gateway.forms import body_of, require_sender, takes
from gateway.identity import require_reader
from gateway.pages import render
from gateway.requests import ask
from gateway.temporal import Update

logger = logging.getLogger(__name__)
router = APIRouter(tags=["approvals"])

EVIDENCE_SHOWN_MAX = 12
# What says why comes first, whatever was read first.
TELLING = ("pod_logs", "pod_states", "job_state", "node_conditions", "events", "rollout_history")
SHOWN_ATTEMPTS_MAX = 15
SHOWN_PAUSE_SECONDS = 0.1

Here = Annotated[Doors, Depends(doors)]
Reader = Annotated[Person, Depends(require_reader)]
Sender = Annotated[Person, Depends(require_sender)]


class DecisionBody(BaseModel):
    """One answer. `digest` binds it to the plan that was looked at; `reason` is for people."""

    decision: Answer
    reason: str = Field(default="", max_length=REASON_CHARS_MAX)
    digest: str | None = Field(default=None, max_length=100)


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
async def show_approval(request: Request, here: Here, _: Reader, approval_id: str) -> Response:
    """One approval; its page is where people decide."""
    approval = await _found(here, approval_id)
    if wants_html(request):
        return await _page(request, here, "approval.html", approval)
    return JSONResponse(_json(approval))


@router.get("/approvals/{approval_id}/live", include_in_schema=False)
async def follow_approval(
    request: Request, here: Here, _: Reader, approval_id: str, seen: str = ""
) -> Response:
    """The status part of the page; 204 while nothing changed, a reload once it is closed."""
    approval = await _found(here, approval_id)
    if approval.state != "open":
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    if seen == seen_key(here, approval):
        return Response(status_code=204)
    return await _page(request, here, "_approval.html", approval)


def seen_key(here: Doors, approval: Approval) -> str:
    """Changes whenever the status part of the page would read differently."""
    left = int((approval.expires_at - here.clock()).total_seconds() // 60)
    return f"{len(approval.votes)}-{left}"


async def _page(request: Request, here: Doors, name: str, approval: Approval) -> Response:
    incident = await run_in_threadpool(here.journal.incident, approval.incident)
    return await render(
        request,
        name,
        approval=approval,
        plan=approval.plan,
        evidence=_evidence(incident, approval),
        ended=_ended(incident, approval),
        voted=[vote.person for vote in approval.votes],
        seen=seen_key(here, approval),
        left_seconds=(approval.expires_at - here.clock()).total_seconds(),
    )


def _ended(incident: IncidentDetail | None, approval: Approval) -> str:
    """Why nobody can answer any more, in the words of whoever closed the question."""
    lines = incident.timeline if incident else ()
    closing = (line for line in reversed(lines) if line.type in ("void", "expired"))
    own = (line.text for line in closing if line.data.get("approval") == approval.id)
    return next(own, "")


def _evidence(incident: IncidentDetail | None, approval: Approval) -> list[dict[str, str]]:
    """The excerpts that the question was asked on, the most telling first: what the run that asked
    had found by then, and nothing of a later one.
    """
    found: list[TimelineItem] = []
    for line in incident.timeline if incident else ():
        if line.type == "matched":
            found.clear()
        elif line.type == "evidence":
            found.append(line)
        elif line.type == "asked" and line.data.get("approval") == approval.id:
            break
    found.sort(key=_rank)
    return [
        {
            "title": line.text,
            "excerpt": str(line.data.get("excerpt", "")),
            "digest": str(line.data.get("digest", "")),
        }
        for line in found[:EVIDENCE_SHOWN_MAX]
    ]


def _rank(line: TimelineItem) -> int:
    kind = str(line.data.get("kind", "")).rpartition(".")[2]
    return TELLING.index(kind) if kind in TELLING else len(TELLING)


def _json(approval: Approval) -> dict[str, object]:
    return view_of(approval).model_dump(mode="json", by_alias=True)


async def _found(here: Doors, approval_id: str) -> Approval:
    approval = await run_in_threadpool(here.journal.approval, approval_id)
    if approval is None:
        raise NotFound("no such approval", "Look at /approvals for those there are.")
    return approval


@router.post("/approvals/{approval_id}/decision", openapi_extra=takes(DecisionBody))
async def decide(
    request: Request,
    here: Here,
    person: Sender,
    approval_id: str,
    body: Annotated[DecisionBody, Depends(body_of(DecisionBody))],
) -> Response:
    """Approve or deny; 200 with the approval once the workflow has counted it."""
    approval = await _found(here, approval_id)
    decision = Decision(approval=approval_id, person=person.id, **body.model_dump())
    try:
        answer = await _decided(here, approval, decision)
    except FirebreakError as err:
        _told(here, decision, err.code)
        raise
    _told(here, decision, body.decision)
    if wants_html(request):
        await _until_shown(here, answer)
        return RedirectResponse(f"/approvals/{approval_id}", status_code=303)
    return JSONResponse(_json(answer))


def _told(here: Doors, decision: Decision, result: str) -> None:
    here.metrics.decisions.labels(result).inc()
    extra = {"approval": decision.approval, "person": decision.person, "result": result}
    logger.info("decision", extra=extra)


async def _decided(here: Doors, approval: Approval, decision: Decision) -> Approval:
    if decision.decision == "deny" and not decision.reason.strip():
        raise ReasonMissing("a denial needs a reason")
    try:
        update = Update("decide", decision, decision.update_id)
        return await ask(here, approval.workflow, update, Approval)
    except NotFound as err:
        # The run has ended; the journal, read again, knows how.
        raise _closed(here, await _found(here, approval.id)) from err


def _closed(here: Doors, approval: Approval) -> Stop:
    late = approval.state == "open" and here.clock() >= approval.expires_at
    if approval.state == "expired" or late:
        return Expired(f"the time to answer ended at {approval.expires_at:%H:%M:%S} UTC")
    if approval.state == "void":
        return PlanChanged("the question no longer stands")
    how = "no longer open" if approval.state == "open" else approval.state
    return AlreadyDecided(f"this approval is {how}")


async def _until_shown(here: Doors, answer: Approval) -> None:
    """The workflow answers before the journal has the vote; a page read too early would ask a
    person again who has just answered.
    """
    for _ in range(SHOWN_ATTEMPTS_MAX):
        shown = await run_in_threadpool(here.journal.approval, answer.id)
        if shown is not None and len(shown.votes) >= len(answer.votes):
            return
        await asyncio.sleep(SHOWN_PAUSE_SECONDS)
