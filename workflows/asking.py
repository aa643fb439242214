"""Asking people: opens the gate, records every answer, and names how the question ended."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from temporalio import workflow

from contracts.approval import Approval, Decision, Pages, Stage, Vote
from contracts.case import Case
from contracts.errors import Declined, Expired, NoLongerNeeded, NotFound
from contracts.groups import approver_labels
from contracts.journal import IncidentChange
from contracts.plan import Plan, Verdict
from contracts.toil import Observation
from contracts.words import listed, minutes_text
from workflows.gate import Gate
from workflows.scribe import Scribe

DECISION_SECONDS_MAX = 120


class Rung(NamedTuple):
    """A moment of a question's ladder; without a stage it is the end."""

    at: datetime
    summary: str
    stage: Stage | None = None


class Questions:
    """The gates of one run, by approval id."""

    def __init__(self, case: Case, scribe: Scribe) -> None:
        self._case = case
        self._scribe = scribe
        self._gates: dict[str, Gate] = {}
        self._calm = ""

    def gate(self, approval: str) -> Gate:
        """The gate of that id; raises NotFound."""
        if approval not in self._gates:
            raise NotFound(f"this run asks no question {approval}")
        return self._gates[approval]

    def stand_down(self, reason: str) -> None:
        """Void every open question, and ask none from now on: the alerts have resolved."""
        self._calm = reason
        for gate in self._gates.values():
            if gate.is_open:
                gate.close("void")

    def require_need(self) -> None:
        """Raise NoLongerNeeded when the alerts have resolved."""
        if self._calm:
            raise NoLongerNeeded(self._calm)

    async def ask(self, plan: Plan, verdict: Verdict, within: timedelta) -> Approval:
        """Wait for the people whom the verdict names.

        Raises:
            Declined, Expired, NoLongerNeeded: nobody agreed, and nothing was written.

        """
        self.require_need()
        gate = self._open(plan, verdict, within)
        asked = gate.approval
        people = approver_labels(asked.approvers)
        line = self._scribe.event("asked", f"{plan.summary}? Asked: {people}", data=_facts(asked))
        change = IncidentChange(status="waiting")
        try:
            await self._scribe.write(line, change=change, approval=asked)
            await self._collect(gate)
        except asyncio.CancelledError:
            gate.close("void")
            await self._finish(gate, "void", "nobody needs to decide any more")
            raise
        return await self._ended(gate)

    def _open(self, plan: Plan, verdict: Verdict, within: timedelta) -> Gate:
        case, now = self._case, workflow.now()
        limit = min(within, timedelta(seconds=case.approval_seconds))
        number = len(self._gates) + 1
        approval = Approval(
            id=f"apr-{case.incident.removeprefix('inc-')}-{case.attempt}-{number}",
            incident=case.incident,
            workflow=workflow.info().workflow_id,
            runbook=case.runbook,
            target=plan.target,
            plan=plan,
            verdict=verdict,
            needed=verdict.needed,
            approvers=verdict.approvers,
            requester=case.actor,
            opened_at=now,
            expires_at=now + limit,
        )
        self._gates[approval.id] = Gate(approval)
        return self._gates[approval.id]

    async def _collect(self, gate: Gate) -> None:
        recorded = 0
        rungs = self._rungs(gate.approval)
        while gate.is_open or recorded < len(gate.approval.votes):
            rung = rungs[0] if rungs else Rung(gate.approval.expires_at, "expires")
            left = rung.at - workflow.now()
            try:
                await workflow.wait_condition(
                    partial(gate.has_news, recorded),
                    timeout=max(left, timedelta(0)),
                    timeout_summary=f"{gate.approval.id} {rung.summary}",
                )
            except TimeoutError:
                rungs = await self._climb(gate, rungs)
            votes = gate.approval.votes[recorded:]
            recorded += len(votes)
            await self._record_votes(gate.approval, votes)

    def _rungs(self, asked: Approval) -> list["Rung"]:
        """What happens while nobody decides, in order; nothing where the case says never."""
        whole, case = asked.expires_at - asked.opened_at, self._case
        percents: list[tuple[int, Stage]] = [
            (case.remind_percent, "reminded"),
            # With nobody to call there is no such moment.
            (0 if case.pages and not case.pages.anybody else case.page_percent, "paged"),
        ]
        rungs = [Rung(asked.opened_at + whole * p / 100, s, s) for p, s in percents if p]
        return sorted(rungs, key=lambda rung: rung.at)

    async def _climb(self, gate: Gate, rungs: list["Rung"]) -> list["Rung"]:
        """Time has passed without news: expire, or call louder; returns the rungs that are left.
        After an outage only the highest rung that is due is said.
        """
        if not gate.is_open:
            # The answer came in the same moment.
            return rungs
        if not rungs:
            gate.close("expired")
            return []
        now = workflow.now()
        # The first is what was waited for, however the clocks round.
        due = [rungs[0], *(rung for rung in rungs[1:] if rung.at <= now)]
        stage = due[-1].stage
        if stage is not None and now < gate.approval.expires_at:
            called = gate.call(stage)
            pages = self._case.pages if stage == "paged" else None
            whom = {"pages": pages.model_dump(mode="json")} if pages else {}
            data = {"approval": called.id} | whom
            line = self._scribe.event(stage, _call(called, pages), data=data)
            await self._scribe.write(line, approval=called)
        return rungs[len(due) :]

    async def _record_votes(self, approval: Approval, votes: Sequence[Vote]) -> None:
        if not votes:
            return
        lines = [
            self._scribe.event(
                "decided",
                _sentence(approval, vote),
                vote.person,
                {"approval": approval.id, "via": vote.via},
            )
            for vote in votes
        ]
        seen = tuple(self._observation(approval, vote) for vote in votes)
        await self._scribe.write(*lines, approval=approval, observations=seen)

    def _observation(self, approval: Approval, vote: Vote) -> Observation:
        # Waiting is not work: a decision counts as at most two minutes of it.
        latency = int((vote.at - approval.opened_at).total_seconds())
        return Observation(
            key=f"approval:{approval.id}:{vote.person}:{vote.decision}",
            person=vote.person,
            at=vote.at,
            source="approval",
            action=vote.decision,
            seconds=min(latency, DECISION_SECONDS_MAX),
            service=self._case.service,
            team=self._case.team,
            incident=approval.incident,
            target=approval.target,
        )

    async def _ended(self, gate: Gate) -> Approval:
        asked = gate.approval
        if asked.state == "approved":
            return asked
        if asked.state == "denied":
            last = asked.votes[-1]
            verb = "withdrew it" if _withdraws(asked, last) else "declined"
            raise Declined(f"{last.person} {verb}: {last.reason}")
        if asked.state == "void":
            await self._finish(gate, "void", self._calm)
            raise NoLongerNeeded(self._calm)
        within = minutes_text((asked.expires_at - asked.opened_at).total_seconds())
        text = f"nobody decided within {within}; nothing was written"
        await self._finish(gate, "expired", text)
        raise Expired(text)

    async def _finish(self, gate: Gate, kind: str, text: str) -> None:
        line = self._scribe.event(kind, text, data={"approval": gate.approval.id})
        await self._scribe.write(line, approval=gate.approval)

    async def void(self, approval: Approval, reason: str) -> None:
        """Mark a granted approval as worthless: the target is no longer what was approved."""
        gate = self.gate(approval.id)
        gate.close("void")
        await self._finish(gate, "void", reason)

    def decide(self, decision: Decision) -> Approval:
        """Count a decision that was checked."""
        return self.gate(decision.approval).add(decision, workflow.now())


