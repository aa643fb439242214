"""Plays a runbook on a real Temporal server with time skipping, by the same script.

It is slower than the sandbox and proves more: the server's own timers, histories and retries.
One dynamic activity asks the same world for every answer, so that the transcript is the same.
A check that fails is answered at once here, because a server skips no time while an activity is
under way: a loop that checks until a deadline has passed is for the sandbox.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import RawValue, WorkflowIDConflictPolicy
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from contracts.approval import Decision
from contracts.calls import QUEUE, cluster_queue
from contracts.case import Case
from contracts.errors import FirebreakError
from workflows.authoring.play import jobs
from workflows.authoring.play.engine import children_of, folder_of, name_of
from workflows.authoring.play.explaining import Explained
from workflows.authoring.play.player import PLAIN, case_for, require_signals
from workflows.authoring.play.stage import NO_SIGNAL_FIX, outcome_in
from workflows.authoring.play.transcript import Play
from workflows.authoring.play.troubles import CannotPlay, NeverEnds, PlayTrouble
from workflows.authoring.play.watching import (
    Handle,
    end,
    failure_of,
    pending_before,
    state_of,
    timers_of,
)
from workflows.authoring.play.witness import Witnessing
from workflows.authoring.play.world import Script, World
from workflows.calls import refusal

TURNS_MAX = 2_000
IDLE_SECONDS_MAX = 30
_POLL_SECONDS = 0.01
NOW = timedelta(0)


async def play_on_server(
    environment: WorkflowEnvironment, runbook: type, case: Case, script: Script = PLAIN
) -> Play:
    """Play the class for a case; `environment` skips time and has `firebreak_plugin()`.

    Raises:
        PlayTrouble: as `play` does.

    """
    require_signals(runbook, script)
    world = World(script)
    theatre = Theatre(environment, world, runbook, script)
    try:
        return await theatre.play(case_for(runbook, case))
    except PlayTrouble as trouble:
        trouble.transcript = world.transcript.lines
        raise


class Theatre:
    """One run on the server, and the workers that serve it."""

    def __init__(
        self, environment: WorkflowEnvironment, world: World, runbook: type, script: Script
    ) -> None:
        self._environment = environment
        self._world = world
        self._runbook = runbook
        self._known = script.known
        self._signals = script.spoken()
        self._notes: list[str] = []
        self._explained = Explained(self._notes, folder_of(runbook))
        self._trouble: PlayTrouble | None = None
        self._waited: set[tuple[str, int]] = set()
        self._answered: set[tuple[str, str]] = set()

    async def play(self, case: Case) -> Play:
        """Start it, and speak and skip time for it until it has ended."""
        async with self._serving(case), self._started(case) as handle:
            for _ in range(TURNS_MAX):
                if not await self._idle(handle):
                    return await self._ended(handle)
                if not await self._somebody_speaks(handle):
                    await self._skip(handle)
            raise NeverEnds(f"no outcome after {TURNS_MAX} turns")

    @asynccontextmanager
    async def _serving(self, case: Case) -> AsyncIterator[None]:
        client, witness = self._environment.client, Witnessing(self._notes)
        flows = list({self._runbook, *children_of(self._runbook, self._known)})
        with self._explained:
            books = Worker(
                client,
                task_queue=QUEUE,
                workflows=flows,
                activities=[self._any_activity()],
                interceptors=[witness],
            )
        queue = cluster_queue(case.target.cluster)
        async with books, Worker(client, task_queue=queue, activities=[self._any_activity()]):
            yield

    @asynccontextmanager
    async def _started(self, case: Case) -> AsyncIterator[Handle]:
        with self._environment.with_time_skipping_disabled():
            handle: Handle = await self._environment.client.start_workflow(
                case.runbook,
                case,
                id=f"runbook/{case.key}",
                task_queue=QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
            )
        try:
            yield handle
        finally:
            await end(self._environment.client, handle)

    def _any_activity(self) -> Callable[..., Coroutine[Any, Any, Any]]:
        @activity.defn(dynamic=True)
        async def any_activity(arguments: Sequence[RawValue]) -> Any:
            given = [jobs.value_of(value.payload) for value in arguments]
            await self._in_turn(activity.info())
            try:
                return self._world.answer(activity.info().activity_type, *(given or [None])[:1])
            except FirebreakError as err:
                self._trouble = err if isinstance(err, PlayTrouble) else self._trouble
                raise refusal(err) from err

        return any_activity

    async def _in_turn(self, asked: activity.Info) -> None:
        """Wait until no activity that the run has asked for earlier is unanswered: the server
        hands out what was asked for at once in any order, and transcripts are compared.
        """
        run = self._environment.client.get_workflow_handle(asked.workflow_id or "")
        async with asyncio.timeout(IDLE_SECONDS_MAX):
            while await pending_before(run, asked.activity_id, self._answered):
                await asyncio.sleep(_POLL_SECONDS)
        self._answered.add((run.id, asked.activity_id))

    async def _idle(self, handle: Handle) -> bool:
        """Wait until nothing is under way; False when the run has ended."""
        try:
            async with asyncio.timeout(IDLE_SECONDS_MAX):
                while (state := await state_of(self._environment.client, handle)) == "busy":
                    self._raise_trouble()
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise NeverEnds(f"something takes longer than {IDLE_SECONDS_MAX} s") from None
        self._raise_trouble()
        if state == "stuck":
            raise self._explained.paused(await failure_of(self._environment.client, handle))
        return state == "idle"

    def _raise_trouble(self) -> None:
        if self._trouble is not None:
            raise self._trouble

    async def _somebody_speaks(self, handle: Handle) -> bool:
        decision = self._world.people.next_decision()
        if decision is not None:
            await self._decide(decision)
            return True
        if not self._signals:
            return False
        name, *arguments = self._signals.pop(0)
        self._world.signalled(name, arguments)
        await handle.signal(name, args=arguments)
        return True

    async def _decide(self, decision: Decision) -> None:
        asked_by = self._world.people.asked_by(decision)
        run = self._environment.client.get_workflow_handle(asked_by)
        try:
            await run.execute_update("decide", decision, id=decision.update_id)
        except WorkflowUpdateFailedError as err:
            self._world.people.refused(decision, str(err.cause))

    async def _skip(self, handle: Handle) -> None:
        """Let the next timer fire; one that is firing is given a moment."""
        running = await timers_of(self._environment, handle)
        if running is None:
            await asyncio.sleep(_POLL_SECONDS)
            return
        if not running:
            raise NeverEnds("it waits for something that never comes", NO_SIGNAL_FIX)
        first = min(running)
        if first.key in self._waited:
            await asyncio.sleep(_POLL_SECONDS)
            return
        if first.is_parents:
            text = "a server skips no time of a runbook while another one runs as its child"
            raise CannotPlay(text, "Play it without a server, with `run_runbook`.")
        self._waited.add(first.key)
        self._world.waited(first.span, first.summary)
        async with asyncio.timeout(IDLE_SECONDS_MAX):
            await self._environment.fast_forward(first.owner, max(first.left, NOW))

    async def _ended(self, handle: Handle) -> Play:
        try:
            outcome = outcome_in(await handle.result(), name_of(self._runbook))
        except WorkflowFailureError as err:
            failure = getattr(err.cause, "failure", None)
            if failure is None:
                raise NeverEnds(f"it was ended by the server: {err.cause}") from err
            raise self._explained.failed(failure) from None
        return self._world.ended(outcome)
