"""What somebody runs after the end of an incident is another one: the first one's story is over."""

from datetime import timedelta

import pytest

from contracts.calls import PersonRequest, RunRequest
from contracts.journal import Record
from durable.conftest import Bench
from durable.test_incident_life import healed
from workflows.incident import Incident

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUNS = RunRequest(request="r-1", runbook="restart_crash_loop", person="ana")


async def closed(bench: Bench) -> str:
    """An incident that was healed and is over, its alert with it; its id."""
    handle = await healed(bench)
    await bench.signal(bench.alert("resolved"))
    await bench.environment.fast_forward(handle, timedelta(seconds=40))
    await bench.until(lambda: bench.world.status == "closed")
    return bench.world.records[0].incident


def told(bench: Bench, incident: str) -> list[Record]:
    """What was written down of one incident."""
    return [record for record in bench.world.records if record.incident == incident]


def kinds(bench: Bench, incident: str) -> list[str]:
    """Its timeline."""
    return [event.type for record in told(bench, incident) for event in record.events]


async def test_it_is_another_incident_with_its_own_id(bench: Bench) -> None:
    """Who asks is told the new one; the old one hears nothing more."""
    first = await closed(bench)
    before = kinds(bench, first)
    answer = await bench.asks_for(RUNS)
    await bench.decide(await bench.asked(2), "ben")
    await bench.until(lambda: bench.world.types.count("outcome") == 2)

    assert answer.incident != first
    assert kinds(bench, first) == before
    assert kinds(bench, answer.incident)[:2] == ["opened", "matched"]
    assert bench.world.approvals[1].incident == answer.incident
    (opened, *_) = told(bench, answer.incident)
    assert opened.events[0].text.endswith(", because ana runs restart_crash_loop")
    assert opened.alerts == ()


async def test_the_same_request_twice_is_one_incident(bench: Bench) -> None:
    """The door may not have heard the first answer."""
    await closed(bench)
    answers = [await bench.asks_for(RUNS) for _ in range(2)]
    await bench.asked(2)

    assert len({answer.incident for answer in answers}) == 1
    assert bench.world.types.count("opened") == 2


async def test_a_request_that_was_heard_long_ago_opens_nothing(bench: Bench) -> None:
    """Its own incident is over by now, too."""
    await closed(bench)
    first = await bench.asks_for(RUNS)
    await bench.decide(await bench.asked(2), "ben", "deny", "no")
    await bench.until(lambda: bench.world.types.count("outcome") == 2)
    handle = bench.environment.client.get_workflow_handle(bench.target.workflow_id)
    await bench.environment.fast_forward(handle, timedelta(seconds=40))
    await bench.until(lambda: bench.world.types.count("closed") == 2)

    assert await bench.asks_for(RUNS) == first.model_copy(update={"status": "closed"})
    await bench.signal(bench.alert(minute=5))
    await bench.until(lambda: "reopened" in kinds(bench, first.incident))
    assert bench.world.types.count("opened") == 2


async def test_what_fires_on_belongs_to_it(bench: Bench) -> None:
    """A person closed the first one while an alert fired, and runs something after all."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    await handle.execute_update(Incident.close, PersonRequest(person="ana", reason="known"))
    await bench.until(lambda: bench.world.status == "closed")
    answer = await bench.asks_for(RUNS)
    await bench.asked(2)

    (opened, *_) = told(bench, answer.incident)
    assert [alert.fingerprint for alert in opened.alerts] == ["aa"]


async def test_a_late_repeat_of_the_first_ones_alert_is_still_stale(bench: Bench) -> None:
    """Its end was heard before; a newer firing is news."""
    await closed(bench)
    answer = await bench.asks_for(RUNS)
    await bench.asked(2)
    await bench.signal(bench.alert())
    newer = bench.alert(minute=5)
    await bench.signal(newer)

    def heard() -> list[str]:
        records = told(bench, answer.incident)
        return [alert.episode for record in records for alert in record.alerts]

    await bench.until(lambda: newer.episode in heard())
    assert heard() == [newer.episode]


async def test_a_run_that_is_awaited_keeps_the_first_one_closed(bench: Bench) -> None:
    """A dry run looks at the old incident, an alert flaps, and the run waits for both."""
    first = await closed(bench)
    dry = RUNS.model_copy(update={"request": "dry", "dry_run": True})
    assert (await bench.asks_for(dry)).incident == first
    tried = await bench.asked(2)
    answer = await bench.asks_for(RUNS)
    await bench.signal(bench.alert(minute=5))
    await bench.until(lambda: kinds(bench, first).count("alert") == 3)
    await bench.decide(tried, "ben", "deny", "only a dry run")
    await bench.asked(3)

    assert "reopened" not in kinds(bench, first)
    assert answer.incident != first
    await bench.until(lambda: "alert" in kinds(bench, answer.incident))
