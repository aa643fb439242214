"""The Messenger brings each newest revision, outlives its incident, and delays nothing."""

from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError

from contracts.calls import (
    DELIVER,
    MATCH,
    QUEUE,
    DeliverCall,
    Delivered,
    Match,
    MatchCall,
    MessengerStart,
)
from durable.conftest import Bench
from workflows.messenger import Messenger

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Channel:
    """A channel that can be away; it notes the newest revision at each delivery."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.away = False
        self.pause: timedelta | None = None
        self.tries = 0
        self.sent: list[int] = []

    @activity.defn(name=DELIVER)
    async def deliver(self, call: DeliverCall) -> Delivered:
        """Fail while away, else deliver what is newest now."""
        assert call.incident
        self.tries += 1
        if self.away:
            raise ApplicationError(
                "nobody listens", type="Unavailable", next_retry_delay=self.pause
            )
        self.sent.append(len(self.bench.world.records))
        return Delivered(revision=self.sent[-1], final=self.bench.world.status == "closed")

    @activity.defn(name=MATCH)
    async def match(self, call: MatchCall) -> Match:
        """As the fake world, but somebody listens."""
        return (await self.bench.world.match(call)).model_copy(update={"messenger": True})


async def test_a_channel_that_is_away_delays_nothing_and_hears_the_newest(
    idle_bench: Bench,
) -> None:
    """The incident reaches its approval; when the channel is back, one message says all."""
    bench, channel = idle_bench, Channel(idle_bench)
    channel.away = True
    async with bench.serving(activities=[channel.deliver, channel.match]):
        await bench.signal(bench.alert())
        await bench.decide(await bench.asked())
        await bench.until(lambda: "outcome" in bench.world.types)
        assert channel.sent == []

        channel.away = False
        await bench.until(lambda: channel.sent and channel.sent[-1] == len(bench.world.records))

        assert channel.sent == sorted(set(channel.sent))


async def test_it_ends_when_the_incident_is_closed_and_told(idle_bench: Bench) -> None:
    """Nothing runs on for an incident that is over."""
    bench, channel = idle_bench, Channel(idle_bench)
    bench.world.runbook = None
    async with bench.serving(activities=[channel.deliver, channel.match]):
        handle = await bench.signal(bench.alert())
        await bench.until(lambda: bench.world.status == "escalated")
        await handle.execute_update("close", {"person": "ana", "reason": "known"})
        await bench.until(lambda: bench.world.status == "closed")

        incident = bench.world.records[0].incident
        messenger = bench.environment.client.get_workflow_handle(f"messenger/{incident}")
        await messenger.result()

        assert (await messenger.describe()).status == WorkflowExecutionStatus.COMPLETED
        assert channel.sent[-1] == len(bench.world.records)


async def test_a_revision_after_its_end_starts_it_again(idle_bench: Bench) -> None:
    """A flap re-opens the incident, and people hear of it."""
    bench, channel = idle_bench, Channel(idle_bench)
    bench.world.runbook = None
    async with bench.serving(activities=[channel.deliver, channel.match]):
        handle = await bench.signal(bench.alert())
        await bench.until(lambda: bench.world.status == "escalated")
        await handle.execute_update("close", {"person": "ana", "reason": "known"})
        incident = bench.world.records[0].incident
        messenger = bench.environment.client.get_workflow_handle(f"messenger/{incident}")
        await messenger.result()

        await bench.signal(bench.alert(minute=5))
        await bench.until(lambda: "reopened" in bench.world.types)

        await bench.until(lambda: channel.sent[-1] == len(bench.world.records))


async def test_a_channel_that_wants_a_long_pause_holds_no_newer_revision_back(
    idle_bench: Bench,
) -> None:
    """Another channel, e.g. the one that pages, hears of it within seconds."""
    bench, channel = idle_bench, Channel(idle_bench)
    channel.away, channel.pause = True, timedelta(hours=1)
    client = bench.environment.client
    async with bench.serving(activities=[channel.deliver, channel.match]):
        with bench.environment.with_time_skipping_disabled():
            handle = await client.start_workflow(
                Messenger.run,
                MessengerStart(incident="inc-held", wanted=1),
                id="messenger/inc-held",
                task_queue=QUEUE,
            )
            await bench.until(lambda: channel.tries == 1)
            await handle.signal(Messenger.revision, 2)
            await bench.until(lambda: channel.tries == 2)
            channel.away = False
            await handle.signal(Messenger.revision, 3)
            await bench.until(lambda: channel.sent)
            await handle.terminate()
