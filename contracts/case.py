"""What a runbook is given, and how it ended."""

from typing import Any, Literal

from pydantic import Field

from contracts.alert import Alert
from contracts.approval import Pages
from contracts.model import Contract
from contracts.target import Target

OutcomeStatus = Literal["resolved", "escalated", "declined", "expired", "refused", "failed"]

NOBODY = "firebreak"


class Case(Contract):
    """One attempt of one runbook at one incident. `actor` is the person who asked for it, or
    `firebreak` when an alert did. A `dry_run` plans and says what it would do. No question waits
    longer than `approval_seconds`; after `remind_percent` of that time who was asked is reminded,
    after `page_percent` those of `pages` are called (0 is never; None where nobody knows whom).
    """

    incident: str
    attempt: int = Field(ge=1)
    runbook: str
    target: Target
    alerts: tuple[Alert, ...] = ()
    actor: str = NOBODY
    params: dict[str, Any] = Field(default_factory=dict)
    dry_run: bool = False
    service: str = ""
    team: str = ""
    messenger: bool = False
    approval_seconds: int = Field(default=900, ge=1)
    remind_percent: int = Field(default=0, ge=0, lt=100)
    page_percent: int = Field(default=0, ge=0, lt=100)
    pages: Pages | None = None

    @property
    def key(self) -> str:
        """`<incident>/<attempt>`: the root of every idempotency key of this run."""
        return f"{self.incident}/{self.attempt}"


class Outcome(Contract):
    """How a runbook ended, in a word and a sentence."""

    status: OutcomeStatus
    summary: str
    receipts: int = 0
