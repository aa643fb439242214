"""Handing alerts to incidents, on the real Temporal server; finding them in the real journal."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Engine
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from activities.intake import IntakeActivities
from contracts.alert import Alert, AlertEnvelope
from contracts.calls import QUEUE, IncidentStart, LocateCall, RouteCall
from contracts.errors import Rejected, Unavailable
from contracts.journal import IncidentChange, Record
from contracts.target import Target
from toil.journal import Journal
from workflows.plugin import firebreak_plugin

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def target() -> Target:
    """A workload of its own for each test."""
    name = f"user-auth-{uuid.uuid4().hex[:8]}"
    return Target(cluster="default", namespace="shop", kind="Deployment", name=name)


def alert(target: Target, status: str = "firing", **changes: Any) -> Alert:
    """An alert about that workload."""
    given = {
        "source": "am",
        "fingerprint": "aa",
        "status": status,
        "name": "HighLatency",
        "starts_at": NOON,
        "target": target,
    }
    return Alert.model_validate(given | changes)


@pytest_asyncio.fixture(loop_scope="session")
async def incident(
    temporal: WorkflowEnvironment, target: Target
) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """The handle of what a test may start; ended afterwards, if it was. No worker runs it."""
    handle = temporal.client.get_workflow_handle(target.workflow_id)
    with temporal.with_time_skipping_disabled():
        yield handle
    # A test may have started nothing.
    with suppress(RPCError):
        await handle.terminate("the test is over")


async def signals_of(handle: WorkflowHandle[Any, Any]) -> list[Alert]:
    """The alerts that its history holds."""
    history = await handle.fetch_history()
    return [
        AlertEnvelope.model_validate_json(
            event.workflow_execution_signaled_event_attributes.input.payloads[0].data
        ).open()
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    ]


async def test_a_firing_alert_starts_its_incident_with_itself(
    temporal: WorkflowEnvironment, engine: Engine, target: Target, incident: Any
) -> None:
    """One durable call; the type, the queue and the argument are what the worker expects."""
    intake = IntakeActivities(Journal(engine), temporal.client)
    routed = await intake.route(RouteCall(workflow=target.workflow_id, alert=alert(target)))
    assert routed.taken
    described = await incident.describe()
    assert (described.workflow_type, described.task_queue) == ("Incident", QUEUE)
    history = await incident.fetch_history()
    started = history.events[0].workflow_execution_started_event_attributes
    start = IncidentStart.model_validate_json(started.input.payloads[0].data)
    assert (start.target, start.identity) == (target, "am/aa")
    assert await signals_of(incident) == [alert(target)]


async def test_a_second_alert_joins_the_running_incident(
    temporal: WorkflowEnvironment, engine: Engine, target: Target, incident: Any
) -> None:
    """One run, two signals, in their order; the second is the end of the first."""
    intake = IntakeActivities(Journal(engine), temporal.client)
    first, second = alert(target), alert(target, "resolved", ends_at=NOON)
    await intake.route(RouteCall(workflow=target.workflow_id, alert=first))
    run = (await incident.describe()).run_id
    other = alert(target, fingerprint="bb")
    await intake.route(RouteCall(workflow=target.workflow_id, alert=other))
    assert (await intake.route(RouteCall(workflow=target.workflow_id, alert=second))).taken
    assert (await incident.describe()).run_id == run
    assert await signals_of(incident) == [first, other, second]


async def test_a_resolve_that_nobody_waits_for_starts_nothing(
    temporal: WorkflowEnvironment, engine: Engine, target: Target, incident: Any
) -> None:
    """It is not taken, and no incident appears."""
    intake = IntakeActivities(Journal(engine), temporal.client)
    resolved = alert(target, "resolved")
    routed = await intake.route(RouteCall(workflow=target.workflow_id, alert=resolved))
    assert not routed.taken
    with pytest.raises(RPCError, match="not found"):
        await incident.describe()


async def test_an_alert_that_temporal_never_takes_is_rejected(
    temporal: WorkflowEnvironment, engine: Engine, target: Target, incident: Any
) -> None:
    """More than 2 MB in one signal is refused for good, so it is not sent again and again."""
    intake = IntakeActivities(Journal(engine), temporal.client)
    huge = alert(target, labels={"a": "x" * 2_200_000})
    with pytest.raises(Rejected, match="INVALID_ARGUMENT") as caught:
        await intake.route(RouteCall(workflow=target.workflow_id, alert=huge))
    assert "shorten" in caught.value.fix
    assert incident.id == target.workflow_id


class Line:
    """A TCP line to the server that can be cut, or go silent, in the middle of things."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._far = (host, int(port))
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._open = asyncio.Event()
        self._open.set()

    async def listen(self) -> str:
        """Open the near end; returns its address."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._far)
        self._writers += [writer, far_writer]
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                await self._open.wait()
                writer.write(data)

    async def fail(self, how: str) -> None:
        """Cut the line, or leave it open and say nothing any more."""
        if how == "silent":
            self._open.clear()
        else:
            await self.close()

    async def close(self) -> None:
        """Hang up."""
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.close()
        self._open.set()


@pytest.mark.parametrize("status", ["firing", "resolved"])
@pytest.mark.parametrize("how", ["cut", "silent"])
async def test_without_temporal_nothing_is_taken(
    temporal: WorkflowEnvironment, engine: Engine, target: Target, status: str, how: str
) -> None:
    """It may come back, so the activity is tried again; a silent server is given 3 s."""
    line = Line(temporal.client.service_client.config.target_host)
    client = await Client.connect(await line.listen(), plugins=[firebreak_plugin()])
    await line.fail(how)
    intake = IntakeActivities(Journal(engine), client)
    try:
        with pytest.raises(Unavailable, match="Temporal did not take the alert"):
            await asyncio.wait_for(
                intake.route(RouteCall(workflow=target.workflow_id, alert=alert(target, status))),
                timeout=6,
            )
    finally:
        await line.close()


async def test_the_incident_that_holds_an_alert_is_found_in_the_journal(engine: Engine) -> None:
    """By identity, while it fires; the alert need not name a target."""
    journal = Journal(engine)
    held = alert(Target(cluster="c", namespace="n", kind="Deployment", name="x"))
    change = IncidentChange(workflow="incident/c/n/Deployment/x", opened_at=NOON)
    journal.record(Record(incident="inc-1", change=change, alerts=(held,)))
    intake = IntakeActivities(journal, client=None)  # type: ignore[arg-type]  # not asked here
    located = intake.locate(LocateCall(identity=held.identity))
    assert located.workflow == "incident/c/n/Deployment/x"
    assert intake.locate(LocateCall(identity="am/other")).workflow is None
