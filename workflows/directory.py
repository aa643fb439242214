"""Keeps who is in a group known between two questions, so that the doors need not read schedules.

Started by a schedule where the policy has groups. What it misses goes stale by itself, and then
nobody is in that group.
"""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleSpec,
)
from temporalio.service import RPCError, RPCStatusCode

from contracts.calls import QUEUE, REFRESH_GROUPS, RefreshCall, Refreshed
from workflows.calls import Timing, call

SCHEDULE = "groups"
EVERY = timedelta(minutes=1)
# The next round comes within a minute; a late answer would be an old one.
ROUND = Timing(attempt_seconds=40, total_seconds=55, attempts_max=3)


@workflow.defn
class RefreshGroups:
    """One round through all groups."""

    @workflow.run
    async def run(self) -> Refreshed:
        """Have every group read."""
        return await call(REFRESH_GROUPS, RefreshCall(), Refreshed, ROUND, summary="groups")


async def schedule_groups(client: Client, *, wanted: bool) -> None:
    """Have it run now and every minute, or no more where the policy has no groups; several workers
    may ask for it at once, and only the first one's request does anything.
    """
    if not wanted:
        await _unschedule(client)
        return
    action = ScheduleActionStartWorkflow(RefreshGroups.run, id=SCHEDULE, task_queue=QUEUE)
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)])
    with suppress(ScheduleAlreadyRunningError):
        minutely = Schedule(action=action, spec=spec)
        await client.create_schedule(SCHEDULE, minutely, trigger_immediately=True)


async def _unschedule(client: Client) -> None:
    try:
        await client.get_schedule_handle(SCHEDULE).delete()
    except RPCError as err:
        if err.status is not RPCStatusCode.NOT_FOUND:
            raise
