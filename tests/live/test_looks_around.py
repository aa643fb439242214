"""Who else has a say, what is used, and the state of nodes, jobs and revisions."""

from typing import Any

import pytest

from activities.kubernetes.events import EventsLook
from activities.kubernetes.history import RolloutHistoryLook
from activities.kubernetes.job_state import JobStateLook
from activities.kubernetes.metrics import MetricsLook
from activities.kubernetes.node_conditions import NodeConditionsLook
from activities.kubernetes.subject import read_subject
from activities.kubernetes.surroundings import around
from activities.kubernetes.surroundings_look import SurroundingsLook
from contracts.kubernetes import (
    Events,
    JobState,
    Metrics,
    NodeConditions,
    RolloutHistory,
    Surroundings,
)
from contracts.plan import Surroundings as Around
from contracts.target import Target
from live.eyes import FAULT, Eyes, Object, eyes_fixture, real_eyes_fixture

__all__ = ["eyes_fixture", "real_eyes_fixture"]
SCALES = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def _around(eyes: Eyes, target: Target) -> Around:
    subject = read_subject(eyes.cluster, target.kind, target.namespace, target.name)
    return around(eyes.cluster, target, subject)


def _look(eyes: Eyes, target: Target) -> Object:
    return eyes.facts(SurroundingsLook, Surroundings(target=target))


def _ready(eyes: Eyes, target: Target, pods: int) -> None:
    def ready() -> bool:
        status = eyes.live.rest.read(target.kind, target.name).get("status", {})
        return bool(status.get("readyReplicas") == pods)

    eyes.live.wait(ready)


def test_a_plain_workload_is_surrounded_by_nothing(eyes: Eyes) -> None:
    """With exactly the reader's permissions."""
    assert _around(eyes, eyes.workload()) == Around()


def test_autoscaler_budget_and_quota_are_found(eyes: Eyes) -> None:
    """As their controllers have counted them."""
    target = eyes.workload(replicas=3)
    _ready(eyes, target, 3)
    spec = {"scaleTargetRef": SCALES, "minReplicas": 1, "maxReplicas": 3}
    eyes.create("HorizontalPodAutoscaler", "scaler", spec=spec)
    selector: Object = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}
    eyes.create("PodDisruptionBudget", "two", spec={"minAvailable": 2, "selector": selector})
    others: Object = {"minAvailable": 2, "selector": {"matchLabels": {"app": "api"}}}
    eyes.create("PodDisruptionBudget", "other", spec=others)
    eyes.create("ResourceQuota", "team", spec={"hard": {"pods": "10"}})
    eyes.live.wait(lambda: [b.allowed for b in _around(eyes, target).budgets] == [1])
    eyes.live.wait(lambda: _look(eyes, target)["quotas"])
    facts = _look(eyes, target)
    assert _around(eyes, target).autoscaler == "HorizontalPodAutoscaler/scaler"
    assert (facts["autoscaler"]["min"], facts["autoscaler"]["max"]) == (1, 3)
    assert [budget["name"] for budget in facts["budgets"]] == ["two"]
    assert facts["quotas"] == [{"name": "team", "resource": "pods", "used": 3, "hard": 10}]
    assert (facts["replicas"], facts["ready"]) == (3, 3)


def test_a_scaled_object_is_found_where_keda_is_installed(eyes: Eyes) -> None:
    """By what it scales."""
    target = eyes.workload()
    scaled: Object = {"scaleTargetRef": {"name": "web"}, "minReplicaCount": 1, "maxReplicaCount": 5}
    eyes.create("ScaledObject", "queue", spec=scaled)
    assert _around(eyes, target).autoscaler == "ScaledObject/queue"
    assert _look(eyes, target)["autoscaler"]["max"] == 5


def test_a_manager_is_told_from_the_fields_that_it_owns(eyes: Eyes) -> None:
    """The API server keeps who wrote what."""
    target = eyes.workload()
    assert _around(eyes, target).managed_by == ""
    body = {"metadata": {"annotations": {"meta.helm.sh/release-name": "shop"}}}
    eyes.live.rest.patch("Deployment", "web", body)
    assert (_around(eyes, target).managed_by, _look(eyes, target)["manager"]) == (
        "helm",
        "release shop",
    )
    slower = {"spec": {"minReadySeconds": 1}}
    eyes.live.rest.patch("Deployment", "web", slower, fieldManager="argocd-controller")
    assert _around(eyes, target).manager == "argocd-controller"


