"""The activities that are not steps: their names, queues, arguments and answers.

The deterministic side calls them by these names; `activities/` implements them; neither imports
the other.
"""

from datetime import datetime
from typing import Any, Generic, Literal

from pydantic import Field, SerializeAsAny

from contracts.alert import Alert
from contracts.approval import Approval, Pages
from contracts.model import Contract
from contracts.plan import Plan
from contracts.policy import IncidentRules
from contracts.step import Receipt, S
from contracts.target import Target

QUEUE = "firebreak"
NOTIFY_QUEUE = "firebreak.notify"

RECORD = "journal.record"
MATCH = "catalogue.match"
JUDGE = "guard.judge"
RESERVE = "guard.reserve"
SETTLE = "guard.settle"
WEATHER = "guard.weather"
REFRESH_GROUPS = "directory.refresh"
LOCATE = "intake.locate"
OWNER = "kubernetes.owner"
ROUTE = "intake.route"
DELIVER = "messages.deliver"
FORGET = "journal.forget"


def cluster_queue(cluster: str) -> str:
    """The task queue of what touches one cluster."""
    return f"{QUEUE}.{cluster}"


def pause_scopes(runbook: str, target: Target) -> tuple[str, ...]:
    """The kill switches that stop this runbook on this target."""
    return (
        "all",
        f"cluster:{target.cluster}",
        f"namespace:{target.namespace}",
        f"runbook:{runbook}",
    )


class MatchCall(Contract):
    """Ask which runbook applies. `runbook` names one that a person asked for."""

    incident: str
    target: Target | None = None
    alerts: tuple[Alert, ...] = ()
    runbook: str | None = None


class Match(Contract):
    """The answer, recorded in history: `runbook` is a workflow type, or None with the reason.
    `rules` are the incident's times; `messenger` says that somebody listens; `pages` are whom a
    question calls that stays unanswered, None where that is not known.
    """

    runbook: str | None = None
    reason: str
    service: str = ""
    team: str = ""
    rules: IncidentRules = IncidentRules()
    messenger: bool = False
    pages: Pages | None = None


class JudgeCall(Contract):
    """Ask the guardrails about a plan."""

    key: str
    incident: str
    runbook: str
    service: str = ""
    actor: str
    dry_run: bool = False
    plan: Plan


class ReserveCall(Contract):
    """Ask for the write lock of a plan, judged once more. `approval` is the granted one, if one
    was asked for; its voters must still be allowed to.
    """

    judge: JudgeCall
    approval: Approval | None = None
    expires_seconds: int = Field(gt=0)


ReservationState = Literal["open", "done", "released", "unknown"]


class Reservation(Contract):
    """The lock, held under `key` until it is settled or `expires_at` has passed. A repeated call
    gets the same one, with what became of it.
    """

    key: str
    lock_keys: tuple[str, ...]
    state: ReservationState
    expires_at: datetime
    receipt: Receipt | None = None


class EnsureCall(Contract, Generic[S]):
    """The argument of `<action>.ensure`: bring about exactly what the plan says, or refuse. No
    write is sent when the lock is about to end at `expires_at`.
    """

    key: str
    incident: str
    runbook: str
    step: SerializeAsAny[S]
    plan: Plan
    expires_at: datetime | None = None


class SettleCall(Contract):
    """Close a reservation. `done` posts the automatic entry in the same transaction."""

    key: str
    incident: str
    runbook: str
    state: Literal["done", "released", "unknown"]
    at: datetime
    target: Target
    action: str
    reason: str = ""
    service: str = ""
    team: str = ""
    receipt: Receipt | None = None


class WeatherCall(Contract):
    """Ask which storms are over that nobody has asked about since."""


class Cleared(Contract):
    """The clusters whose storm has now been said to be over."""

    clusters: tuple[str, ...] = ()


class RefreshCall(Contract):
    """Ask who is in every group of the policy now."""


class Refreshed(Contract):
    """The groups that were read, and those that could not be, which count as nobody's when what
    was known of them is too old.
    """

    read: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class LocateCall(Contract):
    """Ask the journal which open incident already holds this alert."""

    identity: str


class Located(Contract):
    """The workflow id of that incident, or None."""

    workflow: str | None = None


class OwnerCall(Contract):
    """Follow an object to the workload that controls it."""

    cluster: str
    namespace: str
    kind: str
    name: str
    uid: str = ""


class Owner(Contract):
    """The workload, or None with the reason; never a guess."""

    target: Target | None = None
    chain: tuple[str, ...] = ()
    reason: str = ""


class RouteCall(Contract):
    """Hand an alert to the incident `workflow`; started when absent, unless it resolves."""

    workflow: str
    alert: Alert


class Routed(Contract):
    """Whether an incident took it; False for a resolve that nobody was waiting for."""

    taken: bool


class DeliverCall(Contract):
    """Send the newest revision of an incident to the channels that listen."""

    incident: str


class Delivered(Contract):
    """What the channels have now, and whether the incident is closed."""

    revision: int
    final: bool


class ForgetCall(Contract):
    """Delete the evidence that was kept before this moment."""

    before: datetime


class Forgotten(Contract):
    """How many pieces of evidence were deleted."""

    evidence: int


class IncidentStart(Contract):
    """The argument of the Incident workflow. `carried` is its own state when it continues as
    new.
    """

    target: Target | None = None
    identity: str = ""
    carried: dict[str, Any] | None = None


class TriageStart(Contract):
    """The argument of the Triage workflow: one per alert whose workload is not known yet."""

    source: str
    fingerprint: str


class MessengerStart(Contract):
    """The argument of the Messenger workflow; `wanted` is the revision to bring."""

    incident: str
    wanted: int = 0


class RunRequest(Contract):
    """The argument of the `run` update: a person starts a runbook. `request` is the caller's
    idempotency key. `again` repeats a run of Firebreak's own whose question expired: it stays
    Firebreak's, so that whoever asks for it may approve it.
    """

    request: str
    runbook: str
    person: str
    params: dict[str, Any] = Field(default_factory=dict)
    dry_run: bool = False
    again: bool = False


class PersonRequest(Contract):
    """The argument of `take_over`, `hand_back` and `close`. `incident` is the public id that the
    person looked at: a later incident of the same target refuses it.
    """

    person: str
    reason: str = ""
    incident: str = ""


class PageRequest(PersonRequest):
    """The argument of `page`: call `whom` to it, ids of people or names of groups. `members` are
    the people for whom each of the groups stood when it was called; a group is absent whose members
    nobody knew.
    """

    whom: tuple[str, ...]
    members: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class IncidentRef(Contract):
    """The answer of the Incident's updates: its public id and its status."""

    incident: str
    status: str
