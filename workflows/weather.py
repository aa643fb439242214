"""Says that a storm is over, also when nobody wants to write any more.

That one begins is said by the judgement that meets it first. Started by a schedule; two that
overlap say nothing twice.
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

from contracts.calls import QUEUE, WEATHER, Cleared, WeatherCall
from workflows.calls import RULES, call

SCHEDULE = "weather"
EVERY = timedelta(minutes=5)


@workflow.defn
class Weather:
    """One look at the sky."""

    @workflow.run
    async def run(self) -> Cleared:
        """Have what is over said."""
        return await call(WEATHER, WeatherCall(), Cleared, RULES, summary="storms")


async def schedule_weather(client: Client) -> None:
    """Have it run every five minutes; several workers may ask for it at once."""
    action = ScheduleActionStartWorkflow(Weather.run, id=SCHEDULE, task_queue=QUEUE)
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)])
    with suppress(ScheduleAlreadyRunningError):
        await client.create_schedule(SCHEDULE, Schedule(action=action, spec=spec))
