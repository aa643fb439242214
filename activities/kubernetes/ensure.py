"""The one way in which this package writes: bring about what a plan says, or refuse.

    read ─ another uid? ─ already so? ─ moved since the plan? ─ switched off? ─ write
      └──────────── 409, or no answer: read again, a bounded number of times ─────┘

A write carries the uid and the resourceVersion that were read, so that it lands on that state or
not at all. What was sent without an answer is looked for before anything is sent again; a retried
activity therefore finds its own work done. An error that says "nothing was written" must be true:
after a lost answer it is `OutcomeUnknown`.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from temporalio import activity
from temporalio.exceptions import CancelledError

from activities.kubernetes.client import Answer, Cluster
from activities.kubernetes.deployment import Deployment, cluster_of, read_deployment
from activities.kubernetes.failures import Conflict
from activities.kubernetes.raw import Object
from activities.kubernetes.waiting import Clock, Sleep
from contracts.calls import EnsureCall, pause_scopes
from contracts.errors import OutcomeUnknown, Paused, PlanChanged, Retry, Unavailable
from contracts.step import Receipt

logger = logging.getLogger(__name__)

ATTEMPTS_MAX = 5
BACKOFF_SECONDS = 0.2


class Pause(Protocol):
    """One kill switch that is on."""

    @property
    def scope(self) -> str: ...  # noqa: D102  # the field's name says it
    @property
    def reason(self) -> str: ...  # noqa: D102  # the field's name says it
    @property
    def person(self) -> str: ...  # noqa: D102  # the field's name says it


class Switches(Protocol):
    """The kill switches (`toil.pauses.Pauses`)."""

    def blocking(self, scopes: tuple[str, ...]) -> tuple[Pause, ...]:
        """Those of these scopes that are on."""


@dataclass(frozen=True)
class Change:
    """What an action writes. `moved` says why the plan no longer holds, or the empty string;
    `write` sends the patch, once.
    """

    is_done: Callable[[Deployment], bool]
    moved: Callable[[Deployment], str]
    write: Callable[[Deployment], Answer]


@dataclass
class _Try:
    """What is known during one call; `unsure` once a write was sent and no answer came."""

    call: EnsureCall[Any]
    change: Change
    cluster: Cluster
    unsure: bool = False


class Ensurer:
    """Runs changes. `clock` stands in only for an API server that sends no Date header."""

    def __init__(
        self, clusters: Mapping[str, Cluster], switches: Switches, clock: Clock, sleep: Sleep
    ) -> None:
        self._clusters = clusters
        self._switches = switches
        self._clock = clock
        self._sleep = sleep

    def cluster_of(self, call: EnsureCall[Any]) -> Cluster:
        """The cluster of the call's target; raises InvalidInput when it is not served."""
        return cluster_of(self._clusters, call.step.target.cluster)

    def bring_about(self, call: EnsureCall[Any], change: Change) -> Receipt:
        """A receipt once the change is there, whoever sent it.

        A cancellation waits until the outcome is known, and never hides a receipt. Raises
        PlanChanged, Paused, NotFound, Rejected; Unavailable, OutcomeUnknown; CancelledError.
        """
        receipt: Receipt | None = None
        try:
            with activity.shield_thread_cancel_exception():
                receipt = self._bring_about(_Try(call, change, self.cluster_of(call)))
        except CancelledError:
            if receipt is None:
                raise
        return receipt

    def _bring_about(self, attempt: _Try) -> Receipt:
        try:
            for count in range(ATTEMPTS_MAX):
                receipt = self._once(attempt)
                if receipt is not None:
                    return receipt
                self._sleep(BACKOFF_SECONDS * 2**count)
            return self._look_back(attempt)
        except Retry as err:
            if not attempt.unsure or isinstance(err, OutcomeUnknown):
                raise
            raise OutcomeUnknown(f"a write was sent and not answered; then {err.message}") from None

    def _once(self, attempt: _Try) -> Receipt | None:
        """Read, decide, write at most once; None means: read again."""
        current = self._read(attempt)
        if attempt.change.is_done(current):
            return self._found(attempt, current)
        _refuse_moved(attempt, current)
        self._refuse_switched_off(attempt)
        try:
            return self._written(attempt, attempt.change.write(current))
        except Conflict:
            return None
        except OutcomeUnknown:
            attempt.unsure = True
            return None

    def _look_back(self, attempt: _Try) -> Receipt:
        current = self._read(attempt)
        if attempt.change.is_done(current):
            return self._found(attempt, current)
        target = attempt.call.step.target
        raise Unavailable(f"{target}: no write landed in {ATTEMPTS_MAX} tries", _OTHERS_FIX)

    def _read(self, attempt: _Try) -> Deployment:
        plan = attempt.call.plan
        current = read_deployment(attempt.cluster, attempt.call.step.target)
        if current.uid != plan.uid:
            raise PlanChanged(f"{plan.target} was deleted and created again since the plan")
        return current

    def _refuse_switched_off(self, attempt: _Try) -> None:
        """Right before each write: the kill switch, and whether somebody cancelled."""
        if activity.is_cancelled():
            raise CancelledError("cancelled before the write")
        call = attempt.call
        blocking = self._switches.blocking(pause_scopes(call.runbook, call.step.target))
        if blocking:
            first = blocking[0]
            why = f"{first.scope} is paused by {first.person}: {first.reason}"
            raise Paused(f"{call.step.target} was not written to: {why}")

    def _written(self, attempt: _Try, answer: Answer) -> Receipt:
        return self._receipt(attempt, Deployment(*answer), sent=True)

    def _found(self, attempt: _Try, current: Deployment) -> Receipt:
        return self._receipt(attempt, current, sent=attempt.unsure)

    def _receipt(self, attempt: _Try, current: Deployment, *, sent: bool) -> Receipt:
        call, plan = attempt.call, attempt.call.plan
        logger.info(
            "ensured",
            extra={"key": call.key, "target": plan.target.key, "sent": sent, "action": plan.action},
        )
        return Receipt(
            key=call.key,
            action=plan.action,
            target=plan.target,
            did="written" if sent else "already_done",
            summary=plan.summary if sent else f"already so: {plan.after}",
            written_at=_whole_seconds(current.read_at or self._clock()),
            generation=current.generation,
            resource_version=current.resource_version,
        )


_OTHERS_FIX = "Something else writes to it all the time; find out who (`kubectl get -o yaml`)."


def _refuse_moved(attempt: _Try, current: Deployment) -> None:
    plan = attempt.call.plan
    why = attempt.change.moved(current)
    if not why and current.generation != plan.generation:
        why = f"its generation was {plan.generation} and is {current.generation}"
    if not why:
        return
    earlier = " (a write of ours was sent before, and never answered)" if attempt.unsure else ""
    raise PlanChanged(f"{plan.target} changed since the plan: {why}{earlier}")


def guarded(current: Deployment) -> Object:
    """The metadata that makes a merge patch land on this object in this state, or not at all."""
    return {"uid": current.uid, "resourceVersion": current.resource_version}


def _whole_seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)
