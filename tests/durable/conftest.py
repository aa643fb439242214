"""A bench for workflows: the real dev server, the real workflows, a fake world around them."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio
from temporalio.client import WithStartWorkflowOperation, WorkflowHandle, WorkflowHistory
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import runbooks
from contracts.alert import Alert, AlertEnvelope
from contracts.approval import Approval, Decision
from contracts.calls import (
    NOTIFY_QUEUE,
    QUEUE,
    IncidentRef,
    IncidentStart,
    RunRequest,
    cluster_queue,
)
from contracts.case import Case
from contracts.target import Target
from durable import faulty_runbooks
from durable.fake_activities import FakeWorld
from workflows.authoring.folders import load
from workflows.incident import Incident
from workflows.messenger import Messenger
from workflows.triage import Triage

BEGIN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
EVENTUALLY_SECONDS = 60
ATTEMPTS_MAX = 4
SHIPPED = load(runbooks).classes


class Bench:
    """One test's world, target and workers."""

    def __init__(self, environment: WorkflowEnvironment) -> None:
        self.environment = environment
        self.world = FakeWorld()
        name = f"user-auth-{uuid.uuid4().hex[:8]}"
        self.target = Target(cluster="default", namespace="shop", kind="Deployment", name=name)
        self._started: list[WorkflowHandle[Any, Any]] = []

    def alert(self, status: str = "firing", minute: int = 0, fingerprint: str = "aa") -> Alert:
        """An alert about the target; `minute` tells one episode from the next."""
        return Alert.model_validate(
            {
                "source": "am",
                "fingerprint": fingerprint,
                "status": status,
                "name": "HighUserAuthLatency",
                "labels": {"alertname": "HighUserAuthLatency", "severity": "critical"},
                "starts_at": BEGIN + timedelta(minutes=minute),
                "target": self.target,
            }
        )

    async def signal(self, alert: Alert) -> WorkflowHandle[Any, Any]:
        """Signal-with-start the incident, as the door does; its clock stands still."""
        with self.environment.with_time_skipping_disabled():
            handle = await self.environment.client.start_workflow(
                Incident.run,
                IncidentStart(target=self.target),
                id=self.target.workflow_id,
                task_queue=QUEUE,
                start_signal="alert",
                start_signal_args=[AlertEnvelope.seal(alert)],
            )
        self._started.append(handle)
        return handle

    async def asks_for(self, request: RunRequest) -> IncidentRef:
        """Ask for a run, as the door does: the incident is opened where there is none."""
        operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            Incident.run,
            IncidentStart(target=self.target),
            id=self.target.workflow_id,
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        client = self.environment.client
        answer: IncidentRef = await client.execute_update_with_start_workflow(
            "run", request, start_workflow_operation=operation, result_type=IncidentRef
        )
        self._started.append(client.get_workflow_handle(self.target.workflow_id))
        return answer

    async def start(self, runbook: Any, **facts: Any) -> WorkflowHandle[Any, Any]:
        """Start a runbook alone, without an incident."""
        case = Case(
            incident=f"inc-{uuid.uuid4().hex[:12]}",
            attempt=1,
            runbook="under_test",
            target=self.target,
            **facts,
        )
        with self.environment.with_time_skipping_disabled():
            handle = await self.environment.client.start_workflow(
                runbook.run, case, id=f"runbook/{case.key}", task_queue=QUEUE
            )
        self._started.append(handle)
        return handle

    async def asked(self, number: int = 1) -> Approval:
        """The approval of that number, once it is open."""
        await self.until(lambda: len(self.world.approvals) >= number)
        return self.world.approvals[number - 1]

    async def decide(
        self, approval: Approval, person: str = "ana", decision: str = "approve", reason: str = ""
    ) -> Approval:
        """Answer, as the door does."""
        said = Decision.model_validate(
            {
                "approval": approval.id,
                "person": person,
                "decision": decision,
                "reason": reason,
                "digest": approval.plan.digest,
            }
        )
        handle = self.environment.client.get_workflow_handle(approval.workflow)
        answer: Approval = await handle.execute_update(
            "decide", said, id=said.update_id, result_type=Approval
        )
        return answer

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for something that workflows bring about, for a bounded time."""
        async with asyncio.timeout(EVENTUALLY_SECONDS):
            while not holds():
                await asyncio.sleep(0.01)

    async def stuck(self, handle: WorkflowHandle[Any, Any]) -> None:
        """Wait until the server has retried the run's workflow task."""
        async with asyncio.timeout(EVENTUALLY_SECONDS):
            while (await _attempts(handle)) <= 1:
                await asyncio.sleep(0.05)

    async def until_listed(self, handle: WorkflowHandle[Any, Any]) -> None:
        """Wait until the server's list, which lags behind, knows that the run has ended."""
        query = f"WorkflowId = '{handle.id}' AND ExecutionStatus != 'Running'"
        async with asyncio.timeout(EVENTUALLY_SECONDS):
            while not [run async for run in self.environment.client.list_workflows(query)]:
                await asyncio.sleep(0.05)

    async def cancelled(self, handle: WorkflowHandle[Any, Any]) -> None:
        """Cancel a run, and wait until its workflow code has heard of it."""
        await handle.cancel()
        async with asyncio.timeout(EVENTUALLY_SECONDS):
            while not _has_heard(await handle.fetch_history()):
                await asyncio.sleep(0.02)

    async def end(self) -> None:
        """Terminate what still runs, so that the next test's worker does not meet it."""
        client = self.environment.client
        children = {
            f"runbook/{record.incident}/{number}"
            for record in self.world.records
            for number in range(1, ATTEMPTS_MAX)
        }
        for handle in [*map(client.get_workflow_handle, sorted(children)), *self._started]:
            with suppress(RPCError):
                await handle.terminate("the test is over")

    @asynccontextmanager
    async def serving(
        self,
        runbook_classes: Sequence[type] = SHIPPED,
        activities: Sequence[Callable[..., Any]] = (),
        **options: Any,
    ) -> AsyncIterator[None]:
        """Workers on all queues; `activities` replace the fake ones of the same name."""
        client = self.environment.client
        async with AsyncExitStack() as workers:
            for queue in (QUEUE, cluster_queue("default"), NOTIFY_QUEUE):
                flows = [Incident, Triage, Messenger, *runbook_classes]
                worker = Worker(
                    client,
                    task_queue=queue,
                    workflows=flows if queue == QUEUE else [],
                    activities=self.world.all(activities),
                    **options,
                )
                await workers.enter_async_context(worker)
            yield


def _has_heard(history: WorkflowHistory) -> bool:
    """Whether a workflow task has ended after the cancellation was requested."""
    events = history.events
    asked = [e.event_id for e in events if e.HasField(
        "workflow_execution_cancel_requested_event_attributes"
    )]  # fmt: skip
    done = [e.event_id for e in events if e.HasField("workflow_task_completed_event_attributes")]
    return bool(asked) and max(done, default=0) > asked[0]


async def _attempts(handle: WorkflowHandle[Any, Any]) -> int:
    described = await handle.describe()
    attempts: int = described.raw_description.pending_workflow_task.attempt
    return attempts


@pytest_asyncio.fixture(loop_scope="session", name="idle_bench")
async def _idle_bench(temporal: WorkflowEnvironment) -> AsyncIterator[Bench]:
    """A bench on which no worker runs yet."""
    bench = Bench(temporal)
    yield bench
    await bench.end()


@pytest_asyncio.fixture(loop_scope="session", name="bench")
async def _bench(idle_bench: Bench) -> AsyncIterator[Bench]:
    """A bench with a worker for everything that ships, and for the faulty runbooks."""
    async with idle_bench.serving([*SHIPPED, *faulty_runbooks.ALL]):
        yield idle_bench
