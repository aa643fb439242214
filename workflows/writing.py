"""One write, from its lock to its receipt: reserve, ensure, settle.

The key is the same at every retry, after a kill and after a reset, so the books hold one
reservation and one entry, and the cluster one effective write.
"""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from contracts.approval import Approval
from contracts.calls import (
    RESERVE,
    SETTLE,
    EnsureCall,
    JudgeCall,
    Reservation,
    ReserveCall,
    SettleCall,
    cluster_queue,
)
from contracts.case import Case
from contracts.errors import FirebreakError, OutcomeUnknown, PlanChanged, Refused, Retry
from contracts.journal import IncidentChange
from contracts.step import Action, Receipt
from workflows.calls import RULES, call, finished, options, steadfast, translated, write_within
from workflows.loans import Loans
from workflows.scribe import Scribe

LOCK_MARGIN_SECONDS = 300


class Writer:
    """Writes for one run. An interrupted write is settled before the run may end."""

    def __init__(self, case: Case, scribe: Scribe) -> None:
        self._case = case
        self._scribe = scribe
        # More than one when a runbook acts on several targets at once.
        self._writing: list[workflow.ActivityHandle[Receipt]] = []
        self.loans = Loans(case, scribe)

    async def write(self, action: Action, judged: JudgeCall, approval: Approval | None) -> Receipt:
        """Bring about the judged plan.

        Raises:
            Refused, Paused, Busy: before anything was written.
            PlanChanged: the target changed; nothing was written.
            Retry: the outcome is unknown; the reservation says so.
            asyncio.CancelledError: a person takes over; what was begun is settled.

        """
        return await finished(self._write(action, judged, approval), self._hurry)

    def _hurry(self) -> None:
        # A person takes over: no new attempt is made, but what was sent is waited for.
        for write in self._writing:
            write.cancel()

    async def _write(self, action: Action, judged: JudgeCall, approval: Approval | None) -> Receipt:
        # Said before the lock is taken: waiting for the journal must not use the lock up.
        line = self._scribe.event("note", f"about to write: {judged.plan.kubectl}")
        await self._scribe.write(line, change=IncidentChange(status="acting"))
        held = await self._reserve(action, judged, approval)
        if held.lock_keys and held.lock_keys != judged.plan.lock_keys:
            # Two runs with one key, e.g. a runbook that another one started with its own case.
            raise Refused(f"{judged.key} is the key of a write to {', '.join(held.lock_keys)}")
        if held.state == "done" and held.receipt is not None:
            return self.loans.settled(action, held.receipt)
        if held.state != "open":
            raise PlanChanged(f"the earlier write of {judged.key} was {held.state}")
        try:
            receipt = await self._ensure(action, judged, held)
        except FirebreakError as err:
            state = "unknown" if isinstance(err, Retry) else "released"
            await self._settle(judged, self._closing(judged, state, reason=str(err)))
            raise
        await self._settle(judged, self._closing(judged, "done", receipt=receipt))
        return self.loans.settled(action, receipt)

    async def _reserve(
        self, action: Action, judged: JudgeCall, approval: Approval | None
    ) -> Reservation:
        reserve = ReserveCall(
            judge=judged,
            approval=approval,
            expires_seconds=action.takes_seconds + LOCK_MARGIN_SECONDS,
        )
        try:
            return await call(RESERVE, reserve, Reservation, RULES, summary="take the write lock")
        except Retry as err:
            # It may have been taken, and its answer lost.
            await self._settle(judged, self._closing(judged, "released", reason=str(err)))
            raise

    def _closing(
        self, judged: JudgeCall, state: str, reason: str = "", receipt: Receipt | None = None
    ) -> SettleCall:
        facts = {
            "key": judged.key,
            "incident": judged.incident,
            "runbook": judged.runbook,
            "state": state,
            "at": workflow.now(),
            "target": judged.plan.target,
            "action": judged.plan.action,
            "reason": reason,
            "service": self._case.service,
            "team": self._case.team,
            "receipt": receipt,
        }
        return SettleCall.model_validate(facts)

    async def _settle(self, judged: JudgeCall, closing: SettleCall) -> None:
        await steadfast(SETTLE, closing, Reservation, f"settle {closing.state}")
        receipt = closing.receipt
        if receipt is None:
            text = f"{judged.plan.summary}: {closing.state}, {closing.reason}"
            await self._scribe.write(self._scribe.event("settled", text))
            return
        data = receipt.model_dump(mode="json", include={"did", "generation", "action"})
        await self._scribe.write(self._scribe.event("written", receipt.summary, data=data))

    async def _ensure(self, action: Action, judged: JudgeCall, held: Reservation) -> Receipt:
        if workflow.cancellation_reason() is not None:
            raise Refused("a person takes over; nothing was written")
        wanted: EnsureCall[Action] = EnsureCall(
            key=judged.key,
            incident=judged.incident,
            runbook=judged.runbook,
            step=action,
            plan=judged.plan,
            expires_at=held.expires_at,
        )
        writing = workflow.start_activity(
            f"{action.activity}.ensure",
            wanted,
            result_type=Receipt,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            **options(
                write_within(action.takes_seconds),
                cluster_queue(action.target.cluster),
                judged.plan.summary,
            ),
        )
        self._writing.append(writing)
        try:
            receipt: Receipt = await writing
        except asyncio.CancelledError as err:
            raise OutcomeUnknown("interrupted before the cluster answered") from err
        except ActivityError as err:
            if is_cancelled_exception(err):
                raise OutcomeUnknown("interrupted before the cluster answered") from err
            raise translated(err) from err
        return receipt
