"""The one way in which this package writes: bring about what a plan says, or refuse.

    read ─ another uid? ─ already so? ─ moved since the plan? ─ may it still be? ─ write
      └──────────── 409, or no answer: read again, a bounded number of times ────────┘

A write carries the uid and the resourceVersion that were read, so that it lands on that state or
not at all. What was sent without an answer is looked for before anything is sent again; a retried
activity therefore finds its own work done. Right before each request the kill switches, the
storms and the lock are asked: a plan is judged once, and some go on for long. A `Stop` promises
that nothing was written: after a lost answer, or in a later attempt that does not find the planned
state, it becomes `OutcomeUnknown`.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from temporalio import activity
from temporalio.exceptions import CancelledError

from activities.kubernetes.client import Answer, Cluster
from activities.kubernetes.failures import BudgetSpent, Conflict
from activities.kubernetes.subject import Subject
from activities.kubernetes.waiting import Clock, Sleep
from activities.kubernetes.workload import cluster_of, digest_of_template
from contracts.calls import EnsureCall, pause_scopes
from contracts.errors import (
    Expired,
    OutcomeUnknown,
    Paused,
    PlanChanged,
    Refused,
    Retry,
    Stop,
    Unavailable,
)
from contracts.step import Changed, Receipt
from guardrails import Storm
from guardrails.facts import namespace_of
from guardrails.storm import storm_fix, storm_words

logger = logging.getLogger(__name__)

ATTEMPTS_MAX = 5
BACKOFF_SECONDS = 0.2
# How long the API server holds a disruption that came to nothing against its budget.
SPENT_SECONDS = 120.0
# A write is given up after its connect and read timeouts (`client.TIMEOUTS_SECONDS`); until then
# the lock must hold.
LOCK_LEFT_SECONDS_MIN = 20


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


class Weather(Protocol):
    """The storms (`activities.weather.WeatherWatch`)."""

    def storm(self, cluster: str, incident: str, now: datetime) -> Storm | None:
        """The storm in the cluster, if one is on; where it is new, it is said in the incident."""


class Brakes(NamedTuple):
    """What may stop a write in the last moment. Both raise Unavailable when they cannot tell."""

    switches: Switches
    weather: Weather


R = TypeVar("R", bound=Subject)
Send = Callable[[], Answer]


@dataclass(frozen=True)
class Change(Generic[R]):
    """What an action writes: exactly one request at a time.

    `read` reads the object afresh, and raises PlanChanged when it is another one. `is_done` says
    whether the change is there. `moved` says why the plan no longer holds, or the empty string.
    `prepare` may read more, and raises PlanChanged, but sends nothing: it gives what sends. After
    `changed` a `Restore` takes back. Where `conflicts_end`, a 409 is looked at once and never
    answered by another request: the server has spent something for it. `begun` says what of the
    same plan other requests have written already: then nobody may promise that nothing was.
    """

    read: Callable[[Cluster], R]
    is_done: Callable[[R], bool]
    moved: Callable[[R], str]
    prepare: Callable[[Cluster, R], Send]
    changed: tuple[Changed, ...] = ()
    conflicts_end: bool = False
    begun: str = ""


@dataclass
class _Try(Generic[R]):
    """What is known during one attempt: `unsure` once a write was sent and no answer came,
    `repeated` when an earlier attempt may have sent one, `as_planned` while the last reading was
    the very state of the plan, so that no earlier attempt's write can have landed, `spent` what a
    409 said that must not be answered by another request.
    """

    call: EnsureCall[Any]
    change: Change[R]
    repeated: bool
    unsure: bool = False
    spent: str = ""
    as_planned: bool = False

    @property
    def doubt(self) -> str:
        """Why nobody can promise that nothing was written, or the empty string."""
        if self.change.begun:
            return self.change.begun
        if self.unsure:
            return "a write was sent and not answered"
        if self.repeated and not self.as_planned:
            return "an earlier attempt may have written"
        return ""

    @property
    def promise(self) -> str:
        """The end of a refusal's sentence."""
        return "" if self.doubt else "; nothing was written"


