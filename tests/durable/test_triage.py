"""An alert that does not name its workload finds its incident, or none; never a guess."""

import pytest
from temporalio.client import WorkflowHandle

from contracts.alert import Alert, AlertEnvelope
from contracts.calls import QUEUE, Owner, TriageStart
from durable.conftest import Bench
from workflows.triage import Triage

pytestmark = pytest.mark.asyncio(loop_scope="session")


def pod_alert(bench: Bench, status: str = "firing") -> Alert:
    """An alert about one pod of the target."""
    pod = bench.target.model_copy(update={"kind": "Pod", "name": "user-auth-abc-1"})
    changes = {"target": None, "subject": pod, "labels": {"uid": "u-1"}}
    return bench.alert(status).model_copy(update=changes)


async def triage(bench: Bench, *alerts: Alert | dict[str, str]) -> None:
    """Signal all of it to one Triage, and wait for its end."""
    handle: WorkflowHandle[Triage, None] = await bench.environment.client.start_workflow(
        Triage.run,
        TriageStart(source="am", fingerprint="aa"),
        id=f"triage/{bench.target.name}",
        task_queue=QUEUE,
        start_signal="alert",
        start_signal_args=[_sealed(alerts[0])],
    )
    for alert in alerts[1:]:
        await handle.signal("alert", _sealed(alert))
    await handle.result()


def _sealed(alert: Alert | dict[str, str]) -> AlertEnvelope:
    return AlertEnvelope.seal(alert) if isinstance(alert, Alert) else AlertEnvelope(body=alert)


async def test_a_pod_alert_goes_to_the_incident_of_its_deployment(bench: Bench) -> None:
    """With the workload as its target."""
    bench.world.owner = Owner(target=bench.target, chain=("Pod", "ReplicaSet", "Deployment"))

    await triage(bench, pod_alert(bench))

    (routed,) = bench.world.routed
    assert routed.workflow == bench.target.workflow_id
    assert routed.alert.target == bench.target


async def test_an_unknown_owner_is_an_incident_without_target(bench: Bench) -> None:
    """And the incident can say why."""
    bench.world.owner = Owner(reason="the pod is gone")

    await triage(bench, pod_alert(bench))

    (routed,) = bench.world.routed
    assert routed.workflow == "incident/am/aa"
    assert routed.alert.target is None
    assert routed.alert.annotations["firebreak_no_target"] == "the pod is gone"


async def test_a_resolve_goes_where_its_firing_went(bench: Bench) -> None:
    """Even though the pod, and with it the way to its owner, is gone."""
    bench.world.located = "incident/somewhere"

    await triage(bench, pod_alert(bench, "resolved"))

    assert [call.workflow for call in bench.world.routed] == ["incident/somewhere"]


async def test_a_resolve_that_nobody_waits_for_asks_no_cluster(bench: Bench) -> None:
    """It is handed to the incident of its own identity, which does not exist and is not made."""
    bench.world.owner = Owner(target=bench.target)

    await triage(bench, pod_alert(bench, "resolved"))

    assert [call.workflow for call in bench.world.routed] == ["incident/am/aa"]


async def test_an_unreadable_alert_does_not_stop_the_next_one(bench: Bench) -> None:
    """It is logged, and the good one is routed."""
    bench.world.owner = Owner(target=bench.target)

    await triage(bench, {"not": "an alert"}, pod_alert(bench))

    assert [call.workflow for call in bench.world.routed] == [bench.target.workflow_id]


async def test_an_alert_that_names_nothing_becomes_an_incident_of_its_own(bench: Bench) -> None:
    """No subject, no target: people are told, nothing is looked up."""
    alert = pod_alert(bench).model_copy(update={"subject": None})

    await triage(bench, alert)

    assert [call.workflow for call in bench.world.routed] == ["incident/am/aa"]


async def test_the_books_may_be_away_for_hours(bench: Bench) -> None:
    """A failed activity stays failed in history, so it is called anew until it answers."""
    bench.world.outages = 3
    bench.world.owner = Owner(target=bench.target)

    await triage(bench, pod_alert(bench))

    assert [call.workflow for call in bench.world.routed] == [bench.target.workflow_id]


async def test_a_resolve_queued_behind_its_firing_follows_it(bench: Bench) -> None:
    """After an outage both wait in one inbox, and the journal knows of neither."""
    bench.world.owner = Owner(target=bench.target)

    await triage(bench, pod_alert(bench), pod_alert(bench, "resolved"))

    places = [call.workflow for call in bench.world.routed]
    assert places == [bench.target.workflow_id, bench.target.workflow_id]
