"""What pages, lists and the HTTP API show; the fixed field names of the API live here."""

from datetime import datetime
from typing import Any

from pydantic import Field

from contracts.approval import Approval, ApprovalState, Stage, Vote
from contracts.case import OutcomeStatus
from contracts.journal import IncidentStatus
from contracts.model import Contract
from contracts.plan import Verdict
from contracts.target import Target


class TimelineItem(Contract):
    """One line of an incident's timeline, in the order in which it was recorded."""

    seq: int
    at: datetime
    actor: str
    type: str
    text: str
    data: dict[str, Any] = Field(default_factory=dict)


class AlertView(Contract):
    """One alert of an incident."""

    source: str
    fingerprint: str
    name: str
    status: str
    summary: str
    starts_at: datetime
    ends_at: datetime | None = None
    labels: dict[str, str] = Field(default_factory=dict)


class IncidentView(Contract):
    """One incident; `revision` grows with each change, `runbooks` lists workflow types run."""

    id: str
    workflow: str
    status: IncidentStatus
    outcome: OutcomeStatus | None = None
    summary: str = ""
    target: Target | None = None
    service: str = ""
    team: str = ""
    alerts: tuple[AlertView, ...] = ()
    runbooks: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    opened_at: datetime
    closed_at: datetime | None = None
    revision: int = 0


class IncidentDetail(IncidentView):
    """One incident with its timeline."""

    timeline: tuple[TimelineItem, ...] = ()


class IncidentPage(Contract):
    """Newest first; `next` is the cursor of the following page, or None."""

    items: tuple[IncidentView, ...]
    next: str | None = None


class PlanView(Contract):
    """What a person must see before a decision. The API calls before and after `from` and `to`;
    `action` is the activity that would write, such as `kubernetes.scale`.
    """

    action: str = ""
    summary: str
    kubectl: str
    from_: str = Field(serialization_alias="from")
    to: str
    digest: str
    findings: tuple[str, ...] = ()
    blast: dict[str, int] = Field(default_factory=dict)


class ApprovalView(Contract):
    """One approval, as the API gives it."""

    id: str
    incident: str
    runbook: str
    target: Target
    plan: PlanView
    verdict: Verdict
    state: ApprovalState
    needed: int
    approvers: tuple[str, ...]
    requester: str = ""
    stage: Stage = "asked"
    votes: tuple[Vote, ...]
    opened_at: datetime
    expires_at: datetime


def view_of(approval: Approval) -> ApprovalView:
    """The public face of an approval."""
    plan = approval.plan
    shown = PlanView(
        action=plan.action,
        summary=plan.summary,
        kubectl=plan.kubectl,
        from_=plan.before,
        to=plan.after,
        digest=plan.digest,
        findings=plan.findings,
        blast=plan.blast.model_dump(exclude_none=True),
    )
    return ApprovalView(plan=shown, **approval.model_dump(exclude={"plan", "workflow"}))
