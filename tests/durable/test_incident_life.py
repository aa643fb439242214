"""An incident from its first alert to its end, on a real Temporal server."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle, WorkflowUpdateFailedError

from contracts.calls import PersonRequest, RunRequest
from contracts.policy import IncidentRules
from durable.conftest import Bench
from workflows.incident import Incident

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANA = PersonRequest(person="ana", reason="I know this one")
Handle = WorkflowHandle[Any, Any]


async def healed(bench: Bench) -> Handle:
    """An incident whose runbook has resolved it while its alert still fires."""
    handle = await bench.signal(bench.alert())
    await bench.decide(await bench.asked())
    await bench.until(lambda: "outcome" in bench.world.types)
    return handle


async def test_an_alert_becomes_a_healed_and_closed_incident(bench: Bench) -> None:
    """Opened, matched, healed, resolved, quiet, closed, and over after the flap time."""
    handle = await healed(bench)
    assert bench.world.status == "verifying"

    await bench.signal(bench.alert("resolved"))
    await bench.environment.fast_forward(handle, timedelta(seconds=40))
    await bench.until(lambda: bench.world.status == "closed")
    await bench.environment.fast_forward(handle, timedelta(minutes=11))

    assert (await handle.result()).status == "closed"
    assert len(bench.world.ensured) == 1


async def test_a_hundred_repeats_are_one_incident_and_one_remediation(bench: Bench) -> None:
    """Repeats cost no activity and start nothing."""
    handle = await bench.signal(bench.alert())
    approval = await bench.asked()
    before = len(bench.world.records)
    for _ in range(99):
        await bench.signal(bench.alert())
    assert len(bench.world.records) == before

    await bench.decide(approval)
    await bench.until(lambda: "outcome" in bench.world.types)

    assert len(bench.world.ensured) == 1
    assert [c.change.runbook for c in bench.world.records if c.change and c.change.runbook] == [
        "rollback_deployment"
    ]
    assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING


async def test_alerts_that_arrive_while_a_runbook_runs_are_gathered(bench: Bench) -> None:
    """Three alerts of one target: one incident, one runbook, one write."""
    await bench.signal(bench.alert())
    approval = await bench.asked()
    for fingerprint in ("bb", "cc"):
        await bench.signal(bench.alert(fingerprint=fingerprint))
    await bench.until(lambda: bench.world.types.count("alert") == 3)

    await bench.decide(approval)
    await bench.until(lambda: "outcome" in bench.world.types)

    assert bench.world.types.count("matched") == 1
    assert len(bench.world.ensured) == 1


async def test_a_late_firing_of_a_resolved_episode_is_stale(bench: Bench) -> None:
    """Alertmanager's peers may repeat a firing after its resolve; it does not re-open."""
    handle = await healed(bench)
    await bench.signal(bench.alert("resolved"))
    await bench.signal(bench.alert("firing"))

    await bench.environment.fast_forward(handle, timedelta(seconds=40))

    await bench.until(lambda: bench.world.status == "closed")


async def test_a_flap_re_opens_the_same_incident(bench: Bench) -> None:
    """A newer firing within ten minutes of the close is the same incident, a second attempt."""
    handle = await healed(bench)
    await bench.signal(bench.alert("resolved"))
    await bench.environment.fast_forward(handle, timedelta(seconds=40))
    await bench.until(lambda: bench.world.status == "closed")

    await bench.signal(bench.alert(minute=5))
    await bench.until(lambda: bench.world.types.count("matched") == 2)

    assert "reopened" in bench.world.types
    assert len({record.incident for record in bench.world.records}) == 1
    await bench.decide(await bench.asked(2))
    await bench.until(lambda: bench.world.types.count("outcome") == 2)


async def test_resolved_is_not_forgotten_when_the_alert_fires_on(bench: Bench) -> None:
    """Healthy pods and an alert that still fires half an hour later: a person must look."""
    handle = await healed(bench)

    await bench.environment.fast_forward(handle, timedelta(minutes=31))

    await bench.until(lambda: bench.world.status == "escalated")
    assert "still fire" in bench.world.events[-1][1]


async def test_an_alert_that_nobody_repeats_for_half_a_day_is_stale(bench: Bench) -> None:
    """It closes and says so."""
    bench.world.runbook = None
    handle = await bench.signal(bench.alert())
    await bench.until(lambda: bench.world.status == "escalated")

    await bench.environment.fast_forward(handle, timedelta(hours=12, minutes=1))

    await bench.until(lambda: bench.world.status == "closed")
    assert "stale" in bench.world.events[-1][1]


async def test_without_a_matching_runbook_people_are_told(bench: Bench) -> None:
    """The incident is recorded all the same, because somebody will spend time on it."""
    bench.world.runbook = None
    await bench.signal(bench.alert())

    await bench.until(lambda: bench.world.status == "escalated")

    assert bench.world.types == ["opened", "alert", "escalated"]


