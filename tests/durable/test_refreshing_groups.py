"""Groups are read every minute, by a schedule that exists once and only where there are groups."""

from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.client import ScheduleActionExecutionStartWorkflow
from temporalio.service import RPCError

from contracts.calls import QUEUE, REFRESH_GROUPS, RefreshCall, Refreshed
from durable.conftest import Bench
from workflows.directory import SCHEDULE, RefreshGroups, schedule_groups

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_history_says_which_groups_were_read(idle_bench: Bench) -> None:
    """And which were not."""

    @activity.defn(name=REFRESH_GROUPS)
    async def refresh(_: RefreshCall) -> Refreshed:
        return Refreshed(read=("oncall:primary",), unread=("usergroup:S01",))

    async with idle_bench.serving([RefreshGroups], activities=[refresh]):
        done = await idle_bench.environment.client.execute_workflow(
            RefreshGroups.run, id="groups-now", task_queue=QUEUE
        )
    assert (done.read, done.unread) == (("oncall:primary",), ("usergroup:S01",))


async def test_every_worker_may_ask_for_the_schedule(idle_bench: Bench) -> None:
    """The second request changes nothing; a policy without groups ends it, twice if need be."""
    client = idle_bench.environment.client
    for _ in range(2):
        await schedule_groups(client, wanted=True)
    described = await client.get_schedule_handle(SCHEDULE).describe()
    assert described.schedule.spec.intervals[0].every == timedelta(minutes=1)
    # At once, so that no door is shut for a minute; not once more by the second worker.
    at_once = [run for run in described.info.recent_actions if run.scheduled_at.microsecond]
    assert len(at_once) == 1
    started = at_once[0].action
    assert isinstance(started, ScheduleActionExecutionStartWorkflow)
    await client.get_workflow_handle(started.workflow_id).terminate("nobody serves it here")
    for _ in range(2):
        await schedule_groups(client, wanted=False)
    with pytest.raises(RPCError):
        await client.get_schedule_handle(SCHEDULE).describe()
