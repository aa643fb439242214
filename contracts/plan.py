"""A plan is an action bound to what it found; a verdict is what the guardrails say of it."""

from datetime import datetime
from typing import Literal

from pydantic import Field, computed_field

from contracts.model import Contract, digest_of
from contracts.target import Target

Ruling = Literal["allow", "ask", "deny"]
# The pin of a plan that sets single fields: a JSON list of `Changed`.
CHANGES = "changes"


class BlastRadius(Contract):
    """How much of the workload the action touches: pods replaced, of `ready` now and `desired`.
    `lost` of the ready ones go away at once; None where nobody knows, and then all `pods` count.
    """

    pods: int = 0
    ready: int = 0
    desired: int = 0
    lost: int | None = None


class Budget(Contract):
    """A PodDisruptionBudget over the workload's pods: how many may be disrupted now."""

    name: str
    allowed: int
    healthy: int = 0
    desired: int = 0


Manager = Literal["", "argocd", "flux", "helm", "operator"]


class Surroundings(Contract):
    """What else has a say in the target, as the guardrails judge it.

    `autoscaler` is `HorizontalPodAutoscaler/NAME` or `ScaledObject/NAME`; `manager` names what
    `managed_by` found. `outage`: why nothing would serve meanwhile, such as strategy Recreate.
    `short_of`: what a quota or the nodes lack for it. `unhealthy_nodes` of `nodes` are counted for
    a Node only, and only there `control_plane` says whether it is one: None means that nobody
    looked, and the guardrails refuse. `dry_run` is what the API server answered to the same write
    with `dryRun=All`: "accepted", or the empty string where it was not asked.
    """

    managed_by: Manager = ""
    manager: str = ""
    autoscaler: str = ""
    budgets: tuple[Budget, ...] = ()
    paused: bool = False
    outage: str = ""
    short_of: str = ""
    nodes: int = 0
    unhealthy_nodes: int = 0
    pool: str = ""
    control_plane: bool | None = None
    dry_run: Literal["", "accepted"] = ""


class Plan(Contract):
    """One action, frozen with the identity and the state it was planned on.

    `digest` covers what will be done to which object in which state; two plans with equal digests
    do the same. Findings, the blast radius and the surroundings are not part of it: they change
    while pods crash. `also_locks` are the lock keys besides the target's (a drain's workloads);
    `restores` is the key of the receipt that it takes back.
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
    opted_in: bool = False
    noop: bool = False
    around: Surroundings = Surroundings()
    also_locks: tuple[str, ...] = ()
    restores: str = ""

    @computed_field  # type: ignore[prop-decorator]  # mypy cannot see through pydantic's decorator
    @property
    def digest(self) -> str:
        """SHA-256 over action, target, uid, generation, before, after and pins."""
        bound = {"action", "target", "uid", "generation", "before", "after", "pins"}
        return digest_of(self.model_dump(mode="json", include=bound))

    @property
    def lock_keys(self) -> tuple[str, ...]:
        """What must not be written by anybody else meanwhile."""
        return tuple(dict.fromkeys((self.target.key, *self.also_locks)))

    @property
    def pool_key(self) -> str:
        """Which nodes must not be written at once: a pool, or all nodes of a cluster that has no
        pools; empty where the target is no node.
        """
        return f"{self.target.cluster}/{self.around.pool}" if self.target.kind == "Node" else ""


class Reason(Contract):
    """What one guardrail said, with its figures, and what a person may do about it."""

    rule: str
    ruling: Ruling
    text: str
    fix: str = ""


class Verdict(Contract):
    """Deny beats Ask beats Allow. For Ask: how many of whom must agree. `approvers` are ids of
    people and names of groups; `people` are the ids that these stood for when it was judged.
    """

    ruling: Ruling
    reasons: tuple[Reason, ...] = ()
    needed: int = 1
    approvers: tuple[str, ...] = ()
    people: tuple[str, ...] = ()

    @property
    def denials(self) -> tuple[Reason, ...]:
        """The reasons that forbid."""
        return tuple(reason for reason in self.reasons if reason.ruling == "deny")
