"""The floor of the bench: what Temporal and the same Kubernetes calls cost without Firebreak.

Nothing of ours may be used here but the address of a cluster.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bench.watched import FLOOR, Call
from tools.controlplane.attach import address_of

Send = Callable[[str], Awaitable[None]]

FLOOR_QUEUE = "floor"
THREADS = 16
CALL_SECONDS_MAX = 10
# Logs, history, plan, ensure: the calls of the floor are dealt out to as many activities.
FLOOR_ACTIVITIES = 4


@workflow.defn(name="Floor", sandboxed=False)
class Floor:
    """The same calls, and nothing else."""

    @workflow.run
    async def run(self, calls: list[Call]) -> None:
        """Make them one after the other, the same number in each activity but the last."""
        size = -(-len(calls) // FLOOR_ACTIVITIES)
        for first in range(0, len(calls), size):
            await workflow.execute_activity(
                "floor.calls",
                args=[calls[first : first + size]],
                start_to_close_timeout=timedelta(seconds=CALL_SECONDS_MAX),
            )


class FloorActivities:
    """Kubernetes calls over plain HTTP; `differing` are answers that Firebreak did not get."""

    def __init__(self, kubeconfig: Path) -> None:
        address = address_of(kubeconfig)
        self.differing: list[str] = []
        self._http = httpx.Client(
            base_url=address.url,
            verify=address.context or False,
            headers={**dict(address.headers), "User-Agent": f"{FLOOR}1"},
            timeout=CALL_SECONDS_MAX,
        )

    @activity.defn(name="floor.calls")
    def make(self, calls: list[Call]) -> None:
        """Make them; a write sets an annotation, which is as much of a commit as a rollback is."""
        for call in calls:
            answer = self._write(call.uri) if call.verb == "patch" else self._http.get(call.uri)
            if answer.status_code != call.status:
                self.differing.append(f"{call.verb} {call.uri}: {answer.status_code}")

    def _write(self, uri: str) -> httpx.Response:
        return self._http.patch(
            uri,
            headers={"Content-Type": "application/merge-patch+json"},
            content=json.dumps({"metadata": {"annotations": {"floor": "written"}}}),
        ).raise_for_status()


def moved(calls: Sequence[Call], names: Mapping[str, str]) -> list[Call]:
    """The calls about another namespace and other pods: each old name, with its new one."""
    found = list(calls)
    for old, new in names.items():
        found = [Call(it.verb, it.uri.replace(old, new), it.status) for it in found]
    return found


@asynccontextmanager
async def floor(
    temporal: str, activities: FloorActivities, calls: Callable[[str], list[Call]]
) -> AsyncIterator[Send]:
    """A worker for the bare workflow, and what starts one with the calls of a namespace."""
    client = await Client.connect(temporal)

    async def send(namespace: str) -> None:
        words: dict[str, Any] = {"id": namespace, "task_queue": FLOOR_QUEUE}
        await client.start_workflow("Floor", calls(namespace), **words)

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
