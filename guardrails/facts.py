"""What the rules may know, gathered before they are asked, so that they stay pure.

Never put a rule here: this module selects and names facts, it does not judge them.
"""

from dataclasses import dataclass, field
from datetime import datetime

from contracts.calls import JudgeCall, ReservationState
from contracts.groups import Members, people_of
from contracts.policy import Autonomy, Freeze, Limits, Policy
from contracts.step import Receipt


@dataclass(frozen=True)
class Attempt:
    """One earlier reservation of the target: when it was settled, or reserved if it was not."""

    key: str
    state: ReservationState
    at: datetime


@dataclass(frozen=True)
class Switch:
    """A kill switch that is on and concerns this plan."""

    scope: str
    person: str
    reason: str


@dataclass(frozen=True)
class Write:
    """One reservation of any target that was not released, with what limits count it by. `open`
    while its lock is held; `pool` is a pool of nodes, and empty where the target is no node.
    """

    key: str
    incident: str
    runbook: str
    lock_keys: tuple[str, ...]
    state: ReservationState
    at: datetime
    open: bool = False
    service: str = ""
    pool: str = ""
    restores: str = ""
    action: str = ""

    @property
    def cluster(self) -> str:
        """The cluster that it wrote to."""
        return self.lock_keys[0].partition("/")[0]

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces that it wrote to; empty for a node without pods."""
        return frozenset(filter(None, map(namespace_of, self.lock_keys)))


@dataclass(frozen=True)
class Verified:
    """One verification after a write of this runbook to this target. `approved`: a person had
    agreed to a write of that run.
    """

    run: str
    at: datetime
    ok: bool
    approved: bool


@dataclass(frozen=True)
class Storm:
    """So many targets of the cluster alerted since then that Firebreak only observes, `until`."""

    cluster: str
    targets: int
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Facts:
    """Everything a verdict depends on besides the plan itself. `approvers` are ids of people and
    names of groups, `members` who is in those that could be read, and `unread` are the others, each
    with the reason. `writes` are recent ones of all clusters; `undoes` is the reservation under
    `plan.restores`, and `receipt` what it was settled with. `services` are those whose targets the
    plan locks, each with the lock key.
    """

    now: datetime
    limits: Limits
    autonomy: Autonomy
    approvers: tuple[str, ...] = ()
    members: Members = field(default_factory=dict)
    unread: tuple[tuple[str, str], ...] = ()
    freezes: tuple[Freeze, ...] = ()
    upstream: str = ""
    services: tuple[tuple[str, str], ...] = ()
    switches: tuple[Switch, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    writes: tuple[Write, ...] = ()
    verified: tuple[Verified, ...] = ()
    storm: Storm | None = None
    undoes: Write | None = None
    receipt: Receipt | None = None

    @property
    def people(self) -> tuple[str, ...]:
        """The ids that the approvers stand for now, each once."""
        return people_of(self.approvers, self.members)


@dataclass(frozen=True)
class Known:
    """What the books say of a call, and the groups of who may approve it, to be joined with the
    policy.
    """

    members: Members = field(default_factory=dict)
    unread: tuple[tuple[str, str], ...] = ()

    switches: tuple[Switch, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    writes: tuple[Write, ...] = ()
    verified: tuple[Verified, ...] = ()
    storm: Storm | None = None
    undoes: Write | None = None
    receipt: Receipt | None = None


def facts_of(policy: Policy, call: JudgeCall, now: datetime, known: Known | None = None) -> Facts:
    """Join the policy with what the books say. Approvers who left `people` do not count, nor does
    a group that could not be read. Every service that the plan locks has a say, such as those with
    pods on a node that is drained; a target that belongs to none leaves them to say who may
    approve.
    """
    locked = policy.services_at(call.plan.lock_keys)
    named = (call.service, *(s.name for s in locked))
    known = known or Known()
    approvers = policy.approvers_of(*_saying(policy, call), members=known.members)
    service = next((s for s in policy.services if s.name == call.service), None)
    return Facts(
        now=now,
        limits=policy.limits,
        autonomy=policy.autonomy_of(call.runbook, *named),
        approvers=tuple(
            dict.fromkeys(a for a in approvers if policy.person(a) or a in known.members)
        ),
        freezes=policy.freezes,
        upstream=service.upstream if service else "",
        services=tuple((s.name, s.target.key) for s in locked if s.target is not None),
        **vars(known),
    )


def groups_asked(policy: Policy, call: JudgeCall) -> tuple[str, ...]:
    """The groups whose members have a say in who may approve the call."""
    return policy.approver_groups(*_saying(policy, call))


def _saying(policy: Policy, call: JudgeCall) -> list[str]:
    """The services that say who may approve, at least one name."""
    named = (call.service, *(s.name for s in policy.services_at(call.plan.lock_keys)))
    # Who belongs to no service must not narrow down what services say.
    services = {s.name for s in policy.services}
    return [name for name in named if name in services] or [call.service]


def namespace_of(lock_key: str) -> str:
    """The namespace of `<cluster>/<namespace>/<kind>/<name>`; empty for a node."""
    return lock_key.split("/")[1]
