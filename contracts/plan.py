"""A plan is an action bound to what it found; a verdict is what the guardrails say of it."""

from datetime import datetime
from typing import Literal

from pydantic import Field, computed_field

from contracts.model import Contract, digest_of
from contracts.target import Target

Ruling = Literal["allow", "ask", "deny"]


class BlastRadius(Contract):
    """How much of the workload the action touches: pods replaced, of `ready` now and `desired`."""

    pods: int = 0
    ready: int = 0
    desired: int = 0


class Plan(Contract):
    """One action, frozen with the identity and the state it was planned on.

    `digest` covers what will be done to which object in which state; two plans with equal digests
    do the same. Findings and the blast radius are for people and are not part of it: they change
    while pods crash.
    """

    action: str
    target: Target
    uid: str
    generation: int
    before: str
    after: str
    summary: str
    kubectl: str
    at: datetime
    pins: dict[str, str] = Field(default_factory=dict)
    blast: BlastRadius = BlastRadius()
    findings: tuple[str, ...] = ()
    opted_out: bool = False
    noop: bool = False

    @computed_field  # type: ignore[prop-decorator]  # mypy cannot see through pydantic's decorator
    @property
    def digest(self) -> str:
        """SHA-256 over action, target, uid, generation, before, after and pins."""
        bound = {"action", "target", "uid", "generation", "before", "after", "pins"}
        return digest_of(self.model_dump(mode="json", include=bound))

    @property
    def lock_keys(self) -> tuple[str, ...]:
        """What must not be written by anybody else meanwhile."""
        return (self.target.key,)


class Reason(Contract):
    """What one guardrail said, with its figures, and what a person may do about it."""

    rule: str
    ruling: Ruling
    text: str
    fix: str = ""


class Verdict(Contract):
    """Deny beats Ask beats Allow. For Ask: how many of which people (ids) must agree."""

    ruling: Ruling
    reasons: tuple[Reason, ...] = ()
    needed: int = 1
    approvers: tuple[str, ...] = ()

    @property
    def denials(self) -> tuple[Reason, ...]:
        """The reasons that forbid."""
        return tuple(reason for reason in self.reasons if reason.ruling == "deny")