async def test_a_bug_in_a_runbook_escalates(bench: Bench) -> None:
    """The incident survives its runbook."""
    bench.world.runbook = "key_error"
    await bench.signal(bench.alert())

    await bench.until(lambda: "outcome" in bench.world.types)

    assert bench.world.status == "escalated"
    assert "failed" in bench.world.events[-1][1]


async def test_taking_over_cancels_the_runbook_and_measures_the_hands(bench: Bench) -> None:
    """The question is void; the time until hand back is an observation."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    await handle.execute_update(Incident.take_over, ANA)
    await bench.until(lambda: bench.world.approvals[0].state == "void")
    await bench.environment.fast_forward(handle, timedelta(minutes=25))

    await handle.execute_update(Incident.hand_back, ANA)
    await bench.until(lambda: "handed_back" in bench.world.types)

    (seen,) = [o for r in bench.world.records for o in r.observations]
    assert (seen.person, seen.action) == ("ana", "take_over")
    assert 25 * 60 <= seen.seconds <= 25 * 60 + 30
    assert bench.world.ensured == []


async def test_a_forgotten_take_over_counts_ten_minutes_after_the_last_act(bench: Bench) -> None:
    """Nobody works four hours without a word."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    await handle.execute_update(Incident.take_over, ANA)

    await bench.environment.fast_forward(handle, timedelta(hours=4, minutes=1))
    await bench.until(lambda: "handed_back" in bench.world.types)

    (seen,) = [o for r in bench.world.records for o in r.observations]
    assert seen.seconds == 600


async def test_only_who_took_over_hands_back(bench: Bench) -> None:
    """And a second person is told who has it."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    await handle.execute_update(Incident.take_over, ANA)
    ben = PersonRequest(person="ben")

    for update in ("hand_back", "take_over"):
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(update, ben)
        assert "ana" in str(refused.value.cause)


async def test_alerts_that_resolve_by_themselves_void_the_question_and_close(bench: Bench) -> None:
    """Nothing is written to a workload that healed by itself."""
    bench.world.rules = IncidentRules(gather_seconds=0, quiet_seconds=1)
    await bench.signal(bench.alert())
    await bench.asked()
    await bench.signal(bench.alert("resolved"))

    await bench.until(lambda: bench.world.status == "closed")
    assert bench.world.approvals[0].state == "void"
    assert bench.world.ensured == []


async def test_a_person_closes_whatever_the_alerts_say(bench: Bench) -> None:
    """The runbook is cancelled first; a repeat of the closed episode does not re-open."""
    handle = await bench.signal(bench.alert())
    await bench.asked()

    await handle.execute_update(Incident.close, ANA)
    await bench.until(lambda: bench.world.status == "closed")
    await bench.signal(bench.alert())

    assert bench.world.approvals[0].state == "void"
    assert "I know this one" in bench.world.events[-1][1]
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(Incident.close, ANA)


async def test_a_person_starts_a_runbook_once_per_request(bench: Bench) -> None:
    """The same request twice is one run, and who asked may not approve."""
    bench.world.runbook = None
    handle: Handle = await bench.signal(bench.alert())
    await bench.until(lambda: "escalated" in bench.world.types)
    request = RunRequest(request="r-1", runbook="restart_crash_loop", person="ana")
    for _ in range(2):
        await handle.execute_update("run", request)
    approval = await bench.asked()

    with pytest.raises(WorkflowUpdateFailedError):
        await bench.decide(approval, "ana")
    await bench.decide(approval, "ben")
    await bench.until(lambda: "outcome" in bench.world.types)

    assert bench.world.types.count("matched") == 1


async def test_a_signal_of_another_version_is_noted_not_lost(bench: Bench) -> None:
    """The incident goes on, and its timeline says that something could not be read."""
    handle = await bench.signal(bench.alert())
    await bench.asked()

    await handle.signal("alert", {"schema": 99, "body": {"nothing": "known"}})

    await bench.until(lambda: any("another version" in text for _, text in bench.world.events))


async def test_the_gathering_time_lets_the_batch_arrive(bench: Bench) -> None:
    """The catalogue is asked about all alerts of the first moments together."""
    bench.world.rules = IncidentRules(gather_seconds=5, quiet_seconds=30)
    handle = await bench.signal(bench.alert())
    await bench.until(lambda: "opened" in bench.world.types)
    await bench.signal(bench.alert(fingerprint="bb"))
    await bench.until(lambda: bench.world.types.count("alert") == 2)
    assert "matched" not in bench.world.types

    await bench.environment.fast_forward(handle, timedelta(seconds=6))
    await bench.asked()

    assert len(bench.world.matches[-1].alerts) == 2
