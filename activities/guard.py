"""Asks the guardrails, takes the write lock, and closes it: the three calls around every write.

The rules are in `guardrails/`; this module only fetches what they need, as late as it can, and
never lets a write through when it could not fetch it.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import activity

from activities.directory.groups import Read
from activities.permits import check_permitted, refusal
from activities.weather import WeatherWatch
from contracts.calls import (
    JUDGE,
    RESERVE,
    SETTLE,
    WEATHER,
    Cleared,
    JudgeCall,
    Reservation,
    ReservationState,
    ReserveCall,
    SettleCall,
    WeatherCall,
    pause_scopes,
)
from contracts.errors import Stop
from contracts.journal import Event
from contracts.plan import Reason, Verdict
from contracts.policy import Policy
from contracts.step import Receipt
from contracts.toil import Entry
from guardrails import (
    Attempt,
    Known,
    Switch,
    Verified,
    Write,
    facts_of,
    groups_asked,
    judge,
    over_the_limits,
)
from guardrails.facts import namespace_of
from guardrails.rules.counted import HOUR
from guardrails.rules.history import CHRONIC
from toil.pauses import Pauses
from toil.reservations import CLOCK_SKEW_SECONDS_MAX, Reservations
from toil.reservations import Attempt as Past
from toil.storms import Storms

logger = logging.getLogger(__name__)

LOCK_SECONDS_MAX = 3600


class GroupReader(Protocol):
    """Who is in a group (`activities.directory.Groups`)."""

    def read(self, names: Iterable[str], now: datetime) -> Read:
        """Read these groups now, within seconds; raises Unavailable when the books are away."""


class NoGroups:
    """For a policy without groups: whatever is asked about is unread."""

    def read(self, names: Iterable[str], now: datetime) -> Read:  # noqa: ARG002 - the protocol's
        """Nothing is read."""
        return Read({}, dict.fromkeys(names, "no schedule is read here"))


class GuardActivities:
    """`clock` gives aware UTC; it is what limits are measured against, never what is recorded.
    `groups` are read whenever people are asked, and again before the write that they agreed to.
    """

    def __init__(
        self,
        reservations: Reservations,
        pauses: Pauses,
        storms: Storms,
        policy: Policy,
        clock: Callable[[], datetime],
        *,
        groups: GroupReader | None = None,
    ) -> None:
        self._groups = groups or NoGroups()
        self._reservations = reservations
        self._pauses = pauses
        self._storms = storms
        self._policy = policy
        self._clock = clock
        self._weather = WeatherWatch(storms, policy.limits)

    @activity.defn(name=JUDGE)
    def judge(self, call: JudgeCall) -> Verdict:
        """The guardrails' verdict on a plan, with fresh facts.

        Raises:
            Unavailable: the books cannot be read, so nothing can be judged.

        """
        now = self._clock()
        verdict = self._verdict(call, now)
        self._tell_owner(call, verdict, now)
        logger.info("plan judged", extra={"key": call.key, "ruling": verdict.ruling})
        return verdict

    def _verdict(self, call: JudgeCall, now: datetime) -> Verdict:
        known, asked = self._known(call, now), groups_asked(self._policy, call)
        verdict = judge(call, facts_of(self._policy, call, now, known))
        if not asked or all(reason.ruling != "ask" for reason in verdict.reasons):
            # What needs nobody's consent must not wait for a calendar.
            return verdict
        found = self._groups.read(asked, now)
        known = replace(known, members=found.members, unread=tuple(found.unread.items()))
        return judge(call, facts_of(self._policy, call, now, known))

    @activity.defn(name=RESERVE)
    def reserve(self, call: ReserveCall) -> Reservation:
        """The write lock, judged before it is taken, counted while it is, and judged once more
        under it.

        A reservation that was settled already is given back as it is: what was done cannot be
        refused any more.

        Raises:
            Paused: the kill switch is on.
            Refused: a rule denies, or nobody who may has agreed.
            PlanChanged: the approval is for another plan, or too old.
            Busy: somebody else holds the lock.

        """
        known = self._state_of(call.judge)
        if known in (None, "open"):
            check_permitted(call, self.judge(call.judge), self._clock())
        reservation = self._take(call)
        if reservation.state == "open":
            self._check_under_lock(call, known)
        return reservation

    def _take(self, call: ReserveCall) -> Reservation:
        now = self._clock()
        undoes, receipt = self._undoes(call.judge), self._receipt(call.judge)

        def permit(recent: tuple[Past, ...]) -> None:
            found = Known(writes=_writes(recent, now), undoes=undoes, receipt=receipt)
            over = over_the_limits(call.judge, facts_of(self._policy, call.judge, now, found))
            if over:
                raise refusal(over)

        return self._reservations.reserve(call, now, (_counted_since(now), permit))

    def _check_under_lock(self, call: ReserveCall, known: ReservationState | None) -> None:
        # Between the first judgement and the lock somebody may have written and settled, or an
        # orphan may have turned out as unknown. Only now can nothing change any more.
        try:
            check_permitted(call, self.judge(call.judge), self._clock())
        except Stop as err:
            # A lock that was ours before this call stays until it expires: we cannot tell what
            # was done under it.
            if known is None:
                self._reservations.settle(_release(call, err.message, self._clock()), None)
            raise

    @activity.defn(name=SETTLE)
    def settle(self, call: SettleCall) -> Reservation:
        """Close the lock; what was done becomes an entry of the ledger in the same transaction."""
        return self._reservations.settle(call, automatic_entry(call))

    @activity.defn(name=WEATHER)
    def weather(self, _call: WeatherCall) -> Cleared:
        """Say which storms are over where nobody has asked since; raises Unavailable."""
        return Cleared(clusters=self._weather.clear(self._clock()))

    def _known(self, call: JudgeCall, now: datetime) -> Known:
        return Known(
            switches=self._switches(call),
            attempts=self._attempts(call, now),
            writes=_writes(self._reservations.recent(_counted_since(now)), now),
            verified=self._verified(call, now),
            storm=self._weather.storm(call.plan.target.cluster, call.incident, now),
            undoes=self._undoes(call),
            receipt=self._receipt(call),
        )

    def _attempts(self, call: JudgeCall, now: datetime) -> tuple[Attempt, ...]:
        limits = self._policy.limits
        window_seconds = max(limits.cooldown_seconds, limits.attempts_window_seconds)
        # The books look at when a lock was taken, the rules at when it was settled.
        since = now - timedelta(seconds=window_seconds + LOCK_SECONDS_MAX)
        past = self._reservations.history(call.plan.lock_keys, since)
        # What takes a write back is a part of that write, not one more attempt.
        return tuple(Attempt(p.key, p.state, _when(p)) for p in past if not p.restores)

    def _verified(self, call: JudgeCall, now: datetime) -> tuple[Verified, ...]:
        limits = self._policy.limits
        days = max(limits.failed_verification_days, limits.chronic_days)
        since = now - timedelta(days=days)
        key = call.plan.target.key
        seen = self._reservations.verifications(key, call.runbook, since)
        return tuple(Verified(s.run, s.at, ok=s.ok, approved=s.approved) for s in seen)

    def _undoes(self, call: JudgeCall) -> Write | None:
        wanted = call.plan.restores
        past = self._reservations.attempt(wanted) if wanted else None
        return _write(past, self._clock()) if past else None

    def _receipt(self, call: JudgeCall) -> Receipt | None:
        wanted = call.plan.restores
        return self._reservations.receipt(wanted) if wanted else None

    def _switches(self, call: JudgeCall) -> tuple[Switch, ...]:
        # A drain writes in the namespaces of its pods, whoever's the node is.
        others = {f"namespace:{namespace_of(key)}" for key in call.plan.also_locks if "/" in key}
        scopes = (*pause_scopes(call.runbook, call.plan.target), *sorted(others))
        return tuple(Switch(p.scope, p.person, p.reason) for p in self._pauses.blocking(scopes))

    def _state_of(self, call: JudgeCall) -> ReservationState | None:
        past = self._reservations.attempt(call.key)
        return past.state if past and past.state != "released" else None

    def _tell_owner(self, call: JudgeCall, verdict: Verdict, now: datetime) -> None:
        said = next((reason for reason in verdict.reasons if reason.rule == CHRONIC), None)
        if said is not None:
            self._storms.tell(call.incident, _chronic_line(call, said, now))


def _chronic_line(call: JudgeCall, said: Reason, now: datetime) -> Event:
    return Event(
        key=f"{call.incident}/{CHRONIC}/{call.runbook}",
        at=now,
        actor="firebreak",
        type=CHRONIC,
        text=f"{said.text}. {said.fix}",
        data={"runbook": call.runbook, "service": call.service},
    )


def _counted_since(now: datetime) -> datetime:
    return now - HOUR - timedelta(seconds=LOCK_SECONDS_MAX)


def _writes(recent: tuple[Past, ...], now: datetime) -> tuple[Write, ...]:
    return tuple(_write(past, now) for past in recent)


def _write(past: Past, now: datetime) -> Write:
    over = past.expires_at and past.expires_at + timedelta(seconds=CLOCK_SKEW_SECONDS_MAX) <= now
    return Write(
        key=past.key,
        incident=past.incident,
        runbook=past.runbook,
        lock_keys=past.lock_keys,
        state=past.state,
        at=_when(past),
        # An orphan wrote, as far as anybody knows, but nobody is writing any more.
        open=past.state == "open" and not over,
        service=past.service,
        pool=past.pool,
        restores=past.restores,
        action=past.action,
    )


def _when(past: Past) -> datetime:
    return past.settled_at or past.reserved_at


def _release(call: ReserveCall, reason: str, now: datetime) -> SettleCall:
    judged = call.judge
    return SettleCall(
        key=judged.key,
        incident=judged.incident,
        runbook=judged.runbook,
        state="released",
        at=now,
        target=judged.plan.target,
        action=judged.plan.action,
        reason=reason,
    )


def automatic_entry(call: SettleCall) -> Entry | None:
    """The ledger's row for what Firebreak did by itself: no human seconds. None if not done.

    What was found already done may be a person's work or our own: it is only inferred to be ours.
    """
    if call.state != "done":
        return None
    found = call.receipt is not None and call.receipt.did == "already_done"
    return Entry(
        key=call.key,
        category="firefighting",
        method="automatic",
        confidence="inferred" if found else "measured",
        seconds=0,
        occurred_at=call.at,
        text=_entry_text(call, found=found),
        team=call.team,
        service=call.service,
        incident=call.incident,
        runbook=call.runbook,
        action=call.action,
    )


def _entry_text(call: SettleCall, *, found: bool) -> str:
    words = f"{call.action} on {call.target}"
    if found:
        return f"found already done: {words}"
    return call.receipt.summary if call.receipt else words
