"""One person's answer, from whichever door, brought to the workflow that alone may count it.

Nothing here paints anything. Without an answer a door says "not recorded", and sending the same
decision again is harmless.
"""

import logging
from typing import Literal

from starlette.concurrency import run_in_threadpool

from contracts.approval import Approval, Decision
from contracts.errors import (
    AlreadyDecided,
    Expired,
    FirebreakError,
    NotFound,
    PlanChanged,
    ReasonMissing,
    Stop,
)
from contracts.groups import is_group
from gateway.doors import Doors
from gateway.requests import ask
from gateway.temporal import Update

logger = logging.getLogger(__name__)

Via = Literal["http", "slack"]


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
    known = decision.model_copy(update={"groups": await _groups(here, approval, decision.person)})
    try:
        update = Update("decide", known, known.update_id)
        return await ask(here, approval.workflow, update, Approval)
    except NotFound as err:
        # The run has ended; the journal, read again, knows how.
        raise closed(here, await approval_of(here, approval.id)) from err


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


def closed(here: Doors, approval: Approval) -> Stop:
    """The refusal of an answer that comes too late, from how the question ended."""
    late = approval.state == "open" and here.clock() >= approval.expires_at
    if approval.state == "expired" or late:
        return Expired(f"the time to answer ended at {approval.expires_at:%H:%M:%S} UTC")
    if approval.state == "void":
        return PlanChanged("the question no longer stands")
    how = "no longer open" if approval.state == "open" else approval.state
    return AlreadyDecided(f"this approval is {how}")
