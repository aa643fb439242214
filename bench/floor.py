"""The floor of the bench: what Temporal and the same Kubernetes calls cost without Firebreak.

Nothing of ours may be used here but the sandbox's address.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import httpx
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from sandbox.server import SandboxServer

Send = Callable[[str], Awaitable[None]]

FLOOR_QUEUE = "floor"
THREADS = 16
# Logs, history, plan, ensure: the calls of the floor are dealt out to as many activities.
FLOOR_ACTIVITIES = 4


class Call(NamedTuple):
    """One Kubernetes call of Firebreak between alert and write, as the sandbox saw it."""

    verb: str
    path: str
    dry_run: bool


@workflow.defn(name="Floor", sandboxed=False)
class Floor:
    """The same calls, and nothing else."""

    @workflow.run
    async def run(self, calls: list[Call], number: str) -> None:
        """Make them one after the other, the same number in each activity but the last."""
        size = -(-len(calls) // FLOOR_ACTIVITIES)
        for first in range(0, len(calls), size):
            await workflow.execute_activity(
                "floor.calls",
                args=[calls[first : first + size], number],
                start_to_close_timeout=timedelta(seconds=10),
            )


class FloorActivities:
    """Kubernetes calls over plain HTTP."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "User-Agent": FLOOR_QUEUE}
        self._http = httpx.Client(base_url=url, headers=headers)

    @activity.defn(name="floor.calls")
    def make(self, calls: list[list[Any]], number: str) -> None:
        """Make them; a write sets an annotation, which is as much of a commit as a rollback is."""
        for verb, path, dry_run in calls:
            if verb == "patch":
                self._write(path, number, dry_run=dry_run)
            else:
                self._http.get(path)

    def _write(self, path: str, number: str, *, dry_run: bool) -> None:
        self._http.patch(
            path,
            params={"dryRun": "All"} if dry_run else {},
            headers={"Content-Type": "application/merge-patch+json"},
            content=json.dumps({"metadata": {"annotations": {"floor": number}}}),
        ).raise_for_status()


@asynccontextmanager
async def floor(address: str, sandbox: SandboxServer, calls: list[Call]) -> AsyncIterator[Send]:
    """A worker for the bare workflow, and what starts one by its number."""
    client = await Client.connect(address)
    activities = FloorActivities(sandbox.url, next(iter(sandbox.tokens)))

    async def send(number: str) -> None:
        words: dict[str, Any] = {"id": f"floor-{number}", "task_queue": FLOOR_QUEUE}
        await client.start_workflow("Floor", args=[calls, number], **words)

    with ThreadPoolExecutor(THREADS) as threads:
        async with Worker(
            client,
            task_queue=FLOOR_QUEUE,
            workflows=[Floor],
            activities=[activities.make],
            activity_executor=threads,
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            yield send
