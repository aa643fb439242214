"""What the rules may know, gathered before they are asked, so that they stay pure.

Never put a rule here: this module selects and names facts, it does not judge them.
"""

from dataclasses import dataclass
from datetime import datetime

from contracts.calls import JudgeCall, ReservationState
from contracts.policy import Autonomy, Freeze, Limits, Policy


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
class Facts:
    """Everything a verdict depends on besides the plan itself. `approvers` are ids of people."""

    now: datetime
    limits: Limits
    autonomy: Autonomy
    approvers: tuple[str, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    switches: tuple[Switch, ...] = ()
    attempts: tuple[Attempt, ...] = ()


def facts_of(
    policy: Policy,
    call: JudgeCall,
    now: datetime,
    attempts: tuple[Attempt, ...] = (),
    switches: tuple[Switch, ...] = (),
) -> Facts:
    """Join the policy with what the books say. Approvers who left `people` do not count."""
    approvers = policy.approvers_of(call.service)
    return Facts(
        now=now,
        limits=policy.limits,
        autonomy=policy.autonomy_of(call.runbook, call.service),
        approvers=tuple(dict.fromkeys(p for p in approvers if policy.person(p))),
        freezes=policy.freezes,
        switches=switches,
        attempts=attempts,
    )
