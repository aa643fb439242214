"""That a storm is over is said by a schedule that exists once."""

from datetime import timedelta

import pytest
from temporalio import activity

from contracts.calls import QUEUE, WEATHER, Cleared, WeatherCall
from durable.conftest import Bench
from workflows.weather import SCHEDULE, Weather, schedule_weather

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_guard_is_asked_which_storms_are_over(idle_bench: Bench) -> None:
    """It answers with the clusters, which the history keeps."""

    @activity.defn(name=WEATHER)
    async def weather(_: WeatherCall) -> Cleared:
        return Cleared(clusters=("default",))

    async with idle_bench.serving([Weather], activities=[weather]):
        done = await idle_bench.environment.client.execute_workflow(
            Weather.run, id="weather-now", task_queue=QUEUE
        )
    assert done.clusters == ("default",)


async def test_every_worker_may_ask_for_the_schedule(idle_bench: Bench) -> None:
    """The second request changes nothing."""
    client = idle_bench.environment.client
    for _ in range(2):
        await schedule_weather(client)
    described = await client.get_schedule_handle(SCHEDULE).describe()
    assert described.schedule.spec.intervals[0].every == timedelta(minutes=5)
    await client.get_schedule_handle(SCHEDULE).delete()
