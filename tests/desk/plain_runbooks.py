"""Runbooks that do what plain Python can: wait, loop, branch, listen, and call one another."""

import asyncio
from datetime import timedelta
from typing import ClassVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError

from contracts import Case, Outcome
from contracts.approval import Approval, Decision
from contracts.errors import FirebreakError, NotAllowed, Refused
from contracts.kubernetes import Events, PodLogs, RolloutHealthy, RolloutRestart
from contracts.step import Action, Check, Look
from workflows import Runbook, on_alert
from workflows.calls import refusal

HOUR = timedelta(hours=1)
ROUNDS_MAX = 3


class QueueLength(Look):
    """A team's own look. Facts: `messages`."""

    activity: ClassVar[str] = "payments.queue_length"


class Drain(Action):
    """A team's own action."""

    activity: ClassVar[str] = "payments.drain"


class Drained(Check):
    """A team's own check."""

    activity: ClassVar[str] = "payments.drained"


@on_alert("KubePodCrashLooping")
@workflow.defn(name="restarts_twice")
class RestartsTwice(Runbook):
    """Restarts, waits, and restarts again."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Twice, whatever comes of it."""
        for _ in range(2):
            await self.act(RolloutRestart(target=case.target))
            await workflow.sleep(timedelta(minutes=2))
        return Outcome(status="escalated", summary="restarted twice")


@workflow.defn(name="drain_queue")
class DrainQueue(Runbook):
    """Uses steps that Firebreak has never heard of."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Look, act, verify."""
        found = await self.look(QueueLength(target=case.target))
        if found.facts.get("messages", 0) < 100:
            return Outcome(status="resolved", summary="the queue is short")
        await self.act(Drain(target=case.target))
        drained = await self.verify(Drained(target=case.target))
        return Outcome(status="resolved" if drained else "escalated", summary=f"{drained}")


@workflow.defn(name="business_hours")
class BusinessHours(Runbook):
    """Waits until nine o'clock before it looks."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Wait, look."""
        print("waiting")  # noqa: T201 - as authors do who want to see what happens
        nine = workflow.now().replace(hour=9, minute=0, second=0, microsecond=0)
        await workflow.sleep(nine - workflow.now(), summary="business hours")
        await self.look(Events(target=case.target))
        return Outcome(status="resolved", summary=f"at {workflow.now():%H:%M}")


@workflow.defn(name="sleeps_long")
class SleepsLong(Runbook):
    """Waits two hours, whatever the time of day."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Wait."""
        await workflow.sleep(2 * HOUR)
        return Outcome(status="resolved", summary=f"slept for {case.runbook}")


@workflow.defn(name="patient_loop")
class PatientLoop(Runbook):
    """Restarts until it is healthy, three times at most, a pause between."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Loop."""
        for number in range(1, ROUNDS_MAX + 1):
            await self.act(RolloutRestart(target=case.target))
            if await self.verify(RolloutHealthy(target=case.target)):
                return Outcome(status="resolved", summary=f"after {number} restarts")
            await workflow.sleep(timedelta(minutes=5))
        return Outcome(status="escalated", summary=f"{ROUNDS_MAX} restarts did not help")


@workflow.defn(name="until_deadline")
class UntilDeadline(Runbook):
    """Verifies again and again until an hour has passed."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Loop by the clock."""
        deadline, tried = workflow.now() + HOUR, 0
        while workflow.now() < deadline:
            tried += 1
            if await self.verify(RolloutHealthy(target=case.target), timedelta(minutes=20)):
                return Outcome(status="resolved", summary=f"{tried}")
        return Outcome(status="escalated", summary=f"{tried} times in vain")


@workflow.defn(name="all_at_once")
class AllAtOnce(Runbook):
    """Looks at two things at once."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Gather."""
        logs, events = await asyncio.gather(
            self.look(PodLogs(target=case.target)), self.look(Events(target=case.target))
        )
        return Outcome(status="escalated", summary=f"{logs.excerpt} and {events.excerpt}")


@workflow.defn(name="impatient_check")
class ImpatientCheck(Runbook):
    """Gives a check less time than it asks for."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Cut it short."""
        try:
            await asyncio.wait_for(self.verify(RolloutHealthy(target=case.target)), 60)
        except TimeoutError:
            return Outcome(status="escalated", summary=f"{workflow.now():%H:%M}")
        return Outcome(status="resolved", summary="healthy")


