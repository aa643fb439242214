"""Who is paged while an incident ends or changes hands is called, or the person hears why not."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from contracts.calls import RECORD, PageRequest, PersonRequest
from contracts.journal import Record, Recorded
from durable.conftest import Bench
from workflows.incident import Incident

pytestmark = pytest.mark.asyncio(loop_scope="session")

Handle = WorkflowHandle[Any, Any]
PAGE = PageRequest(person="ana", whom=("ben",))
BEN = PersonRequest(person="ben", reason="by hand")


async def writing(bench: Bench) -> Handle:
    """An incident whose runbook is in the middle of a write, which nothing interrupts."""
    handle = await bench.signal(bench.alert())
    bench.world.ensure_gate = asyncio.Event()
    await bench.decide(await bench.asked())
    await bench.until(lambda: bench.world.ensuring)
    return handle


def written(bench: Bench) -> None:
    """The write ends."""
    assert bench.world.ensure_gate is not None
    bench.world.ensure_gate.set()


async def refusal(handle: Handle, update: Any, request: PersonRequest) -> str:
    """What the person is told instead."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update(update, request)
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "AlreadyDecided"
    return str(caught.value.cause)


async def test_nobody_is_paged_to_what_is_being_closed(bench: Bench) -> None:
    """The close was accepted and waits for a write; who pages now is told so, and by whom."""
    handle = await writing(bench)
    await handle.execute_update(Incident.close, BEN)
    assert "ben is closing the incident" in await refusal(handle, Incident.page, PAGE)
    assert "ben is closing the incident" in await refusal(handle, Incident.take_over, PAGE)
    written(bench)
    await bench.until(lambda: bench.world.status == "closed")
    assert "paged" not in bench.world.types
    assert "is closed" in await refusal(handle, Incident.page, PAGE)


async def test_what_was_closed_and_reopened_may_be_paged_for(bench: Bench) -> None:
    """The close is over by then."""
    bench.world.runbook = None
    handle = await bench.signal(bench.alert())
    await bench.until(lambda: bench.world.status == "escalated")
    await handle.execute_update(Incident.close, BEN)
    await bench.until(lambda: bench.world.status == "closed")
    await bench.signal(bench.alert(minute=5))
    await bench.until(lambda: bench.world.types.count("escalated") == 2)
    await handle.execute_update(Incident.page, PAGE)
    await bench.until(lambda: bench.world.types[-1] == "paged")


async def test_a_page_does_not_wait_for_a_take_over(bench: Bench) -> None:
    """Whoever takes over waits for the write; whoever they call does not."""
    handle = await writing(bench)
    await handle.execute_update(Incident.take_over, BEN)
    await bench.until(lambda: bench.world.status == "taken_over")
    await handle.execute_update(Incident.page, PAGE)
    await handle.execute_update(Incident.page, PAGE.model_copy(update={"person": "ben"}))
    await bench.until(lambda: bench.world.types.count("paged") == 2)
    assert "outcome" not in bench.world.types
    written(bench)
    await bench.until(lambda: "outcome" in bench.world.types)
    assert bench.world.types.count("paged") == 2


async def test_a_page_stands_before_a_close_that_nobody_asked_for(idle_bench: Bench) -> None:
    """A take-over is forgotten and all is quiet; the page comes while that is written down."""
    world, client = idle_bench.world, idle_bench.environment.client
    world.runbook = None

    @activity.defn(name=RECORD)
    async def record(call: Record) -> Recorded:
        if any(line.type == "handed_back" for line in call.events):
            meanwhile = client.get_workflow_handle(idle_bench.target.workflow_id)
            await meanwhile.execute_update(Incident.page, PAGE)
        return await world.record(call)

    async with idle_bench.serving(activities=[record]):
        handle = await idle_bench.signal(idle_bench.alert())
        await handle.execute_update(Incident.take_over, BEN)
        await idle_bench.until(lambda: world.status == "taken_over")
        await idle_bench.signal(idle_bench.alert("resolved"))
        await idle_bench.until(lambda: world.types.count("alert") == 2)
        await idle_bench.environment.fast_forward(handle, timedelta(hours=4, seconds=1))
        await idle_bench.until(lambda: {"paged", "closed"} <= set(world.types))
    kinds = [kind for kind in world.types if kind in ("handed_back", "paged", "closed")]
    assert kinds == ["handed_back", "paged", "closed"]


async def test_a_take_over_that_meets_a_late_page_is_no_close(idle_bench: Bench) -> None:
    """All is quiet, a page is being written down, and somebody takes over: they have it."""
    world, client = idle_bench.world, idle_bench.environment.client
    world.runbook = None
    ana = PersonRequest(person="ana")

    @activity.defn(name=RECORD)
    async def record(call: Record) -> Recorded:
        kinds = [line.type for line in call.events]
        meanwhile = client.get_workflow_handle(idle_bench.target.workflow_id)
        if "handed_back" in kinds:
            await meanwhile.execute_update(Incident.page, PAGE)
        elif "paged" in kinds:
            await meanwhile.execute_update(Incident.take_over, ana)
        return await world.record(call)

    async with idle_bench.serving(activities=[record]):
        handle = await idle_bench.signal(idle_bench.alert())
        await handle.execute_update(Incident.take_over, BEN)
        await idle_bench.until(lambda: world.status == "taken_over")
        await idle_bench.signal(idle_bench.alert("resolved"))
        await idle_bench.until(lambda: world.types.count("alert") == 2)
        await idle_bench.environment.fast_forward(handle, timedelta(hours=4, seconds=1))
        await idle_bench.until(lambda: world.types.count("taken_over") == 2)
    assert "closed" not in world.types
