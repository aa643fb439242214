"""What the books answer with, where the shared contracts have no word for it."""

from datetime import datetime

from pydantic import Field

from contracts.calls import ReservationState
from contracts.journal import IncidentStatus
from contracts.model import Contract

INCIDENTS_MAX = 200


class IncidentQuery(Contract):
    """Which incidents; None means any. `since` is inclusive and compares the opening;
    `cursor` is the `next` of the page before.
    """

    status: IncidentStatus | None = None
    team: str | None = None
    fingerprint: str | None = None
    since: datetime | None = None
    limit: int = Field(default=50, ge=1, le=INCIDENTS_MAX)
    cursor: str | None = None


class EvidenceView(Contract):
    """One piece of evidence without its body; `size_bytes` is the body's, in UTF-8."""

    key: str
    incident: str
    kind: str
    title: str
    digest: str
    size_bytes: int
    at: datetime


class Quarantined(Contract):
    """What could never be accepted; `index` is its place in the message."""

    source: str
    index: int
    reason: str
    digest: str
    excerpt: str
    at: datetime


class Pause(Contract):
    """A kill switch that is on."""

    scope: str
    reason: str
    person: str
    at: datetime


class Attempt(Contract):
    """One reservation that wrote, may have written, or may be writing now. `approval` is empty
    where policy alone allowed it, `restores` where it takes no other write back.
    """

    key: str
    incident: str
    runbook: str
    action: str
    state: ReservationState
    reserved_at: datetime
    settled_at: datetime | None = None
    expires_at: datetime | None = None
    lock_keys: tuple[str, ...] = ()
    service: str = ""
    pool: str = ""
    approval: str = ""
    restores: str = ""


class Verification(Contract):
    """A verification after a write; `run` is `<incident>/<attempt>`, `approved` whether a person
    had agreed to a write of that run.
    """

    run: str
    at: datetime
    ok: bool
    approved: bool


class StormView(Contract):
    """A time in which too many targets of a cluster alerted. While `ended_at` is None nothing is
    written there; `until` is when it ends if no more begin; `incident` is the one that saw it.
    """

    cluster: str
    began_at: datetime
    incident: str
    targets: int
    until: datetime
    ended_at: datetime | None = None


class AlertsHeard(Contract):
    """An incident's alerts: the names of all, of those that fire, and when the journal heard of
    one of them last.
    """

    alerts: tuple[str, ...] = ()
    firing: tuple[str, ...] = ()
    last_at: datetime


class MessageState(Contract):
    """What one channel has: the delivered revision, the channel's own id of the message, and the
    digest of what it shows. `posting_at`: a first post began then, and nobody knows its end.
    """

    incident: str
    channel: str
    revision: int
    external_id: str | None = None
    digest: str = ""
    posting_at: datetime | None = None
    delivered_at: datetime | None = None
    lease_until: datetime | None = None
