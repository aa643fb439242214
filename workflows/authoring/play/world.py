"""The world around a runbook that is played: it answers every activity as a script says.

It knows no cluster and no clock. Steps are answered by their shape, not by a list of names, so a
team's own steps are played like those that ship.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from contracts.calls import (
    JUDGE,
    RECORD,
    RESERVE,
    SETTLE,
    JudgeCall,
    Reservation,
    ReserveCall,
    SettleCall,
)
from contracts.case import Outcome
from contracts.journal import Record, Recorded
from contracts.model import Contract
from contracts.plan import Reason, Verdict
from workflows.authoring.play.answers import StepAnswers, label, short
from workflows.authoring.play.findings import Findings
from workflows.authoring.play.people import Answer, People
from workflows.authoring.play.transcript import Play, Transcript, duration
from workflows.authoring.play.troubles import BadScript

# A Wednesday, at three in the morning.
BEGINS = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)
ANA = "ana"


def ask_ana(call: JudgeCall) -> Verdict:
    """Deny a dry run, as the guardrails do; otherwise ask one person."""
    if not call.dry_run:
        return Verdict(ruling="ask", needed=1, approvers=(ANA,))
    text = f"dry run; it would do this: {call.plan.summary}"
    return Verdict(ruling="deny", reasons=(Reason(rule="dry_run", ruling="deny", text=text),))


@dataclass(frozen=True)
class Script:
    """What the world does while a runbook is played.

    `answer`: what people say, to each question in its turn if it is a sequence.
    `find`: what steps find, by their class or short name. A look finds a text (its excerpt) or a
    mapping (its facts), a check a bool; for an action a mapping changes fields of its plan, or of
    its receipt under `NAME.ensure`. An error is raised; a list gives one answer a call.
    `signals`: a name or (name, argument, …), each delivered when the run is idle, before time is
    skipped.
    `judge`: the guardrails. `begins`: the first `workflow.now()`. `known`: runbooks that may be
    started as children, besides those that the runbook's own file imports.
    """

    answer: Answer | Sequence[Answer] = "approve"
    find: Mapping[Any, object] = field(default_factory=dict)
    signals: Sequence[str | tuple[Any, ...]] = ()
    judge: Callable[[JudgeCall], Verdict] = ask_ana
    begins: datetime = BEGINS
    known: Sequence[type] = ()

    def __post_init__(self) -> None:
        """Raises BadScript when it begins at a time of no zone."""
        if self.begins.tzinfo is None:
            raise BadScript("the time at which it begins has no zone", "Write `tzinfo=UTC`.")

    def spoken(self) -> list[tuple[Any, ...]]:
        """The signals, each with its arguments."""
        return [(each,) if isinstance(each, str) else each for each in self.signals]


class World:
    """Answers activities by name, speaks for people, and writes the transcript."""

    def __init__(self, script: Script) -> None:
        """Raises BadScript when the script finds something that no step can find."""
        self.transcript = Transcript()
        self.people = People(script.answer, self.transcript)
        self._judging = script.judge
        self._findings = Findings(script.find)
        self._steps = StepAnswers(self._findings, self.transcript, script.begins)
        self._plumbing: dict[str, Callable[[Any], Contract]] = {
            RECORD: self._record,
            JUDGE: self._judge,
            RESERVE: self._reserve,
            SETTLE: self._settle,
        }

    def answer(self, name: str, argument: Any) -> Any:
        """What the activity `name` returns for its argument, a contract or its JSON.

        Raises:
            FirebreakError: what the script says that the activity raises.
            BadScript: it is no step, and the script has no answer for it.

        """
        if isinstance(argument, BaseModel):
            argument = argument.model_dump(mode="json")
        if name in self._plumbing:
            return self._plumbing[name](argument)
        return self._steps.answer(name, argument)

    def signalled(self, name: str, arguments: Sequence[Any]) -> None:
        """Note that a signal was delivered."""
        told = ", ".join(map(repr, arguments))
        self.transcript.add("SIGNAL", name, f"{name}({told})")

    def waited(self, span: timedelta, summary: str) -> None:
        """Note that a timer has fired, unless it is the deadline of a question."""
        if span > timedelta(0) and not self.people.is_deadline(summary):
            long = duration(span)
            self.transcript.add("WAIT", long, f"{long} ({summary})" if summary else long)

    def ended(self, outcome: Outcome) -> Play:
        """Close the book.

        Raises:
            BadScript: the script has an answer that no step and nothing else asked for.

        """
        self._findings.require_used(self._steps.asked)
        self.transcript.add("OUTCOME", outcome.status, f"{outcome.status}: {outcome.summary}")
        return Play(outcome, self.transcript.lines, tuple(self._steps.receipts))

    def _record(self, argument: Any) -> Recorded:
        record = Record.model_validate(argument)
        for event in record.events:
            self._steps.now = event.at
            if event.type == "escalated":
                self.transcript.add("WARN", "people", event.text)
        if record.approval is not None:
            self.people.note(record.approval, record.events[-1].text if record.events else "")
        return Recorded(revision=1)

    def _judge(self, argument: Any) -> Verdict:
        call = JudgeCall.model_validate(argument)
        plan, verdict = call.plan, self._judging(call)
        refused = "; ".join(reason.text for reason in verdict.denials)
        said = {"ask": "", "allow": " (allowed by policy)", "deny": f" (refused: {refused})"}
        text = f"{label(plan.action, plan.target)}: {plan.kubectl or plan.summary}"
        self.transcript.add("PLAN", short(plan.action), text + said[verdict.ruling])
        return verdict

    def _reserve(self, argument: Any) -> Reservation:
        call = ReserveCall.model_validate(argument)
        expires = self._steps.now + timedelta(seconds=call.expires_seconds)
        keys = call.judge.plan.lock_keys
        return Reservation(key=call.judge.key, lock_keys=keys, state="open", expires_at=expires)

    def _settle(self, argument: Any) -> Reservation:
        call = SettleCall.model_validate(argument)
        return Reservation(key=call.key, lock_keys=(), state=call.state, expires_at=call.at)
