"""Where runs of a play meet: each command of a runbook is carried out here, in virtual time.

A check that fails takes the time that it was given; everything else is answered at once. People
and signals speak when no activity is under way and before time is skipped.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from pydantic import ValidationError

from contracts.approval import Decision
from contracts.case import Case, Outcome
from contracts.errors import FirebreakError
from contracts.step import CheckResult
from workflows.attempts import RUN_WITHIN
from workflows.authoring.play import jobs
from workflows.authoring.play.agenda import Agenda, Appointment
from workflows.authoring.play.engine import Run, Start, children_of, name_of
from workflows.authoring.play.jobs import Command, Job
from workflows.authoring.play.lane import Lane
from workflows.authoring.play.transcript import duration
from workflows.authoring.play.troubles import BadScript, CannotPlay, NeverEnds, RunbookFailed, at
from workflows.authoring.play.world import Script, World

COMMANDS_MAX = 5_000
NOW = timedelta(0)
# Of the SDK's kinds of cancellation, the one that lets an activity end by itself.
_WAITS_FOR_ITS_END = 1
NO_SIGNAL_FIX = "Script the signal that it waits for (`signals=`), and give the wait a timeout."
_SILENT = ("set_patch_marker", "upsert_workflow_search_attributes", "modify_workflow_properties")


_INSTEAD = {
    "continue_as_new_workflow_execution": "it continues as new, and would lose its open questions",
    "schedule_local_activity": "it calls a local activity, which no worker notices to be stuck",
}


class Under(NamedTuple):
    """An activity that is under way: its name, how it is cancelled, and what happens to it next."""

    name: str
    cancellation: int
    next: Appointment


@dataclass
class Actor:
    """One run on the stage: the runbook itself, or a child of it."""

    run: Run
    parent: "Actor | None" = None
    seq: int = 0
    ended: bool = False
    activities: dict[int, Under] = field(default_factory=dict)
    timers: dict[int, Appointment] = field(default_factory=dict)

    def appointments(self) -> list[Appointment]:
        """Everything that is still to happen to it."""
        return [*(under.next for under in self.activities.values()), *self.timers.values()]


class Stage:
    """Carries out commands until the first run has ended."""

    def __init__(self, world: World, lane: Lane, script: Script) -> None:
        self._world = world
        self._lane = lane
        self._known = script.known
        self._signals = script.spoken()
        self._agenda = Agenda(script.begins)
        self._begins = script.begins
        self._actors: dict[str, Actor] = {}
        self._decisions: dict[str, Decision] = {}
        self._outcome: Outcome | None = None
        self._commands = 0
        self._carry_out: dict[str, Callable[[Actor, Command], None]] = {
            "schedule_activity": self._schedule,
            "request_cancel_activity": self._cancel_activity,
            "start_timer": self._start_timer,
            "cancel_timer": self._cancel_timer,
            "update_response": self._hear_answer,
            "start_child_workflow_execution": self._start_child,
            "cancel_child_workflow_execution": self._cancel_child,
            "signal_external_workflow_execution": self._signal_other,
            "request_cancel_external_workflow_execution": self._cancel_other,
            "complete_workflow_execution": self._completed,
            "fail_workflow_execution": self._failed,
            "cancel_workflow_execution": self._was_cancelled,
            **dict.fromkeys(_SILENT, _nothing),
        }

    def play(self, runbook: type, case: Case) -> Outcome:
        """Run until it has ended.

        Raises:
            PlayTrouble: it does not come to an outcome.

        """
        given = jobs.payloads_of([case])
        first = self._enter(Start(runbook, f"runbook/{case.key}", given, self._begins))
        while self._outcome is None:
            if not (self._agenda.do_next() or self._somebody_speaks() or self._agenda.skip()):
                raise self._deadlock(first)
            if self._agenda.now - self._begins > RUN_WITHIN:
                raise self._endless(first, f"no outcome within {duration(RUN_WITHIN)}")
        return self._outcome

    def replay(self) -> None:
        """Live through every run again.

        Raises:
            NotDeterministic: one of them does something else.

        """
        for actor in self._actors.values():
            actor.run.replay()

    def close(self) -> None:
        """Forget all runs."""
        for actor in self._actors.values():
            actor.run.close()

    def _enter(self, start: Start, parent: Actor | None = None, seq: int = 0) -> Actor:
        actor = Actor(Run(start, self._lane), parent, seq)
        self._actors[start.id] = actor
        begin = jobs.begin(actor.run.name, start.id, start.given, start.seed, start.at)
        self._later(actor, begin)
        return actor

    def _later(self, actor: Actor, job: Job, after: timedelta = NOW) -> Appointment:
        return self._agenda.put(after, partial(self._tell, actor, job))

    def _tell(self, actor: Actor, job: Job) -> None:
        if actor.ended:
            return
        for command in actor.run.tell(job, self._agenda.now):
            self._commands += 1
            kind = command.WhichOneof("variant") or ""
            if kind not in self._carry_out:
                raise CannotPlay(f"{actor.run.name}: {_words(kind)}")
            self._carry_out[kind](actor, command)
        if self._commands > COMMANDS_MAX:
            raise self._endless(actor, f"no outcome after {COMMANDS_MAX} commands")

    def _somebody_speaks(self) -> bool:
        decision = self._world.people.next_decision()
        if decision is not None:
            self._decide(decision)
            return True
        if not self._signals or any(actor.activities for actor in self._actors.values()):
            return False
        name, *arguments = self._signals.pop(0)
        self._world.signalled(name, arguments)
        first = next(iter(self._actors.values()))
        self._tell(first, jobs.signal(name, jobs.payloads_of(arguments)))
        return True

    def _decide(self, decision: Decision) -> None:
        actor = self._actors[self._world.people.asked_by(decision)]
        self._decisions[decision.update_id] = decision
        self._tell(actor, jobs.update("decide", decision.update_id, jobs.payloads_of([decision])))

    def _hear_answer(self, _actor: Actor, command: Command) -> None:
        answer = command.update_response
        if answer.HasField("rejected"):
            decision = self._decisions[answer.protocol_instance_id]
            self._world.people.refused(decision, str(jobs.error_of(answer.rejected)))

    def _schedule(self, actor: Actor, command: Command) -> None:
        asked = command.schedule_activity
        begin = self._agenda.put(NOW, partial(self._answer, actor, command))
        actor.activities[asked.seq] = Under(asked.activity_type, asked.cancellation_type, begin)

    def _answer(self, actor: Actor, command: Command) -> None:
        asked, after = command.schedule_activity, NOW
        arguments = [jobs.value_of(payload) for payload in asked.arguments]
        try:
            value = self._world.answer(asked.activity_type, *(arguments or [None])[:1])
        except BadScript:
            raise
        except FirebreakError as err:
            job = jobs.failed(asked.seq, asked.activity_type, err)
        else:
            job = jobs.answered(asked.seq, value)
            if isinstance(value, CheckResult):
                after = timedelta(seconds=value.waited_seconds)
        self._resolve(actor, asked.seq, job, after)

    def _resolve(self, actor: Actor, seq: int, job: Job, after: timedelta = NOW) -> None:
        def resolve() -> None:
            del actor.activities[seq]
            self._tell(actor, job)

        under = actor.activities[seq]
        under.next.off = True
        actor.activities[seq] = under._replace(next=self._agenda.put(after, resolve))

    def _cancel_activity(self, actor: Actor, command: Command) -> None:
        seq = command.request_cancel_activity.seq
        under = actor.activities.get(seq)
        if under is not None and under.cancellation != _WAITS_FOR_ITS_END:
            self._resolve(actor, seq, jobs.cancelled(seq, under.name))

    def _start_timer(self, actor: Actor, command: Command) -> None:
        asked, metadata = command.start_timer, command.user_metadata
        span = asked.start_to_fire_timeout.ToTimedelta()
        summary = jobs.value_of(metadata.summary) if metadata.HasField("summary") else ""

        def fire() -> None:
            self._world.waited(span, str(summary))
            self._tell(actor, jobs.fired(asked.seq))

        actor.timers[asked.seq] = self._agenda.put(span, fire)

    def _cancel_timer(self, actor: Actor, command: Command) -> None:
        actor.timers[command.cancel_timer.seq].off = True

    def _start_child(self, actor: Actor, command: Command) -> None:
        asked = command.start_child_workflow_execution
        if asked.workflow_id in self._actors:
            exists = jobs.child_exists(asked.seq, asked.workflow_id, asked.workflow_type)
            self._later(actor, exists)
            return
        runbook = self._class_of(asked.workflow_type, actor)
        seed, now = len(self._actors) + 1, self._agenda.now
        start = Start(runbook, asked.workflow_id, asked.input, now, seed, actor.run.id)
        self._later(actor, jobs.child_started(asked.seq, asked.workflow_id))
        self._enter(start, actor, asked.seq)

    def _class_of(self, name: str, actor: Actor) -> type:
        runbook = actor.run.start.runbook
        for item in children_of(runbook, self._known):
            if name_of(item) == name:
                return item
        fix = f"Import its class in {runbook.__module__}, or name it in Script(known=[…])."
        raise CannotPlay(f"the child '{name}' is a workflow that the player does not know", fix)

    def _cancel_child(self, actor: Actor, command: Command) -> None:
        asked = command.cancel_child_workflow_execution
        for child in self._actors.values():
            if child.parent is actor and child.seq == asked.child_workflow_seq:
                self._later(child, jobs.cancel(asked.reason))

    def _signal_other(self, actor: Actor, command: Command) -> None:
        asked = command.signal_external_workflow_execution
        other = self._other(asked.child_workflow_id or asked.workflow_execution.workflow_id)
        if other is not None:
            self._later(other, jobs.signal(asked.signal_name, asked.args))
        self._later(actor, jobs.signal_sent(asked.seq, found=other is not None))

    def _cancel_other(self, actor: Actor, command: Command) -> None:
        asked = command.request_cancel_external_workflow_execution
        other = self._other(asked.workflow_execution.workflow_id)
        if other is not None:
            self._later(other, jobs.cancel(asked.reason))
        self._later(actor, jobs.cancel_sent(asked.seq, found=other is not None))

    def _other(self, workflow_id: str) -> Actor | None:
        other = self._actors.get(workflow_id)
        return None if other is None or other.ended else other

    def _completed(self, actor: Actor, command: Command) -> None:
        result = command.complete_workflow_execution.result
        if actor.parent is None:
            self._outcome = outcome_in(jobs.value_of(result), actor.run.name)
        self._end(actor, jobs.child_completed(actor.seq, result))

    def _failed(self, actor: Actor, command: Command) -> None:
        failure = command.fail_workflow_execution.failure
        if actor.parent is None:
            raise actor.run.failed(failure)
        self._end(actor, jobs.child_failed(actor.seq, actor.run.name, failure))

    def _was_cancelled(self, actor: Actor, _command: Command) -> None:
        if actor.parent is None:
            raise CannotPlay(f"{actor.run.name} was cancelled", "Nobody cancels a play.")
        self._end(actor, jobs.child_cancelled(actor.seq, actor.run.name))

    def _end(self, actor: Actor, news: Job) -> None:
        actor.ended = True
        for appointment in actor.appointments():
            appointment.off = True
        if actor.parent is not None:
            self._later(actor.parent, news)

    def _endless(self, actor: Actor, why: str, fix: str | None = None) -> NeverEnds:
        return NeverEnds(at(actor.run.waits_at(), why), fix)

    def _deadlock(self, actor: Actor) -> NeverEnds:
        return self._endless(actor, "it waits for something that never comes", NO_SIGNAL_FIX)


def outcome_in(value: Any, name: str) -> Outcome:
    """What a runbook has returned.

    Raises:
        RunbookFailed: it is no Outcome.

    """
    try:
        return Outcome.model_validate(value)
    except ValidationError:
        fix = 'End with `return Outcome(status="resolved", summary=…)`.'
        raise RunbookFailed(f"{name} returned {value!r}, which is no Outcome", fix) from None


def _nothing(_actor: Actor, _command: Command) -> None:
    """Carry out what only a server would notice."""


def _words(kind: str) -> str:
    return _INSTEAD.get(kind, kind.replace("_", " "))
