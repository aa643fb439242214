"""A question bound to a plan's digest, and the answers to it."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from contracts.model import Contract
from contracts.plan import Plan, Verdict
from contracts.target import Target

Answer = Literal["approve", "deny"]
ApprovalState = Literal["open", "approved", "denied", "expired", "void"]
Stage = Literal["asked", "reminded", "paged"]
REASON_CHARS_MAX = 500


class Decision(Contract):
    """One person's answer, as a door sends it. `digest` is the plan that the person saw. `groups`
    are those, among the approvers, that the door knows the person to be in at this moment; `via`
    is the door's name, such as `slack`.
    """

    approval: str
    person: str
    decision: Answer
    reason: str = Field(default="", max_length=REASON_CHARS_MAX)
    digest: str | None = None
    groups: tuple[str, ...] = ()
    via: str = ""

    @property
    def update_id(self) -> str:
        """Equal for a double click and a retried delivery, so that Temporal drops the second."""
        return f"{self.approval}:{self.person}:{self.decision}"


class Vote(Contract):
    """An accepted decision; `at` is the workflow's time, `via` the door through which it came."""

    person: str
    decision: Answer
    reason: str = ""
    at: datetime
    via: str = ""


class Pages(Contract):
    """Who is called when a question stays unanswered: `people` are ids and names of groups, who are
    told in person; `pagerduty` says that PagerDuty pages, too.
    """

    people: tuple[str, ...] = ()
    pagerduty: bool = False

    @property
    def anybody(self) -> bool:
        """Whether there is somebody to call."""
        return self.pagerduty or bool(self.people)


class Approval(Contract):
    """The state of one question. `workflow` takes the `decide` update; `approvers` are ids of
    people and names of groups (`contracts.groups`). `stage` says how loudly people were asked.
    """

    id: str
    incident: str
    workflow: str
    runbook: str
    target: Target
    plan: Plan
    verdict: Verdict
    needed: int = Field(ge=1)
    approvers: tuple[str, ...]
    requester: str = ""
    opened_at: datetime
    expires_at: datetime
    state: ApprovalState = "open"
    stage: Stage = "asked"
    votes: tuple[Vote, ...] = ()
