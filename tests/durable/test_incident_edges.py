"""What goes wrong around an incident: late alerts, outages, resets, changes of mind."""

from datetime import timedelta

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError

from contracts.alert import AlertEnvelope
from contracts.calls import QUEUE, IncidentStart, PersonRequest, RunRequest
from contracts.plan import Verdict
from contracts.policy import IncidentRules
from durable.conftest import Bench
from workflows.incident import Incident

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANA = PersonRequest(person="ana", reason="I know this one")


async def test_an_incident_outlives_an_outage_of_the_books(bench: Bench) -> None:
    """Whole rounds of tries fail; then the story goes on as if nothing had been."""
    bench.world.outages, bench.world.verdict = 3, Verdict(ruling="allow")
    handle = await bench.signal(bench.alert())
    for left in (2, 1, 0):
        await bench.until(lambda: bench.world.outages <= left)  # noqa: B023 - called at once
        await bench.environment.fast_forward(handle, timedelta(seconds=31))

    await bench.until(lambda: "outcome" in bench.world.types)
    assert bench.world.types[0] == "opened"


async def test_an_alert_that_came_while_people_declined_another_is_asked_about(
    bench: Bench,
) -> None:
    """It may match another runbook; nobody has answered it."""
    bench.world.runbook_of = {"bb": "restart_crash_loop"}
    await bench.signal(bench.alert())
    approval = await bench.asked()
    await bench.signal(bench.alert(fingerprint="bb"))
    await bench.until(lambda: bench.world.types.count("alert") == 2)

    await bench.decide(approval, "ana", "deny", "not tonight")
    second = await bench.asked(2)

    assert second.runbook == "restart_crash_loop"


async def test_a_declined_runbook_is_not_proposed_again_by_itself(bench: Bench) -> None:
    """The next crashing pod does not ask the same question again."""
    await bench.signal(bench.alert())
    await bench.decide(await bench.asked(), "ana", "deny", "not tonight")
    await bench.until(lambda: "outcome" in bench.world.types)

    await bench.signal(bench.alert(fingerprint="bb"))
    await bench.until(lambda: any("was declined" in text for _, text in bench.world.events))

    assert len(bench.world.approvals) == 1


async def test_an_alert_without_a_runbook_does_not_switch_the_next_one_off(bench: Bench) -> None:
    """Information first, the real alert a minute later."""
    bench.world.runbook_of = {"aa": None}
    await bench.signal(bench.alert())
    await bench.until(lambda: bench.world.status == "escalated")

    await bench.signal(bench.alert(fingerprint="bb"))

    assert (await bench.asked()).runbook == "rollback_deployment"


async def test_a_failed_attempt_leaves_the_next_alerts_to_people(bench: Bench) -> None:
    """Automation has had its try."""
    bench.world.healthy = False
    await bench.signal(bench.alert())
    await bench.decide(await bench.asked())
    await bench.until(lambda: bench.world.status == "escalated")

    await bench.signal(bench.alert(fingerprint="bb"))
    await bench.until(lambda: bench.world.types.count("alert") == 2)

    assert bench.world.types.count("matched") == 1


async def test_alerts_that_resolve_before_the_question_prevent_it(bench: Bench) -> None:
    """And one that fires again afterwards is a new attempt, not 'healthy but alerting'."""
    bench.world.rules = IncidentRules(gather_seconds=0, quiet_seconds=0)
    bench.world.look_gate.clear()
    await bench.signal(bench.alert())
    await bench.until(lambda: bench.world.looking)
    await bench.signal(bench.alert("resolved"))
    await bench.until(lambda: bench.world.types.count("alert") == 2)
    await bench.signal(bench.alert(minute=5))
    await bench.until(lambda: bench.world.types.count("alert") == 3)
    bench.world.look_gate.set()

    await bench.until(lambda: bench.world.types.count("matched") == 2)

    assert bench.world.types.count("outcome") == 1
    assert bench.world.ensured == []


async def test_a_closed_incident_whose_alert_fires_on_is_not_opened_again(bench: Bench) -> None:
    """Alertmanager repeats it for hours; a person has closed it."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    await handle.execute_update(Incident.close, ANA)
    await bench.until(lambda: bench.world.status == "closed")

    await bench.environment.fast_forward(handle, timedelta(hours=1))
    await bench.signal(bench.alert())

    assert len({record.incident for record in bench.world.records}) == 1
    assert bench.world.status == "closed"


async def test_after_hand_back_people_know_that_it_fires_on(bench: Bench) -> None:
    """Nobody has it any more, and that is said."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    await handle.execute_update(Incident.take_over, ANA)
    await bench.until(lambda: bench.world.approvals[0].state == "void")

    await handle.execute_update(Incident.hand_back, ANA)

    await bench.until(lambda: bench.world.status == "escalated")


