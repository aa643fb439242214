"""One person's answer, from whichever door, brought to the workflow that alone may count it.

Nothing here paints anything. Without an answer a door says "not recorded", and sending the same
decision again is harmless.
"""

import asyncio
import logging
from typing import Literal

from starlette.concurrency import run_in_threadpool

from contracts.approval import Approval, Decision
from contracts.errors import (
    AlreadyDecided,
    Expired,
    FirebreakError,
    NotAllowed,
    NotFound,
    Paused,
    PlanChanged,
    ReasonMissing,
    Stop,
)
from contracts.groups import is_group
from gateway.doors import Doors
from gateway.naming import moment, names_of
from gateway.pausing import pause_text, pauses_on
from gateway.requests import ask
from gateway.temporal import Update

logger = logging.getLogger(__name__)

Via = Literal["http", "slack"]

# The workflow refuses a little before the journal has what it refuses by.
TOLD_ATTEMPTS_MAX = 5
TOLD_PAUSE_SECONDS = 0.1


async def approval_of(here: Doors, approval_id: str) -> Approval:
    """The approval as the journal has it, or NotFound."""
    approval = await run_in_threadpool(here.journal.approval, approval_id)
    if approval is None:
        raise NotFound(
            "no such approval", "See those there are: the page /approvals, or `/firebreak status`."
        )
    return approval


async def decide(here: Doors, approval: Approval, decision: Decision, via: Via) -> Approval:
    """The approval once the workflow has counted the decision. Every attempt is logged and
    counted, also the refused ones.

    Raises:
        NotRecorded: the workflow did not answer in time; nobody knows whether it will count.
        Paused: it is a yes to what a kill switch keeps from being written.
        Stop: the workflow's refusal, or how the question was closed.

    """
    try:
        known = decision.model_copy(update={"via": via})
        answer = await _counted(here, approval, known)
    except FirebreakError as err:
        _told(here, decision, err.code, via)
        raise
    _told(here, decision, decision.decision, via)
    return answer


def _told(here: Doors, decision: Decision, result: str, via: Via) -> None:
    here.metrics.decisions.labels(result).inc()
    extra = {"approval": decision.approval, "person": decision.person, "via": via, "result": result}
    logger.info("decision", extra=extra)


async def _counted(here: Doors, approval: Approval, decision: Decision) -> Approval:
    if decision.decision == "deny" and not decision.reason.strip():
        raise ReasonMissing("a denial needs a reason")
    if approval.state != "open" and not _stands(approval, decision):
        # Temporal would give a repeated answer the reply of back then, as if it counted now.
        raise await closed(here, approval)
    if approval.state == "open" and decision.decision == "approve":
        await _check_unpaused(here, approval)
    known = decision.model_copy(update={"groups": await _groups(here, approval, decision.person)})
    try:
        update = Update("decide", known, known.update_id)
        return await ask(here, approval.workflow, update, Approval)
    except NotFound as err:
        # The run has ended; the journal, read again, knows how.
        raise await closed(here, await approval_of(here, approval.id)) from err
    except Stop as err:
        raise await _in_words(here, approval, decision, err) from err


async def _check_unpaused(here: Doors, approval: Approval) -> None:
    """A yes under a kill switch would be spent for nothing, so the question is left as it is."""
    pauses = await run_in_threadpool(pauses_on, here, approval)
    if pauses:
        told = "; ".join(pause_text(here, pause) for pause in pauses)
        until = f"until {moment(approval.expires_at)}"
        fix = f"Nothing was recorded: the question stays open {until}. Resume first, then approve."
        raise Paused(f"nothing is written there now. Paused: {told}", fix)


def _stands(approval: Approval, decision: Decision) -> bool:
    """Whether the question was closed by this very answer, sent once more."""
    wanted = {"approve": "approved", "deny": "denied"}[decision.decision]
    votes = ((vote.person, vote.decision) for vote in approval.votes)
    return approval.state == wanted and (decision.person, decision.decision) in votes