class Ensurer:
    """Runs changes. `clock` says whether the lock still holds, and stands in for an API server
    that sends no Date header.
    """

    def __init__(
        self, clusters: Mapping[str, Cluster], brakes: Brakes, clock: Clock, sleep: Sleep
    ) -> None:
        self._clusters = clusters
        self._switches, self._weather = brakes
        self._clock = clock
        self._sleep = sleep

    def bring_about(self, call: EnsureCall[Any], change: Change[R]) -> Receipt:
        """A receipt once the change is there, whoever sent it.

        A cancellation waits until the outcome is known, and never hides a receipt. Raises
        PlanChanged, Paused, Refused (a storm), Expired, NotFound, Rejected, InvalidInput only when
        nothing was written; Unavailable, OutcomeUnknown; CancelledError.
        """
        receipt: Receipt | None = None
        try:
            with activity.shield_thread_cancel_exception():
                receipt = self._bring_about(_Try(call, change, activity.info().attempt > 1))
        except CancelledError:
            if receipt is None:
                raise
        return receipt

    def _bring_about(self, attempt: _Try[R]) -> Receipt:
        try:
            for count in range(ATTEMPTS_MAX):
                receipt = self._once(attempt)
                if receipt is not None:
                    return receipt
                self._sleep(BACKOFF_SECONDS * 2**count)
            return self._look_back(attempt)
        except Stop as err:
            if not attempt.doubt:
                raise
            raise OutcomeUnknown(f"{attempt.doubt}; then {err.message}") from None
        except Retry as err:
            if not attempt.unsure or isinstance(err, OutcomeUnknown):
                raise
            unknown = OutcomeUnknown(f"{attempt.doubt}; then {err.message}")
            unknown.after_seconds = err.after_seconds
            raise unknown from None

    def _once(self, attempt: _Try[R]) -> Receipt | None:
        """Read, decide, write at most once; None means: read again."""
        current = self._read(attempt)
        if attempt.change.is_done(current):
            return self._receipt(attempt, current, sent=attempt.unsure)
        _refuse_moved(attempt, current)
        if attempt.spent:
            raise _spent(attempt)
        send = attempt.change.prepare(self._cluster(attempt), current)
        self._refuse_switched_off(attempt)
        self._refuse_in_a_storm(attempt)
        self._refuse_unlocked(attempt)
        try:
            return self._receipt(attempt, Subject(*send()), sent=True)
        except Conflict as err:
            attempt.spent = err.message if attempt.change.conflicts_end else ""
        except OutcomeUnknown:
            attempt.unsure = True
        return None

    def _look_back(self, attempt: _Try[R]) -> Receipt:
        current = self._read(attempt)
        if attempt.change.is_done(current):
            return self._receipt(attempt, current, sent=attempt.unsure)
        target = attempt.call.step.target
        raise Unavailable(f"{target}: no write landed in {ATTEMPTS_MAX} tries", _OTHERS_FIX)

    def _cluster(self, attempt: _Try[R]) -> Cluster:
        return cluster_of(self._clusters, attempt.call.step.target.cluster)

    def _read(self, attempt: _Try[R]) -> R:
        attempt.as_planned = False
        return attempt.change.read(self._cluster(attempt))

    def _refuse_switched_off(self, attempt: _Try[R]) -> None:
        """Right before each write: the kill switch, and whether somebody cancelled."""
        if activity.is_cancelled():
            raise CancelledError("cancelled before the write")
        call = attempt.call
        # What else the plan touches counts before its first write, too: a drain's cordon.
        others = {f"namespace:{namespace_of(key)}" for key in call.plan.also_locks if "/" in key}
        scopes = pause_scopes(call.runbook, call.step.target)
        blocking = self._switches.blocking((*scopes, *sorted(others.difference(scopes))))
        if blocking:
            first = blocking[0]
            why = f"{first.scope} is paused by {first.person}: {first.reason}"
            raise Paused(f"{call.step.target}: {why}{attempt.promise}")

    def _refuse_in_a_storm(self, attempt: _Try[R]) -> None:
        """A storm that began since the plan was judged: then nothing more is written."""
        call = attempt.call
        cluster = call.step.target.cluster
        storm = self._weather.storm(cluster, call.incident, self._clock())
        if storm is not None:
            text = f"{call.step.target}: {storm_words(storm)}{attempt.promise}"
            raise Refused(text, storm_fix(storm))

    def _refuse_unlocked(self, attempt: _Try[R]) -> None:
        """The last look at the time: whoever takes the lock over must not meet our write."""
        over = attempt.call.expires_at
        if over is None:
            raise Refused("nobody holds the write lock", "Write with `act`, which takes it.")
        if over - self._clock() >= timedelta(seconds=LOCK_LEFT_SECONDS_MIN):
            return
        raise Expired(f"the write lock has expired{attempt.promise}")

    def _receipt(self, attempt: _Try[R], current: Subject, *, sent: bool) -> Receipt:
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
            template=digest_of_template(current.raw),
            changed=attempt.change.changed if sent else _found(attempt),
        )


def _found(attempt: _Try[Any]) -> tuple[Changed, ...]:
    """What a receipt says of a change that was found there. Fields that were so before anything can
    have been sent, without the key of this write on them, somebody else has set: they are not ours
    to take back. Whole objects stay named, because checks look for them.
    """
    changed = attempt.change.changed
    signed = any(change.after == attempt.call.key for change in changed)
    if attempt.repeated or signed:
        return changed
    return tuple(change for change in changed if not change.path)


_SPENT_FIX = "It is tried again by itself, later; the disruption budget may be spent for 2 minutes."
_OTHERS_FIX = "Something else writes to it all the time; find out who (`kubectl get -o yaml`)."


def _spent(attempt: _Try[Any]) -> BudgetSpent:
    """The API server gives the budget back after two minutes."""
    err = BudgetSpent(f"{attempt.call.step.target}: {attempt.spent}", _SPENT_FIX)
    err.after_seconds = SPENT_SECONDS
    return err


def _refuse_moved(attempt: _Try[R], current: R) -> None:
    why = attempt.change.moved(current)
    if why:
        raise PlanChanged(f"{attempt.call.plan.target} changed since the plan: {why}")
    attempt.as_planned = True


def _whole_seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)
