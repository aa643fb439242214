"""What a runbook may ask for, and what it is told.

A step is a frozen value that names an activity; it never does anything itself. The workflow side
sends it, `activities/` implements it, and `worker.py` refuses to start when the two lists differ.
"""

from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import Field, SerializeAsAny

from contracts.model import Contract
from contracts.target import Target

EXCERPT_BYTES_MAX = 2048
BODY_BYTES_MAX = 65_536


class Step(Contract):
    """The root of looks, actions and checks, each about one target."""

    activity: ClassVar[str]
    target: Target

    @property
    def label(self) -> str:
        """A few words for timelines and for Temporal's own UI."""
        return f"{self.activity.rpartition('.')[2].replace('_', ' ')} of {self.target}"


class Look(Step):
    """A read. The activity `<activity>` takes a `StepCall` and returns an `Evidence`."""


class Action(Step):
    """A write. `<activity>.plan` takes a `StepCall` and returns a `Plan`; `<activity>.ensure`
    takes an `EnsureCall` and returns a `Receipt`, within `takes_seconds` over all its attempts.
    """

    takes_seconds: ClassVar[int] = 600


class Check(Step):
    """A verification. The activity `<activity>` takes a `CheckCall`, waits, and returns a
    `CheckResult`.
    """


S = TypeVar("S", bound=Step)


class StepCall(Contract, Generic[S]):
    """The argument of a look or a plan. `key` is `<incident>/<attempt>/<step>`, the idempotency
    key; `at` is the workflow's time, the only clock a step may use for what it writes.
    """

    key: str
    incident: str
    at: datetime
    step: SerializeAsAny[S]


class Evidence(Contract):
    """What a look found. History keeps this; the redacted body (≤ 64 KiB) lies in the journal
    under `digest`. `facts` are small values a runbook may decide on.
    """

    key: str
    kind: str
    target: Target
    title: str
    excerpt: str = ""
    digest: str = ""
    size_bytes: int = 0
    facts: dict[str, Any] = Field(default_factory=dict)


class Changed(Contract):
    """One field of one object that a write set: JSON values, None for an absent one. `path` is a
    JSON Pointer (RFC 6901); `uid` pins the object, which need not be the target itself.
    """

    kind: str
    name: str
    uid: str
    path: str
    before: Any = None
    after: Any = None


class Receipt(Contract):
    """What an executed action did, from the API's own answer.

    `generation` and `written_at` (the API server's clock) let a check tell the rollout it caused
    from an older one, and `template`, the digest of the pod template after the write, one that was
    scaled meanwhile from one that was replaced. Generation 0 and an empty template compare with
    nothing: the write was to another object. `changed` are the fields that the write set, for
    `Restore` to take back.
    """

    key: str
    action: str
    target: Target
    did: Literal["written", "already_done"]
    summary: str
    written_at: datetime
    generation: int = 0
    resource_version: str = ""
    template: str = ""
    changed: tuple[Changed, ...] = ()


class CheckCall(Contract, Generic[S]):
    """The argument of a check: wait until it holds, `within_seconds` at most."""

    key: str
    incident: str
    at: datetime
    within_seconds: int = Field(gt=0)
    step: SerializeAsAny[S]
    after: Receipt | None = None


class CheckResult(Contract):
    """Whether the check held in time, and what was seen last."""

    ok: bool
    detail: str
    waited_seconds: int = 0
