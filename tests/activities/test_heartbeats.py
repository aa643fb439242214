"""Heartbeats of activities that never think of them: tried on the real Temporal server."""

import asyncio
import os
import signal
import sys
import textwrap
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError, is_cancelled_exception
from temporalio.testing import WorkflowEnvironment

Serve = Callable[..., Any]
Start = Callable[..., Awaitable[WorkflowHandle[Any, Any]]]
Until = Callable[..., Awaitable[None]]

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEARTBEAT_SECONDS = 1.0
DOOMED_WORKER = """
    import asyncio, sys, threading
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

    from temporalio import activity
    from temporalio.client import Client
    from temporalio.worker import Worker

    from activities.errors import ErrorInterceptor
    from activities.heartbeat import HeartbeatInterceptor
    from workflows.plugin import firebreak_plugin


    @activity.defn(name="long")
    def long():
        activity.heartbeat("half way")
        Path(sys.argv[3]).write_text("started")
        threading.Event().wait(60)


    async def main():
        client = await Client.connect(sys.argv[1], plugins=[firebreak_plugin()])
        interceptors = [ErrorInterceptor(), HeartbeatInterceptor()]
        with ThreadPoolExecutor(2) as threads:
            await Worker(
                client, task_queue=sys.argv[2], activities=[long],
                activity_executor=threads, interceptors=interceptors,
            ).run()


    asyncio.run(main())
"""


class Slow:
    """A sync activity that waits in its thread and beats no heart of its own."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.started = threading.Event()
        self.cancelled = threading.Event()
        self.attempts: list[int] = []
        self.progress: list[tuple[Any, ...]] = []

    @activity.defn(name="slow")
    def run(self) -> str:
        """Wait in small pieces: an exception reaches a thread between them."""
        self._note()
        nobody = threading.Event()
        try:
            for _ in range(int(self._seconds * 20)):
                nobody.wait(0.05)
        except CancelledError:
            self.cancelled.set()
            raise
        return "done"

    @activity.defn(name="long")
    def long(self) -> str:
        """End at once, having noted what the attempt before had left."""
        self._note()
        return "done by the second"

    def _note(self) -> None:
        info = activity.info()
        self.attempts.append(info.attempt)
        self.progress.append(tuple(info.heartbeat_details))
        self.started.set()


async def test_a_silent_activity_outlives_its_heartbeat_timeout(serve: Serve, start: Start) -> None:
    """Three timeouts long, and the server never takes it for dead."""
    slow = Slow(seconds=3 * HEARTBEAT_SECONDS)
    async with serve([slow.run]) as queue:
        handle = await start(queue, "slow", heartbeat_seconds=HEARTBEAT_SECONDS, attempts_max=3)
        assert await handle.result() == "done"
    assert slow.attempts == [1]


async def test_a_cancellation_reaches_a_silent_activity(
    serve: Serve, start: Start, until: Until
) -> None:
    """The beats bring it, the thread is told, and the workflow waits until it has ended."""
    slow = Slow(seconds=30)
    async with serve([slow.run]) as queue:
        handle = await start(queue, "slow", heartbeat_seconds=HEARTBEAT_SECONDS)
        await until(slow.started.is_set)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as caught:
            await asyncio.wait_for(handle.result(), 10)
    assert is_cancelled_exception(caught.value.cause)
    assert slow.cancelled.is_set()


async def test_a_killed_worker_is_noticed_and_its_progress_kept(
    temporal: WorkflowEnvironment, serve: Serve, start: Start, until: Until, tmp_path: Path
) -> None:
    """Killed without a word, long before the attempt's own 60 s the next worker goes on from what
    the activity last said, although empty beats came after it.
    """
    begun, program = tmp_path / "begun", tmp_path / "doomed.py"
    program.write_text(textwrap.dedent(DOOMED_WORKER))
    slow = Slow(seconds=0)
    address = temporal.client.service_client.config.target_host
    async with serve([]) as queue:
        handle = await start(queue, "long", heartbeat_seconds=HEARTBEAT_SECONDS, attempts_max=3)
        doomed = await asyncio.create_subprocess_exec(
            sys.executable, str(program), address, queue, str(begun), env=environment()
        )
        await until(begun.exists, 30)
        await asyncio.sleep(HEARTBEAT_SECONDS)
        doomed.send_signal(signal.SIGKILL)
        await doomed.wait()
    async with serve([slow.long], queue):
        assert await asyncio.wait_for(handle.result(), 20) == "done by the second"
    assert slow.attempts == [2]
    assert slow.progress == [("half way",)]


def environment() -> dict[str, str]:
    """The environment of a process that finds our modules."""
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": root}