@workflow.defn(name="listening")
class Listening(Runbook):
    """Waits for a release to finish, an hour at most."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._release = ""

    @workflow.signal
    def release_finished(self, version: str) -> None:
        """The pipeline says so."""
        self._release = version

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Wait, look."""
        await self.look(Events(target=case.target))
        try:
            await workflow.wait_condition(lambda: bool(self._release), timeout=HOUR)
        except TimeoutError:
            return Outcome(status="escalated", summary="no release")
        return Outcome(status="resolved", summary=self._release)


@workflow.defn(name="calls_another")
class CallsAnother(Runbook):
    """Starts another runbook as its child."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Call."""
        inner = case.model_copy(update={"runbook": "business_hours", "attempt": case.attempt + 1})
        ended = await workflow.execute_child_workflow(
            BusinessHours.run, inner, id=f"runbook/{inner.key}"
        )
        return Outcome(status=ended.status, summary=f"child: {ended.summary}")


@workflow.defn(name="cancels_a_child")
class CancelsAChild(Runbook):
    """Gives its child an hour, and then none."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Call, wait, cancel."""
        inner = case.model_copy(update={"runbook": "sleeps_long", "attempt": case.attempt + 1})
        child = await workflow.start_child_workflow(
            SleepsLong.run, inner, id=f"runbook/{inner.key}"
        )
        await workflow.sleep(HOUR)
        child.cancel()
        try:
            await child
        except ChildWorkflowError as err:
            return Outcome(status="escalated", summary=type(err.cause).__name__)
        return Outcome(status="resolved", summary="the child was quicker")


@workflow.defn(name="tells_its_child")
class TellsItsChild(Runbook):
    """Signals its child, and somebody who is not there."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Call, tell."""
        inner = case.model_copy(update={"runbook": "listening", "attempt": case.attempt + 1})
        child = await workflow.start_child_workflow(Listening.run, inner, id=f"runbook/{inner.key}")
        await child.signal(Listening.release_finished, "v2")
        try:
            await workflow.get_external_workflow_handle("nobody").signal("hello")
        except ApplicationError:
            return await child
        return Outcome(status="failed", summary="somebody answered")


@workflow.defn(name="calls_by_name")
class CallsByName(Runbook):
    """Starts a child of which it knows only the name."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Call."""
        inner = case.model_copy(update={"attempt": case.attempt + 1})
        ended: Outcome = await workflow.execute_child_workflow(
            "restart_crash_loop", inner, id=f"runbook/{inner.key}", result_type=Outcome
        )
        return ended


@workflow.defn(name="patched")
class Patched(Runbook):
    """Has a new step, behind a patch."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Look at more than before."""
        await self.look(PodLogs(target=case.target))
        if workflow.patched("events-too"):
            await self.look(Events(target=case.target))
        return Outcome(status="escalated", summary=f"{workflow.uuid4()}")


@workflow.defn(name="asks_first")
class AsksFirst(Runbook):
    """Handles every refusal by itself."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Ask twice."""
        for number in (1, 2):
            try:
                await self.approve(RolloutRestart(target=case.target))
            except Refused as err:
                return Outcome(status="refused", summary=err.message)
            except FirebreakError as err:
                if number == 2:
                    return Outcome(status="declined", summary=type(err).__name__)
        return Outcome(status="resolved", summary="both")


@workflow.defn(name="not_on_fridays")
class NotOnFridays(Runbook):
    """Has a stricter gate than its base."""

    @workflow.update
    async def decide(  # type: ignore[override]  # the SDK's type of an update names its class
        self, decision: Decision
    ) -> Approval:
        """Hear nobody."""
        raise ApplicationError(f"{decision.person} got through")

    @decide.validator
    def _check_decision(self, decision: Decision) -> None:
        raise refusal(NotAllowed(f"{decision.decision} not on Fridays")) from None

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Write, if anybody may agree."""
        await self.act(RolloutRestart(target=case.target))
        return Outcome(status="resolved", summary="written")


@workflow.defn(name="foreign_activity")
class ForeignActivity(Runbook):
    """Calls an activity of its own that is no step."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Call."""
        try:
            said = await workflow.execute_activity(
                "payments.refund", case.runbook, start_to_close_timeout=HOUR, result_type=str
            )
        except ActivityError as err:
            return Outcome(status="escalated", summary=str(err.cause))
        return Outcome(status="resolved", summary=said)
