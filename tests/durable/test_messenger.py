"""The Messenger brings each newest revision, outlives its incident, and delays nothing."""

import pytest
from temporalio import activity
from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError

from contracts.calls import DELIVER, MATCH, DeliverCall, Delivered, Match, MatchCall
from durable.conftest import Bench

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Channel:
    """A channel that can be away; it notes the newest revision at each delivery."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.away = False
        self.tries = 0
        self.sent: list[int] = []

    @activity.defn(name=DELIVER)
    async def deliver(self, call: DeliverCall) -> Delivered:
        """Fail while away, else deliver what is newest now."""
        assert call.incident
        self.tries += 1
        if self.away:
            raise ApplicationError("nobody listens", type="Unavailable")
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
