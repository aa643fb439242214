"""The base of every runbook: four verbs, and the update by which people decide.

    look(Look) -> Evidence         read
    approve(Action) -> Decision    plan, judge, ask
    act(Action) -> Receipt         what was approved is the very value that is written
    verify(Check) -> bool          wait until it holds

A runbook names steps as data and never touches a cluster. A subclass that writes its own
`__init__` calls `super().__init__(case)`.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from temporalio import workflow

from contracts.approval import Approval, Decision
from contracts.calls import JUDGE, JudgeCall, cluster_queue
from contracts.case import NOBODY, Case
from contracts.errors import FirebreakError, Paused, PlanChanged, Refused, Stop
from contracts.journal import IncidentChange
from contracts.plan import Plan, Verdict
from contracts.step import (
    Action,
    Check,
    CheckCall,
    CheckResult,
    Evidence,
    Look,
    Receipt,
    StepCall,
)
from contracts.words import minutes_text
from workflows.asking import Questions
from workflows.calls import READ, RULES, call, refusal, waiting
from workflows.scribe import Scribe
from workflows.writing import Writer

APPROVAL_WITHIN = timedelta(minutes=15)
VERIFY_WITHIN = timedelta(minutes=10)
PLANS_MAX = 3


class Granted(NamedTuple):
    """An action that may run: its plan, and who agreed (None when policy alone allowed it)."""

    action: Action
    plan: Plan
    approval: Approval | None


class Runbook:
    """One attempt at one incident. `case` is what it was given."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        self.case = case
        self.receipts: list[Receipt] = []
        self._scribe = Scribe(case.incident, case.key, messenger=case.messenger)
        self._questions = Questions(case, self._scribe)
        self._writer = Writer(case, self._scribe)
        self._granted: list[Granted] = []
        self._steps = 0

    async def look(self, look: Look) -> Evidence:
        """Read something. What cannot be read is evidence too: a title that says so, no facts."""
        key = self._next_key()
        wanted = self._step_call(look, key, workflow.now())
        try:
            found = await call(look.activity, wanted, Evidence, READ, **_where(look))
        except FirebreakError as err:
            title = f"{look.label} could not be read: {err.message}"
            found = Evidence(key=key, kind=look.activity, target=look.target, title=title)
        facts = {"kind": found.kind, "digest": found.digest, "excerpt": found.excerpt}
        await self._scribe.write(self._scribe.event("evidence", found.title, data=facts))
        return found

    async def approve(self, action: Action, within: timedelta = APPROVAL_WITHIN) -> Decision:
        """Plan the action, have it judged, and ask people where the verdict says so.

        Raises:
            Refused, Declined, Expired: named in the outcome when the runbook lets them pass.

        """
        granted = await self._grant(action, within)
        self._granted.append(granted)
        if granted.approval is None:
            return Decision(approval="", person=NOBODY, decision="approve", reason="policy")
        vote = granted.approval.votes[-1]
        return Decision(
            approval=granted.approval.id,
            person=vote.person,
            decision=vote.decision,
            reason=vote.reason,
            digest=granted.plan.digest,
        )

    async def act(self, action: Action) -> Receipt:
        """Write exactly what was approved, asking first if nobody was asked yet. When the target
        has changed since, the approval is void and people are asked again, three times at most.
        """
        for _ in range(PLANS_MAX):
            granted = self._take(action) or await self._grant(action, APPROVAL_WITHIN)
            try:
                receipt = await self._write(granted)
            except PlanChanged as err:
                if granted.approval is not None:
                    await self._questions.void(granted.approval, err.message)
                continue
            self.receipts.append(receipt)
            return receipt
        raise PlanChanged(f"{action.target} changed {PLANS_MAX} times while it was handled")

    async def verify(self, check: Check, within: timedelta = VERIFY_WITHIN) -> bool:
        """Wait until the check holds; False when it does not in time."""
        seconds = max(1, int(within.total_seconds()))
        wanted: CheckCall[Check] = CheckCall(
            key=self._next_key(),
            incident=self.case.incident,
            at=workflow.now(),
            within_seconds=seconds,
            step=check,
            after=self._last_receipt(check),
        )
        told = f"waiting for {check.label}, {minutes_text(seconds)} at most"
        begin = self._scribe.event("note", told)
        await self._scribe.write(begin, change=IncidentChange(status="verifying"))
        result = await call(check.activity, wanted, CheckResult, waiting(seconds), **_where(check))
        data = {"ok": result.ok, "waited_seconds": result.waited_seconds}
        await self._scribe.write(self._scribe.event("verified", result.detail, data=data))
        return result.ok

    async def warn(self, text: str) -> None:
        """Tell people now what cannot wait until the run ends; the incident counts as escalated
        until the next step.
        """
        line = self._scribe.event("escalated", text)
        await self._scribe.write(line, change=IncidentChange(status="escalated"))

    @workflow.update
    async def decide(self, decision: Decision) -> Approval:
        """One person's answer to one open question; refused answers never enter history."""
        return self._questions.decide(decision)

    @decide.validator
    def _check_decision(self, decision: Decision) -> None:
        try:
            self._questions.gate(decision.approval).check(decision, workflow.now())
        except Stop as err:
            raise refusal(err) from err

    @workflow.signal
    def stand_down(self, reason: str) -> None:
        """Close open questions: the alerts have resolved. A write under way is not disturbed."""
        self._questions.stand_down(reason)

    async def say_what_stays(self) -> None:
        """After a cancellation: what this run changed and did not give back, and how one does."""
        await self._writer.loans.tell()

    async def _grant(self, action: Action, within: timedelta) -> Granted:
        key = self._next_key()
        plan = await self._plan(action, key, workflow.now())
        facts = {"kubectl": plan.kubectl, "digest": plan.digest, "findings": list(plan.findings)}
        await self._scribe.write(self._scribe.event("plan", plan.summary, data=facts))
        verdict = await call(JUDGE, self._judged(plan, key), Verdict, RULES, summary="guardrails")
        if verdict.ruling == "deny":
            await self._refuse(plan, verdict)
        if verdict.ruling == "allow":
            # What was begun may be finished or undone; what was not is left alone.
            if not self.receipts:
                self._questions.require_need()
            return Granted(action, plan, None)
        return Granted(action, plan, await self._questions.ask(plan, verdict, within))

    async def _plan(self, action: Action, key: str, at: datetime) -> Plan:
        wanted = self._step_call(action, key, at)
        return await call(f"{action.activity}.plan", wanted, Plan, READ, **_where(action))

    def _step_call(self, step: Look | Action, key: str, at: datetime) -> StepCall[Look | Action]:
        return StepCall(key=key, incident=self.case.incident, at=at, step=step)

    def _judged(self, plan: Plan, key: str) -> JudgeCall:
        case = self.case
        return JudgeCall(
            key=key,
            incident=case.incident,
            runbook=case.runbook,
            service=case.service,
            actor=case.actor,
            dry_run=case.dry_run,
            plan=plan,
        )

    async def _refuse(self, plan: Plan, verdict: Verdict) -> None:
        text = "; ".join(reason.text for reason in verdict.denials)
        about = self.case.model_dump(include={"runbook", "attempt", "dry_run"})
        data = verdict.model_dump(mode="json") | about | {"plan": plan.summary}
        await self._scribe.write(self._scribe.event("verdict", f"refused: {text}", data=data))
        kind = Paused if all(r.rule == "kill_switch" for r in verdict.denials) else Refused
        raise kind(text, "; ".join(reason.fix for reason in verdict.denials))

    async def _write(self, granted: Granted) -> Receipt:
        key = self._next_key()
        fresh = await self._plan(granted.action, key, granted.plan.at)
        if fresh.digest != granted.plan.digest:
            raise PlanChanged(f"{fresh.target} is no longer what was planned: {fresh.before}")
        # The digest says that the same is done; what surrounds it may have changed while people
        # thought, and is judged as it is now.
        judged = self._judged(fresh, key)
        return await self._writer.write(granted.action, judged, granted.approval)

    def _take(self, action: Action) -> Granted | None:
        found = next((g for g in self._granted if g.action == action), None)
        if found is not None:
            self._granted.remove(found)
        return found

    def _last_receipt(self, check: Check) -> Receipt | None:
        return next((r for r in reversed(self.receipts) if r.target == check.target), None)

    def _next_key(self) -> str:
        self._steps += 1
        return f"{self.case.key}/{self._steps}"


def _where(step: Look | Action | Check) -> dict[str, str]:
    return {"queue": cluster_queue(step.target.cluster), "summary": step.label}
