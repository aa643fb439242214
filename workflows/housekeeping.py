"""What time deletes: evidence is kept for thirty days, and no longer.

Started by a schedule, once a day; two that overlap would do no harm.
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

from contracts.calls import FORGET, QUEUE, ForgetCall, Forgotten
from workflows.calls import BOOKS, call

SCHEDULE = "housekeeping"
EVERY = timedelta(hours=24)
EVIDENCE_KEPT = timedelta(days=30)


@workflow.defn
class Housekeeping:
    """One day's cleaning."""

    @workflow.run
    async def run(self) -> Forgotten:
        """Delete what is too old."""
        wanted = ForgetCall(before=workflow.now() - EVIDENCE_KEPT)
        return await call(FORGET, wanted, Forgotten, BOOKS, summary="old evidence")


async def schedule_housekeeping(client: Client) -> None:
    """Have it run once a day; several workers may ask for it at once."""
    action = ScheduleActionStartWorkflow(Housekeeping.run, id=SCHEDULE, task_queue=QUEUE)
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)])
    with suppress(ScheduleAlreadyRunningError):
        await client.create_schedule(SCHEDULE, Schedule(action=action, spec=spec))
