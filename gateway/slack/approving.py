"""Approve, Deny…, Details and Ask again: what the buttons of a question do.

The workflow counts, and the messenger repaints when it has; so a click that was not recorded
leaves the buttons where they are.
"""

import asyncio
from typing import Any

from starlette.concurrency import run_in_threadpool

from contracts.approval import REASON_CHARS_MAX, Answer, Approval, Decision, Vote
from contracts.asked import ended_of, evidence_of
from contracts.calls import IncidentRef, RunRequest
from contracts.case import NOBODY
from contracts.errors import AlreadyDecided, NotAllowed, NotFound, Unavailable
from contracts.message import Asked, MessageView, Who
from contracts.policy import Person
from contracts.slack import ids
from contracts.slack.views import deny_view, details_view
from contracts.views import view_of
from gateway.deciding import approval_of, closed, decide, may_deny, not_asked
from gateway.doors import Doors
from gateway.identity import must_act
from gateway.naming import name_of
from gateway.requests import ask
from gateway.slack.clicks import Click, keeping
from gateway.slack.desk import Desk
from gateway.temporal import Update

DOUBLE_CLICK_SECONDS = 10
CHECK_SECONDS = 1.0
RECORD_DAYS = 90


async def approve(desk: Desk, click: Click) -> None:
    """Count a yes; a double click is one. What keeps it from being carried out is said at once,
    to the one who clicked: what they agreed to looks agreed.
    """
    await agree(desk, click)


async def agree(desk: Desk, click: Click, reason: str = "") -> Approval:
    """Count a yes, with what the person says to it; the question as it stands then."""
    person = await desk.person(click)
    approval = await approval_of(desk.here, click.value)
    mine = _yes_of(approval, person)
    if mine is not None and approval.state == "open":
        if _was_just_now(desk.here, mine):
            return approval
        raise AlreadyDecided(f"you have approved already; {missing(approval)} more must agree")
    return await _decide(desk, approval, person, "approve", reason)


async def require_news(here: Doors, approval_id: str, person: Person, answer: Answer) -> None:
    """Raise what became of a question that is over. A button leads to none, but somebody may type
    its id a day later, and must not read that it was recorded.
    """
    approval = await approval_of(here, approval_id)
    same = (v for v in approval.votes if (v.person, v.decision) == (person.id, answer))
    if approval.state != "open" and not any(_was_just_now(here, vote) for vote in same):
        raise await closed(here, approval)


def missing(approval: Approval) -> int:
    """How many must agree still."""
    return approval.needed - sum(vote.decision == "approve" for vote in approval.votes)


async def ask_why_not(desk: Desk, click: Click) -> None:
    """Open the window for the reason, while its trigger lives; nobody who could not answer is
    asked to write one. Who it is, is looked at again when it is sent.
    """
    approval = await approval_of(desk.here, click.value)
    if approval.state != "open":
        raise await closed(desk.here, approval)
    await _check_asked(desk, click, approval)
    await desk.open_view(click, keeping(deny_view(view_of(approval)), click))


async def _check_asked(desk: Desk, click: Click, approval: Approval) -> None:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            person = await desk.person(click)
    except (TimeoutError, Unavailable):
        return
    if not await run_in_threadpool(may_deny, desk.here, approval, person.id):
        raise not_asked(desk.here, approval, person.id)


def reason_faults(inputs: dict[str, str]) -> dict[str, str]:
    """What is wrong with a denial, by field, for the window that is still open."""
    reason = inputs.get(ids.REASON, "").strip()
    if not reason:
        return {ids.REASON: "Say in a few words why not; the next person reads it."}
    if len(reason) > REASON_CHARS_MAX:
        return {ids.REASON: f"Say it in {REASON_CHARS_MAX} characters."}
    return {}


async def deny(desk: Desk, click: Click, inputs: dict[str, str]) -> Approval:
    """Count a no with its reason; the question as it stands then."""
    person = await desk.person(click)
    approval = await approval_of(desk.here, click.value)
    return await _decide(desk, approval, person, "deny", inputs.get(ids.REASON, "").strip())


async def _decide(
    desk: Desk, approval: Approval, person: Person, answer: Answer, reason: str = ""
) -> Approval:
    decision = Decision(
        approval=approval.id,
        person=person.id,
        decision=answer,
        reason=reason,
        digest=approval.plan.digest,
    )
    try:
        return await decide(desk.here, approval, decision, "slack")
    except AlreadyDecided:
        known = await approval_of(desk.here, approval.id)
        same = [v for v in known.votes if (v.person, v.decision) == (person.id, answer)]
        if not any(_was_just_now(desk.here, vote) for vote in same):
            raise
        return known


def _yes_of(approval: Approval, person: Person) -> Vote | None:
    yes = (vote for vote in approval.votes if vote.decision == "approve")
    return next((vote for vote in yes if vote.person == person.id), None)


def _was_just_now(here: Doors, vote: Vote) -> bool:
    return (here.clock() - vote.at).total_seconds() < DOUBLE_CLICK_SECONDS


async def details(desk: Desk, click: Click, _: Person) -> dict[str, Any]:
    """The window with the whole question."""
    approval = await approval_of(desk.here, click.value)
    return await run_in_threadpool(_details, desk.here, approval)


def _details(here: Doors, approval: Approval) -> dict[str, Any]:
    incident = here.journal.incident(approval.incident)
    if incident is None:
        raise NotFound("no such incident", "Look at /incidents for those there are.")
    record = here.journal.track_record(approval.runbook, approval.target, here.clock(), RECORD_DAYS)
    asked = Asked(
        approval=view_of(approval),
        evidence=evidence_of(incident, approval.id),
        record=record,
        ended=ended_of(incident, approval.id),
    )
    view = MessageView(
        incident=incident,
        url=f"{here.public_url}/incidents/{incident.id}",
        asked=(asked,),
        people=tuple(Who(id=p.id, name=p.name, slack=p.slack) for p in here.policy.people),
    )
    return details_view(view, asked)


async def ask_again(desk: Desk, click: Click) -> None:
    """Run the same runbook once more after its question expired; whoever clicks, it runs once."""
    person = must_act(await desk.person(click))
    approval = await approval_of(desk.here, click.value)
    if approval.state != "expired":
        raise AlreadyDecided(f"this question is {approval.state}, and needs no other")
    if approval.requester != NOBODY:
        # As Firebreak's own, whoever asked for it could approve it.
        asker = name_of(desk.here.policy, approval.requester)
        fix = f"Ask {asker} to start {approval.runbook} anew."
        raise NotAllowed("a run that a person asked for is asked for by them", fix)
    incident = await run_in_threadpool(desk.here.journal.incident, approval.incident)
    if incident is None or incident.status == "closed":
        raise AlreadyDecided("the incident is closed")
    key = f"again:{approval.id}"
    wanted = RunRequest(request=key, runbook=approval.runbook, person=person.id, again=True)
    await ask(desk.here, incident.workflow, Update("run", wanted, key), IncidentRef)
