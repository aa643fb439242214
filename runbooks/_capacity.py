"""More pods for a while: half as many again, and taken back when the alerts have stayed away.

What was raised is lowered by a deadline in any case, because a floor that nobody remembers is paid
for until somebody wonders. Whoever needs it longer takes the incident over before that. Where no
alert fires, as when a person lends before the load comes, nothing can say when it is over: then it
is held for a time, and that is said.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from temporalio import workflow

from contracts import Case, Outcome, Receipt
from contracts.errors import Declined, FirebreakError
from contracts.kubernetes import ReplicasReady, Restore, Scale
from contracts.signals import AlertsResolved
from contracts.step import Check
from workflows import Runbook

Facts = Mapping[str, Any]

GROWTH = 1.5
CPU_NEAR_LIMIT = 0.85
REPLICAS_MAX = 1000
SETTLE_SECONDS, SETTLE_SECONDS_MAX = 600, 7200
PATIENCE = timedelta(minutes=45)
NUMBER = re.compile("[0-9]{1,5}")
ONE_LOOK = timedelta(minutes=1)
HELD = timedelta(hours=4)
# It ends early enough for the alerts that came meanwhile to stay away before the deadline.
HOLD_SECONDS, HOLD_SECONDS_MAX = 3600, 10_800
RETURN_TRIES_MAX = 6
RETURN_PAUSE = timedelta(minutes=10)


def full_of(around: Facts, used: Facts) -> tuple[int, bool]:
    """How many pods are at their end, and whether an autoscaler counts them; (0, False) when there
    is room. `around` and `used`: the facts of Surroundings and of Metrics.
    """
    autoscaler = around.get("autoscaler") or {}
    if autoscaler.get("at_max"):
        return autoscaler["max"], True
    busy = (used.get("cpu_of_limit") or 0) >= CPU_NEAR_LIMIT
    return (around.get("replicas") or 0, bool(autoscaler)) if busy else (0, False)


class Back(NamedTuple):
    """Whether what was raised is as it was, and a few words on it."""

    done: bool
    text: str


async def add_pods(runbook: Runbook, now: int, *, raise_max: bool) -> Outcome:
    """Ask, have half as many pods again as `now`, and give them back."""
    target = runbook.case.target
    wanted = grown(now)
    scale = Scale(target=target, replicas=wanted, raise_max=raise_max)
    await runbook.approve(scale, within=timedelta(minutes=15))
    receipt = await runbook.act(scale)
    until = workflow.now() + HELD

    # An autoscaler adds as many as it needs, by itself.
    ready = ReplicasReady(target=target, at_least=None if raise_max else wanted)
    came = await _holds(runbook, ready, timedelta(minutes=10))
    calm = "the alerts stayed away"
    if workflow.patched("loans-without-alerts-are-held"):
        calm = await _held(runbook, receipt, came=came) or calm
    away = AlertsResolved(target=target, steady_seconds=settle_seconds(runbook.case))
    settled = await _holds(runbook, away, PATIENCE) if came else False
    if not settled:
        what = "still alerts" if came else "did not get all of these pods"
        held = f"what was raised stays so until {until:%H:%M} UTC; take over to keep it longer"
        await runbook.warn(f"{receipt.summary}, and {target} {what}; {held}")
        left = max(until - workflow.now(), timedelta(seconds=1))
        await workflow.sleep(left, summary="until the pods are given back")
        settled = await _holds(runbook, AlertsResolved(target=target, steady_seconds=0), ONE_LOOK)
    back = await give_back(runbook, receipt)
    helped = calm if settled else f"{target} alerts all the same"
    return Outcome(
        status="resolved" if settled and back.done else "escalated",
        summary=f"{receipt.summary}; {helped}; {back.text}",
    )


async def _held(runbook: Runbook, receipt: Receipt, *, came: bool) -> str:
    """Where no alert fires, keep what was lent for a time, and say until when; then say what was
    done in a few words. Nothing where alerts say when it is over, or where no pods came.
    """
    if runbook.case.alerts or not came:
        return ""
    seconds = hold_seconds(runbook.case)
    until = workflow.now() + timedelta(seconds=seconds)
    await runbook.warn(
        f"{receipt.summary}; no alert fires that could say when it is over, so it is held for "
        f"{_minutes(seconds)}, until {until:%H:%M} UTC, and then given back; take over to keep it "
        "longer"
    )
    await workflow.sleep(timedelta(seconds=seconds), summary="no alert fires: held for a time")
    return f"no alert fired, so it was held for {_minutes(seconds)}"


async def _holds(runbook: Runbook, check: Check, within: timedelta) -> bool:
    """What cannot be seen does not hold; whatever happens, what was raised is given back."""
    try:
        return await runbook.verify(check, within=within)
    except FirebreakError as err:
        await runbook.warn(f"{check.label} cannot be seen: {err.message}")
        return False


def grown(now: int) -> int:
    """Half as many again, rounded up; never fewer than `now`, nor more than a thousand."""
    return max(now, min(math.ceil(max(now, 1) * GROWTH), REPLICAS_MAX))


async def give_back(runbook: Runbook, receipt: Receipt) -> Back:
    """Take back what the receipt says was changed."""
    said = "it was not tried"
    for _ in range(RETURN_TRIES_MAX if receipt.changed else 0):
        try:
            back = await runbook.act(Restore(target=receipt.target, receipt=receipt))
        except Declined as err:
            return Back(False, f"what was raised stays so ({err.message}); lower it by hand")
        except FirebreakError as err:
            said = err.message
            await workflow.sleep(RETURN_PAUSE, summary="before it is tried again")
        else:
            return Back(True, back.summary)
    if not receipt.changed:
        return Back(True, "nothing was raised that would be lowered")
    return Back(False, f"NOT taken back ({said}); lower it by hand")


def settle_seconds(case: Case) -> int:
    """How long the alerts must stay away: the parameter `settle_seconds`, or what the author of an
    alert's rule wrote into its annotation `firebreak_settle_seconds`, or ten minutes.
    """
    told = [case.params.get("settle_seconds")]
    told += [alert.annotations.get("firebreak_settle_seconds") for alert in case.alerts]
    return _first_number(told, SETTLE_SECONDS, SETTLE_SECONDS_MAX)


def hold_seconds(case: Case) -> int:
    """How long what was lent is kept where no alert fires: the parameter `hold_seconds`, or an
    hour; three at most.
    """
    return _first_number([case.params.get("hold_seconds")], HOLD_SECONDS, HOLD_SECONDS_MAX)


def _first_number(told: Iterable[object], default: int, most: int) -> int:
    numbers = [int(text) for text in map(str, told) if NUMBER.fullmatch(text)]
    return min(next(iter(numbers), default), most)


def _minutes(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
