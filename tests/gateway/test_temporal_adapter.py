"""The adapter over the real client keeps the port's promises, on a real dev server."""

import asyncio
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from contracts.alert import AlertEnvelope
from contracts.calls import QUEUE, IncidentRef, IncidentStart, PersonRequest
from contracts.errors import AlreadyDecided, NotFound, Rejected, Unavailable
from gateway.app import connection
from gateway.temporal import Start, TemporalDoor, Update

pytestmark = pytest.mark.asyncio(loop_scope="session")


@workflow.defn(name="DoorTest", sandboxed=False)
class DoorTest:
    """Counts its alerts; refuses whoever is called ben, and breaks for eve."""

    def __init__(self) -> None:
        self.alerts = 0

    @workflow.run
    async def run(self, start: IncidentStart) -> int:
        """End after two alerts."""
        assert start.identity == "a/b"
        await workflow.wait_condition(lambda: self.alerts == 2)
        return self.alerts

    @workflow.signal
    def alert(self, envelope: AlertEnvelope) -> None:
        """Count."""
        assert envelope.body
        self.alerts += 1

    @workflow.update
    async def ask(self, request: PersonRequest) -> IncidentRef:
        """Answer."""
        return IncidentRef(incident=request.person, status="open")

    @ask.validator
    def _check(self, request: PersonRequest) -> None:
        if request.person == "ben":
            raise ApplicationError("taken", "look", "decided", type="AlreadyDecided")
        if request.person == "eve":
            raise ApplicationError("odd")


def begin() -> Start:
    """A workflow of its own."""
    return Start("DoorTest", f"door/{uuid4()}", IncidentStart(identity="a/b"))


def asking(person: str) -> Update:
    """An update in somebody's name."""
    return Update("ask", PersonRequest(person=person), uuid4().hex)


ENVELOPE = AlertEnvelope(body={"a": 1})


async def test_two_signals_reach_one_run(temporal: WorkflowEnvironment) -> None:
    """Signal-with-start the first time, plain the second; afterwards nobody is there."""
    door, start = TemporalDoor(connection(temporal.client)), begin()
    async with Worker(temporal.client, task_queue=QUEUE, workflows=[DoorTest]):
        await door.signal_with_start(start, "alert", ENVELOPE)
        assert await door.signal(start.id, "alert", ENVELOPE)
        assert await temporal.client.get_workflow_handle(start.id).result() == 2
        assert not await door.signal(start.id, "alert", ENVELOPE)


async def test_an_update_answers_or_refuses_by_its_type(temporal: WorkflowEnvironment) -> None:
    """The workflow's own words and fix come through."""
    door, start = TemporalDoor(connection(temporal.client)), begin()
    async with Worker(temporal.client, task_queue=QUEUE, workflows=[DoorTest]):
        ref = await door.update_with_start(start, asking("ana"), IncidentRef)
        assert ref == IncidentRef(incident="ana", status="open")
        assert (await door.update(start.id, asking("mia"), IncidentRef)).incident == "mia"
        with pytest.raises(AlreadyDecided, match="taken") as caught:
            await door.update(start.id, asking("ben"), IncidentRef)
        assert caught.value.fix == "look"
        with pytest.raises(Rejected, match="odd"):
            await door.update(start.id, asking("eve"), IncidentRef)


async def test_an_update_that_nobody_takes_is_given_up(temporal: WorkflowEnvironment) -> None:
    """No worker runs: the caller is told in time."""
    door, start = TemporalDoor(connection(temporal.client)), begin()
    await door.signal_with_start(start, "alert", ENVELOPE)
    update = asking("ana")._replace(within_seconds=0.3)
    with pytest.raises(Unavailable):
        await door.update(start.id, update, IncidentRef)
    await temporal.client.get_workflow_handle(start.id).terminate()


async def test_what_does_not_run_is_not_found(temporal: WorkflowEnvironment) -> None:
    """For updates an error, because a person waits for the answer."""
    door = TemporalDoor(connection(temporal.client))
    await door.ping()
    with pytest.raises(NotFound):
        await door.update("door/none", asking("ana"), IncidentRef)


async def test_a_temporal_that_is_away_is_unavailable() -> None:
    """At the first use, and again at the next."""

    async def connect() -> Client:
        return await Client.connect("127.0.0.1:9")

    door = TemporalDoor(connect)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await door.signal_with_start(begin(), "alert", ENVELOPE)
    with pytest.raises(Unavailable):
        await door.ping()


async def test_a_connection_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A door answers its caller, whatever the network does."""
    monkeypatch.setattr("gateway.temporal.CONNECT_SECONDS", 0.05)

    async def connect() -> Client:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Unavailable):
        await TemporalDoor(connect).ping()
