"""Asks the guardrails, takes the write lock, and closes it: the three calls around every write.

The rules are in `guardrails/`; this module only fetches what they need, as late as it can, and
never lets a write through when it could not fetch it.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import activity

from contracts.approval import Approval
from contracts.calls import (
    JUDGE,
    RESERVE,
    SETTLE,
    JudgeCall,
    Reservation,
    ReservationState,
    ReserveCall,
    SettleCall,
    pause_scopes,
)
from contracts.errors import Paused, PlanChanged, Refused, Stop
from contracts.plan import Verdict
from contracts.policy import Policy
from contracts.toil import Entry
from guardrails import Attempt, Switch, facts_of, judge
from guardrails.rules import KILL_SWITCH
from toil.pauses import Pauses
from toil.reservations import Reservations

logger = logging.getLogger(__name__)

LOCK_SECONDS_MAX = 3600
# How long after its question closed an approval may still be acted on.
APPROVAL_LATE_SECONDS_MAX = 300


class GuardActivities:
    """`clock` gives aware UTC; it is what limits are measured against, never what is recorded."""

    def __init__(
        self,
        reservations: Reservations,
        pauses: Pauses,
        policy: Policy,
        clock: Callable[[], datetime],
    ) -> None:
        self._reservations = reservations
        self._pauses = pauses
        self._policy = policy
        self._clock = clock

    @activity.defn(name=JUDGE)
    def judge(self, call: JudgeCall) -> Verdict:
        """The guardrails' verdict on a plan, with fresh facts.

        Raises:
            Unavailable: the books cannot be read, so nothing can be judged.

        """
        now = self._clock()
        facts = facts_of(self._policy, call, now, self._attempts(call, now), self._switches(call))
        verdict = judge(call, facts)
        logger.info("plan judged", extra={"key": call.key, "ruling": verdict.ruling})
        return verdict

    @activity.defn(name=RESERVE)
    def reserve(self, call: ReserveCall) -> Reservation:
        """The write lock, judged before it is taken and once more under it.

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
        reservation = self._reservations.reserve(call, self._clock())
        if reservation.state == "open":
            self._check_under_lock(call, known)
        return reservation

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

    def _attempts(self, call: JudgeCall, now: datetime) -> tuple[Attempt, ...]:
        limits = self._policy.limits
        window_seconds = max(limits.cooldown_seconds, limits.attempts_window_seconds)
        # The books look at when a lock was taken, the rules at when it was settled.
        since = now - timedelta(seconds=window_seconds + LOCK_SECONDS_MAX)
        # One reservation may hold several locks; it is one attempt all the same.
        found = {
            past.key: Attempt(past.key, past.state, past.settled_at or past.reserved_at)
            for lock in call.plan.lock_keys
            for past in self._reservations.history(lock, since)
        }
        return tuple(found.values())

    def _switches(self, call: JudgeCall) -> tuple[Switch, ...]:
        scopes = pause_scopes(call.runbook, call.plan.target)
        return tuple(Switch(p.scope, p.person, p.reason) for p in self._pauses.blocking(scopes))

    def _state_of(self, call: JudgeCall) -> ReservationState | None:
        past = self._attempts(call, self._clock())
        return next((attempt.state for attempt in past if attempt.key == call.key), None)


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


def check_permitted(call: ReserveCall, verdict: Verdict, now: datetime) -> None:
    """Raise unless the verdict allows, or asks and was answered by enough of the right people."""
    if verdict.denials:
        text = "; ".join(reason.text for reason in verdict.denials)
        paused = all(reason.rule == KILL_SWITCH for reason in verdict.denials)
        raise (Paused if paused else Refused)(text, verdict.denials[0].fix)
    if verdict.ruling == "ask":
        _check_answered(call, verdict, now)


def _check_answered(call: ReserveCall, verdict: Verdict, now: datetime) -> None:
    approval, wanted = call.approval, call.judge
    if approval is None:
        texts = "; ".join(reason.text for reason in verdict.reasons if reason.ruling == "ask")
        raise Refused(f"nobody was asked: {texts}", "Ask for an approval, then reserve again.")
    if approval.plan.digest != wanted.plan.digest:
        raise PlanChanged("what was approved is not what would be written now")
    if (approval.incident, approval.runbook) != (wanted.incident, wanted.runbook):
        raise Refused(f"{approval.id} was given to {approval.runbook} in {approval.incident}")
    if approval.state != "approved":
        raise Refused(f"{approval.id} is {approval.state}, not approved")
    if now - approval.expires_at > timedelta(seconds=APPROVAL_LATE_SECONDS_MAX):
        raise PlanChanged("the approval is too old to act on")
    valid = valid_voters(approval, verdict)
    if len(valid) < verdict.needed:
        who = ", ".join(sorted(valid)) or "nobody"
        fix = "Ask again: the policy changed after the answer."
        raise Refused(f"{verdict.needed} must agree; of those who may, {who} did", fix)


def valid_voters(approval: Approval, verdict: Verdict) -> set[str]:
    """Who agreed in time and may still approve by today's policy; never the requester."""
    return {
        vote.person
        for vote in approval.votes
        if vote.decision == "approve"
        and vote.at <= approval.expires_at
        and vote.person in verdict.approvers
        and vote.person != approval.requester
    }


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