async def _in_words(here: Doors, approval: Approval, decision: Decision, err: Stop) -> Stop:
    """The workflow's refusal, with names instead of ids, and with what became of the question."""
    if isinstance(err, NotAllowed):
        return not_asked(here, approval, decision.person)
    if isinstance(err, Expired):
        return _too_late(approval)
    if isinstance(err, AlreadyDecided | PlanChanged):
        known = await _told_later(here, approval, decision.person)
        return err if known.state == "open" else await closed(here, known)
    return err


async def _told_later(here: Doors, approval: Approval, person: str) -> Approval:
    """The question, once the journal has that it is closed or that this person has answered."""
    known = await approval_of(here, approval.id)
    for _ in range(TOLD_ATTEMPTS_MAX):
        if known.state != "open" or any(vote.person == person for vote in known.votes):
            break
        await asyncio.sleep(TOLD_PAUSE_SECONDS)
        known = await approval_of(here, approval.id)
    return known


async def _groups(here: Doors, approval: Approval, person: str) -> tuple[str, ...]:
    return tuple(sorted(await run_in_threadpool(groups_of, here, approval, person)))


def groups_of(here: Doors, approval: Approval, person: str) -> frozenset[str]:
    """Those, among the approvers, that the books know the person to be in now."""
    among = tuple(approver for approver in approval.approvers if is_group(approver))
    return here.memberships.groups_of(person, among, here.clock()) if among else frozenset()


def may_answer(here: Doors, approval: Approval, person: str) -> bool:
    """Whether the person is asked, so that nobody is led to an answer that the workflow, which has
    the last word, would refuse.
    """
    if person == approval.requester:
        return False
    return person in approval.approvers or bool(groups_of(here, approval, person))


def may_deny(here: Doors, approval: Approval, person: str) -> bool:
    """The same for a no, by which whoever asked for a run may withdraw it."""
    return person == approval.requester or may_answer(here, approval, person)


def not_asked(here: Doors, approval: Approval, person: str) -> NotAllowed:
    """The refusal of somebody who is not asked, with those who are."""
    others = [who for who in approval.approvers if who != approval.requester]
    named = names_of(here.policy, others) or "nobody: no approver is configured"
    if person == approval.requester:
        fix = f"Ask {named}. To withdraw it, deny it."
        return NotAllowed("who asked for a run may not approve it", fix)
    fix = "Ask one of them, or have the approvers changed in firebreak.toml."
    return NotAllowed(f"only {named} may decide this", fix)


async def closed(here: Doors, approval: Approval) -> Stop:
    """The refusal of an answer that comes too late: what became of the question, by whom, when."""
    late = approval.state == "open" and here.clock() >= approval.expires_at
    if approval.state == "expired" or late:
        return _too_late(approval)
    if approval.state == "void":
        return await run_in_threadpool(_void, here, approval)
    if approval.state == "open":
        return AlreadyDecided("this question is no longer open")
    return _answered(here, approval)


def _too_late(approval: Approval) -> Expired:
    ended = moment(approval.expires_at)
    return Expired(f"the time to answer ended at {ended}, and nothing was written")


def _void(here: Doors, approval: Approval) -> PlanChanged:
    incident = here.journal.incident(approval.incident)
    lines = reversed(incident.timeline if incident else ())
    own = (line for line in lines if line.data.get("approval") == approval.id)
    ended = next((line for line in own if line.type == "void"), None)
    why = f" since {moment(ended.at)}: {ended.text.rstrip('.')}" if ended else ""
    fix = "If it is still needed, Firebreak asks anew; open the incident to see."
    return PlanChanged(f"this question no longer stands{why}", fix)


def _answered(here: Doors, approval: Approval) -> AlreadyDecided:
    """`approved by Ana and Ben at …`, `denied by Ben at …: why`."""
    deciding = "deny" if approval.state == "denied" else "approve"
    votes = [vote for vote in approval.votes if vote.decision == deciding]
    if not votes:
        return AlreadyDecided(f"this question is {approval.state}")
    people = names_of(here.policy, (vote.person for vote in votes), "and")
    told = f"{approval.state} by {people} at {moment(votes[-1].at)}"
    why = f": {votes[-1].reason}" if deciding == "deny" and votes[-1].reason else ""
    return AlreadyDecided(told + why)