def _withdraws(asked: Approval, vote: Vote) -> bool:
    """Whether who asked for the run no longer wants it."""
    return vote.decision == "deny" and vote.person == asked.requester


def _sentence(asked: Approval, vote: Vote) -> str:
    denied = "withdrew it" if _withdraws(asked, vote) else "denied"
    verb = "approved" if vote.decision == "approve" else denied
    return f"{vote.person} {verb}" + (f": {vote.reason}" if vote.reason else "")


def _call(asked: Approval, pages: Pages | None) -> str:
    """The line of a rung; whom it calls besides those who may decide is said where it is known."""
    agreed = sum(vote.decision == "approve" for vote in asked.votes)
    so_far = f"{agreed} of {asked.needed} agreed" if agreed else "nobody has decided"
    verb = ", reminded" if asked.stage == "reminded" else ""
    who = approver_labels(asked.approvers)
    called = f", calling {_callees(pages)}" if pages else verb
    return f"{so_far}{called}: {who} may decide until {asked.expires_at:%H:%M:%S} UTC"


def _callees(pages: Pages) -> str:
    people = [approver_labels([name]) for name in pages.people]
    return listed([*people, "whoever PagerDuty pages"] if pages.pagerduty else people)


def _facts(approval: Approval) -> dict[str, object]:
    return {
        "approval": approval.id,
        "digest": approval.plan.digest,
        "kubectl": approval.plan.kubectl,
        "expires_at": approval.expires_at.isoformat(),
    }