async def test_a_dry_run_changes_nothing_but_the_timeline(bench: Bench) -> None:
    """Neither the status nor the outcome of the incident that it was tried on."""
    bench.world.runbook = None
    handle = await bench.signal(bench.alert())
    await bench.until(lambda: bench.world.status == "escalated")
    request = RunRequest(request="r", runbook="restart_crash_loop", person="ben", dry_run=True)
    await handle.execute_update("run", request)
    await bench.decide(await bench.asked())
    await bench.until(lambda: "outcome" in bench.world.types)

    outcomes = [r.change.outcome for r in bench.world.records if r.change and r.change.outcome]
    assert outcomes == []


async def test_an_unknown_runbook_is_refused_in_the_answer(bench: Bench) -> None:
    """Nothing is queued, and no alert counts as answered."""
    bench.world.runbook_of = {"aa": None}
    handle = await bench.signal(bench.alert())
    await bench.until(lambda: bench.world.status == "escalated")

    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(
            "run", RunRequest(request="r", runbook="restart_crash_lop", person="ana")
        )

    assert bench.world.types == ["opened", "alert", "escalated"]


async def test_nothing_runs_while_a_person_has_it(bench: Bench) -> None:
    """Not even for that person, or it would start at hand back, hours later."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    await handle.execute_update(Incident.take_over, ANA)

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update(
            "run", RunRequest(request="r", runbook="restart_crash_loop", person="ana")
        )

    assert "taken" in str(refused.value.cause)


async def test_a_word_about_another_incident_of_the_target_is_refused(bench: Bench) -> None:
    """A page that was left open must not close the successor."""
    handle = await bench.signal(bench.alert())
    await bench.asked()

    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(
            Incident.close, PersonRequest(person="ana", incident="inc-of-yesterday")
        )
    here = bench.world.records[0].incident
    await handle.execute_update(Incident.close, PersonRequest(person="ana", incident=here))
    await bench.until(lambda: bench.world.status == "closed")


async def test_an_incident_that_begins_with_an_unreadable_alert_calls_people(
    bench: Bench,
) -> None:
    """And ends some day."""
    with bench.environment.with_time_skipping_disabled():
        handle = await bench.environment.client.start_workflow(
            Incident.run,
            IncidentStart(target=bench.target),
            id=bench.target.workflow_id,
            task_queue=QUEUE,
            start_signal="alert",
            start_signal_args=[AlertEnvelope(body={"nothing": "known"})],
        )
    await bench.until(lambda: bench.world.status == "escalated")
    await bench.environment.fast_forward(handle, timedelta(hours=12, minutes=1))

    await bench.until(lambda: bench.world.status == "closed")
    await bench.environment.fast_forward(handle, timedelta(minutes=11))
    await handle.result()


async def test_a_reset_incident_cancels_its_orphan_and_goes_on(bench: Bench) -> None:
    """The run of before the reset has no parent; its question is void, and asked anew."""
    handle = await bench.signal(bench.alert())
    first = await bench.asked()
    history = await handle.fetch_history()
    run_id = (await handle.describe()).run_id
    started = next(
        event for event in history.events
        if event.HasField("start_child_workflow_execution_initiated_event_attributes")
    )  # fmt: skip
    before = [
        event.event_id for event in history.events
        if event.HasField("workflow_task_completed_event_attributes")
        and event.event_id < started.event_id
    ]  # fmt: skip
    await bench.environment.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace="default",
            workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=run_id),
            workflow_task_finish_event_id=before[-1],
            request_id=handle.id,
            reason="to see what becomes of the child",
        )
    )

    second = await bench.asked(2)
    await bench.until(lambda: bench.world.approvals[0].state == "void")
    assert second.id != first.id
    await bench.decide(second)
    await bench.until(lambda: "outcome" in bench.world.types)

    again = bench.environment.client.get_workflow_handle(handle.id)
    assert (await again.describe()).status == WorkflowExecutionStatus.RUNNING
    assert len(bench.world.ensured) == 1
    await again.terminate("the test is over")


async def test_a_dry_run_without_an_alert_resolves_nothing(bench: Bench) -> None:
    """The incident that it opened closes without an outcome, and says that it was a dry run."""
    bench.world.rules = IncidentRules(gather_seconds=0, quiet_seconds=0)
    bench.world.verdict = Verdict(ruling="deny")
    with bench.environment.with_time_skipping_disabled():
        handle = await bench.environment.client.start_workflow(
            Incident.run,
            IncidentStart(target=bench.target),
            id=bench.target.workflow_id,
            task_queue=QUEUE,
        )
    request = RunRequest(request="r", runbook="restart_crash_loop", person="ana", dry_run=True)
    await handle.execute_update("run", request)
    await bench.until(lambda: "outcome" in bench.world.types)
    await bench.until(lambda: bench.world.status == "closed")

    outcomes = [r.change.outcome for r in bench.world.records if r.change]
    assert set(outcomes) == {None}
    assert any("dry run" in text for _, text in bench.world.events)
    await handle.terminate("the test is over")
