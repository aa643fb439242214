"""What workflows tell the journal. One `record` activity writes it, idempotently by key.

Temporal is the truth for what runs; the journal is what pages, lists and reports read, for years.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from contracts.alert import Alert
from contracts.approval import Approval
from contracts.case import OutcomeStatus
from contracts.model import Contract
from contracts.target import Target
from contracts.toil import Observation

IncidentStatus = Literal[
    "open", "waiting", "acting", "verifying", "escalated", "taken_over", "closed"
]


class Event(Contract):
    """One line of the timeline. `key` is unique for ever; a second record of it is nothing.
    Types: opened, alert, matched, evidence, plan, verdict, asked, reminded, paged, decided,
    expired, void, written, settled, verified, outcome, escalated, taken_over, handed_back, closed,
    reopened, storm, chronic, note.
    """

    key: str
    at: datetime
    actor: str
    type: str
    text: str
    data: dict[str, Any] = Field(default_factory=dict)


class IncidentChange(Contract):
    """What changes in the incident's row; None leaves a field as it is. `reopen` clears
    `closed_at` and the outcome.
    """

    workflow: str | None = None
    status: IncidentStatus | None = None
    outcome: OutcomeStatus | None = None
    summary: str | None = None
    target: Target | None = None
    service: str | None = None
    team: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    runbook: str | None = None
    reopen: bool = False


class Record(Contract):
    """The argument of the `record` activity: everything in it lands in one transaction."""

    incident: str
    change: IncidentChange | None = None
    alerts: tuple[Alert, ...] = ()
    events: tuple[Event, ...] = ()
    approval: Approval | None = None
    observations: tuple[Observation, ...] = ()


class Recorded(Contract):
    """`revision` grows with every record that changed something; messages carry it."""

    revision: int
