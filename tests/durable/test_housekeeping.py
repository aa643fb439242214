"""Evidence is deleted after thirty days, by a schedule that exists once."""

from datetime import timedelta

import pytest
from temporalio import activity

from contracts.calls import FORGET, QUEUE, ForgetCall, Forgotten
from durable.conftest import Bench
from workflows.housekeeping import SCHEDULE, Housekeeping, schedule_housekeeping

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_is_older_than_thirty_days_is_forgotten(idle_bench: Bench) -> None:
    """By the workflow's own clock."""
    asked: list[ForgetCall] = []

    @activity.defn(name=FORGET)
    async def forget(call: ForgetCall) -> Forgotten:
        asked.append(call)
        return Forgotten(evidence=7)

    async with idle_bench.serving([Housekeeping], activities=[forget]):
        client = idle_bench.environment.client
        handle = await client.start_workflow(
            Housekeeping.run, id="housekeeping-now", task_queue=QUEUE
        )
        done = await handle.result()
        began = (await handle.describe()).start_time

    assert done.evidence == 7
    assert abs(began - asked[0].before - timedelta(days=30)) < timedelta(seconds=5)


async def test_every_worker_may_ask_for_the_schedule(idle_bench: Bench) -> None:
    """The second request changes nothing."""
    client = idle_bench.environment.client
    for _ in range(2):
        await schedule_housekeeping(client)

    described = await client.get_schedule_handle(SCHEDULE).describe()

    assert described.schedule.spec.intervals[0].every == timedelta(days=1)
    await client.get_schedule_handle(SCHEDULE).delete()
