"""Real books in a SQLite file, and a workflow that only runs one activity and fails with it."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from temporalio import workflow
from temporalio.client import WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.errors import ErrorInterceptor
from activities.heartbeat import HeartbeatInterceptor
from toil.database import open_engine, upgrade

Serve = Callable[[Sequence[Callable[..., Any]]], AbstractAsyncContextManager[str]]
Start = Callable[..., Awaitable[WorkflowHandle[Any, Any]]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The books, empty and migrated."""
    engine = open_engine(f"sqlite:///{tmp_path / 'books.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@workflow.defn(name="Probe", sandboxed=False)
class Probe:
    """Runs the activity `name` once, with the heartbeat timeout and attempts it is told."""

    @workflow.run
    async def run(self, name: str, heartbeat_seconds: float, attempts_max: int) -> Any:
        """Give back what the activity gives; fail as it fails; wait for its cancellation."""
        return await workflow.execute_activity(
            name,
            start_to_close_timeout=timedelta(seconds=60),
            heartbeat_timeout=timedelta(seconds=heartbeat_seconds),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            retry_policy=RetryPolicy(
                initial_interval=timedelta(milliseconds=10), maximum_attempts=attempts_max
            ),
        )


@pytest.fixture
def serve(temporal: WorkflowEnvironment) -> Serve:
    """A worker with our interceptors on a queue of its own; the context gives its name."""

    @asynccontextmanager
    async def serving(activities: Sequence[Callable[..., Any]], queue: str = "") -> Any:
        queue = queue or uuid.uuid4().hex
        with ThreadPoolExecutor(4) as threads:
            async with Worker(
                temporal.client,
                task_queue=queue,
                workflows=[Probe],
                activities=activities,
                activity_executor=threads,
                interceptors=[ErrorInterceptor(), HeartbeatInterceptor()],
            ):
                yield queue

    return serving


@pytest.fixture
def start(temporal: WorkflowEnvironment) -> Start:
    """Start the probe; its clock is the real one."""

    async def starting(
        queue: str, name: str, *, heartbeat_seconds: float = 10, attempts_max: int = 1
    ) -> WorkflowHandle[Any, Any]:
        with temporal.with_time_skipping_disabled():
            return await temporal.client.start_workflow(
                "Probe",
                args=[name, heartbeat_seconds, attempts_max],
                id=f"probe-{uuid.uuid4().hex}",
                task_queue=queue,
            )

    return starting


async def until(holds: Callable[[], bool], timeout_seconds: float = 20) -> None:
    """Wait, on the event loop, for something that a thread or a process brings about."""
    async with asyncio.timeout(timeout_seconds):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.fixture(name="until")
def _until() -> Callable[..., Awaitable[None]]:
    """The waiting, as a fixture, because test folders are no packages."""
    return until