def test_usage_is_measured_where_metrics_are_served(real_eyes: Eyes) -> None:
    """In the words of the metrics API; the sandbox's are not for a team to write."""
    eyes = real_eyes
    limits = {"resources": {"limits": {"cpu": "1", "memory": "128Mi"}}}
    target = eyes.workload(container=limits)
    _ready(eyes, target, 1)
    pod = eyes.pods()[0]["metadata"]["name"]
    used = [{"name": "main", "usage": {"cpu": "250m", "memory": "96Mi"}}]
    eyes.create(
        "PodMetrics", pod, metadata={"labels": {"app": "web"}}, containers=used, window="30s"
    )
    facts = eyes.facts(MetricsLook, Metrics(target=target))
    assert facts == {
        "served": True,
        "cpu_millicores": 250,
        "memory_bytes": 96 * 1024 * 1024,
        "cpu_of_limit": 0.25,
        "memory_of_limit": 0.75,
    }


def test_a_node_is_told_with_its_workloads_and_when_it_falls_ill(eyes: Eyes) -> None:
    """Pods are followed to their Deployment."""
    name = eyes.live.add_node()
    target = eyes.workload(replicas=2, nodeSelector={"kubernetes.io/hostname": name})
    _ready(eyes, target, 2)
    step = NodeConditions(target=eyes.target("Node", name))
    facts = eyes.facts(NodeConditionsLook, step)
    assert (facts["ready"], facts["pressures"], facts["unschedulable"]) == ("True", [], False)
    assert (facts["pods"], facts["nodes_total"] >= 1) == (2, True)
    assert facts["workloads_total"] == 1
    assert facts["workloads"] == [
        {"kind": "Deployment", "namespace": eyes.live.namespace, "name": "web", "pods": 2}
    ]
    eyes.live.rest.patch("Node", name, {"metadata": {"labels": {FAULT: "not-ready"}}})
    eyes.live.wait(lambda: eyes.facts(NodeConditionsLook, step)["ready"] == "False")
    around_it = _around(eyes, step.target)
    assert around_it.unhealthy_nodes >= 1
    assert around_it.control_plane is False


def test_events_of_a_node_can_be_looked_at(eyes: Eyes) -> None:
    """They lie in another namespace than anything else."""
    name = eyes.live.add_node()
    facts = eyes.facts(EventsLook, Events(target=eyes.target("Node", name)))
    assert set(facts) == {"events", "reasons"}


def test_a_failed_job_says_why(eyes: Eyes) -> None:
    """As its controller does."""
    container = {"name": "main", "image": "registry.example/job:1.0"}
    template = {
        "metadata": {"labels": {FAULT: "crash-loop"}},
        "spec": {"containers": [container], "restartPolicy": "Never"},
    }
    eyes.create("Job", spec={"backoffLimit": 0, "template": template})
    step = JobState(target=eyes.target("Job"))
    eyes.live.wait(lambda: eyes.facts(JobStateLook, step)["reason"])
    facts = eyes.facts(JobStateLook, step)
    assert facts["reason"] == "BackoffLimitExceeded"
    assert (facts["failed"], facts["complete"], facts["backoff_limit"]) == (1, False, 0)


def _release(eyes: Eyes, target: Target, image: str) -> None:
    template: Any = {"spec": {"containers": [{"name": "main", "image": image}]}}
    media = "application/strategic-merge-patch+json"
    eyes.live.rest.patch(target.kind, target.name, {"spec": {"template": template}}, media)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_every_kind_tells_its_revisions(eyes: Eyes, kind: str) -> None:
    """And that the current one has been there before."""
    placed: Any = {}
    if kind == "DaemonSet":
        placed = {"nodeSelector": {"kubernetes.io/hostname": eyes.live.add_node()}}
    target = eyes.workload(kind, **placed)
    step = RolloutHistory(target=target)

    def revision(number: int) -> bool:
        facts = eyes.facts(RolloutHistoryLook, step)
        ready = {one["revision"]: one["ready"] for one in facts["revisions"]}
        return bool(facts["current"] == number and ready.get(number) == 1)

    eyes.live.wait(lambda: revision(1))
    _release(eyes, target, "registry.example/web:2.0")
    eyes.live.wait(lambda: revision(2))
    facts = eyes.facts(RolloutHistoryLook, step)
    assert facts["older_revisions"] == [1]
    assert [one["images"] for one in facts["revisions"]] == [
        ["registry.example/web:2.0"],
        ["registry.example/web:1.0"],
    ]
    _release(eyes, target, "registry.example/web:1.0")
    eyes.live.wait(lambda: revision(3))
    facts = eyes.facts(RolloutHistoryLook, step)
    assert facts["older_revisions"] == [2]
    assert facts["current_age_seconds"] < 30
