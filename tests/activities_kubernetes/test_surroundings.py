"""What surrounds a target, as plans tell it to the guardrails: unknown is never none."""

from typing import Any

import pytest

from activities.kubernetes.raw import Object
from activities.kubernetes.selectors import matches
from activities.kubernetes.subject import read_subject
from activities.kubernetes.surroundings import around
from activities.kubernetes.surroundings_look import SurroundingsLook
from activities_kubernetes.planted import (
    LABELS,
    Planted,
    look,
    owned_by,
    target,
    thing,
    workload,
)
from contracts.errors import Rejected
from contracts.kubernetes import Surroundings as SurroundingsStep
from contracts.plan import Budget, Surroundings

FORBIDDEN = Rejected("403 forbidden", "Grant the verb.")


def _around(cluster: Planted, kind: str = "Deployment") -> Surroundings:
    about = target(kind)
    return around(cluster, about, read_subject(cluster, kind, about.namespace, about.name))


def _look(cluster: Planted, kind: str = "Deployment") -> tuple[Object, str]:
    evidence, body = look(cluster, SurroundingsLook, SurroundingsStep(target=target(kind)))
    return evidence.facts, body


def _hpa(name: str = "scaler", **parts: Any) -> Object:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    reference |= parts.pop("scales", {})
    spec = {"scaleTargetRef": reference, "minReplicas": 2, "maxReplicas": 6}
    return thing("HorizontalPodAutoscaler", name, spec=spec, **parts)


def _scaled_object(**spec: Any) -> Object:
    return thing("ScaledObject", "queue", spec={"scaleTargetRef": {"name": "web"}} | spec)


def _budget(name: str, selector: Object | None, **status: int) -> Object:
    counted = {"disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2}
    return thing("PodDisruptionBudget", name, spec={"selector": selector}, status=counted | status)


def test_a_plain_deployment_is_surrounded_by_nothing() -> None:
    """And KEDA is not installed."""
    assert _around(Planted(workload())) == Surroundings()


def test_an_autoscaler_is_found_by_what_it_scales() -> None:
    """Its name says nothing."""
    assert _around(Planted(workload(), _hpa())).autoscaler == "HorizontalPodAutoscaler/scaler"


@pytest.mark.parametrize(
    "scales",
    [{"name": "api"}, {"kind": "StatefulSet"}, {"apiVersion": "argoproj.io/v1alpha1"}],
)
def test_an_autoscaler_of_something_else_is_not_its_autoscaler(scales: Object) -> None:
    """Group, kind and name must all be the same."""
    assert _around(Planted(workload(), _hpa(scales=scales))).autoscaler == ""


def test_keda_is_named_in_the_place_of_its_autoscaler() -> None:
    """It takes back what is changed in the HPA."""
    keda = owned_by("ScaledObject", "queue", "keda.sh/v1alpha1")
    cluster = Planted(workload(), _hpa("keda-hpa-queue", metadata=keda), _scaled_object())
    assert _around(cluster).autoscaler == "ScaledObject/queue"


def test_a_paused_scaled_object_has_no_autoscaler_and_owns_the_number_all_the_same() -> None:
    """It is found by itself; without a kind it means a Deployment."""
    cluster = Planted(workload(), _scaled_object())
    assert _around(cluster).autoscaler == "ScaledObject/queue"
    facts = _look(cluster)[0]["autoscaler"]
    assert (facts["min"], facts["max"], facts["at_max"]) == (0, 100, False)


def test_a_daemon_set_is_scaled_by_nobody() -> None:
    """So nobody is asked."""
    broken = Planted(workload("DaemonSet"), HorizontalPodAutoscaler=FORBIDDEN)
    assert _around(broken, "DaemonSet").autoscaler == ""


@pytest.mark.parametrize("kind", ["HorizontalPodAutoscaler", "PodDisruptionBudget", "ScaledObject"])
def test_what_may_not_be_read_fails_the_plan(kind: str) -> None:
    """A missing permission must not look like a missing budget."""
    with pytest.raises(Rejected) as caught:
        _around(Planted(workload(), **{kind: FORBIDDEN}))
    assert "Grant" in caught.value.fix


@pytest.mark.parametrize(
    ("selector", "matched"),
    [
        ({}, True),
        (None, False),
        ({"matchLabels": LABELS}, True),
        ({"matchLabels": {"app": "api"}}, False),
        ({"matchLabels": LABELS | {"tier": "x"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["api"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Later"}]}, True),
        (
            {
                "matchLabels": LABELS,
                "matchExpressions": [{"key": "app", "operator": "DoesNotExist"}],
            },
            False,
        ),
    ],
)
def test_a_selector_chooses_as_the_api_server_does(selector: Object, *, matched: bool) -> None:
    """Empty chooses all, null none, and what is not understood is counted in."""
    assert matches(selector, LABELS) is matched


def test_budgets_are_those_over_the_pods_by_name() -> None:
    """A second one makes every eviction fail, so all are told."""
    cluster = Planted(
        workload(), _budget("z", {}), _budget("a", {"matchLabels": LABELS}), _budget("none", None)
    )
    budgets = _around(cluster).budgets
    assert [budget.name for budget in budgets] == ["a", "z"]
    assert budgets[0] == Budget(name="a", allowed=1, healthy=3, desired=2)


def test_a_budget_whose_controller_lags_allows_nothing() -> None:
    """The API server refuses then, too."""
    stale = _budget("a", {}, observedGeneration=1)
    stale["metadata"]["generation"] = 2
    assert _around(Planted(workload(), stale)).budgets[0].allowed == 0


def test_a_paused_rollout_is_told() -> None:
    """Nothing would roll out."""
    assert _around(Planted(workload(spec={"paused": True}))).paused
    assert not _around(Planted(workload(spec={"paused": False}))).paused


def test_the_manager_of_a_job_may_sit_on_its_cron_job() -> None:
    """The Job itself carries no trace of it."""
    release = {"annotations": {"meta.helm.sh/release-name": "web"}}
    cron = thing("CronJob", "nightly", metadata=release)
    job = workload("Job", metadata=owned_by("CronJob", "nightly", "batch/v1"))
    assert _around(Planted(job, cron), "Job").managed_by == "helm"
    assert _around(Planted(job), "Job").managed_by == ""


def test_a_node_is_counted_among_its_fellows() -> None:
    """Its pool, how many nodes are unhealthy, and whether it is one of the control plane."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    silent = {"conditions": [{"type": "Ready", "status": "Unknown"}]}
    nodes = [
        thing("Node", "web", metadata={"labels": {"karpenter.sh/nodepool": "spot"}}, status=silent),
        thing("Node", "b", status=ready),
        thing("Node", "c"),
    ]
    known = _around(Planted(*nodes), "Node")
    assert (known.nodes, known.unhealthy_nodes, known.pool) == (3, 2, "spot")
    assert known.control_plane is False


def test_a_cordoned_node_counts_unless_the_plan_is_about_it() -> None:
    """No new pod starts on it. Its own cordon would stop a drain at the cordon before it."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    shut = {"unschedulable": True}
    fellows = [thing("Node", "b", spec=shut, status=ready), thing("Node", "c", status=ready)]
    own = thing("Node", "web", spec=shut, status=ready)
    sick = thing("Node", "web", spec=shut)
    assert _around(Planted(own, *fellows), "Node").unhealthy_nodes == 1
    assert _around(Planted(sick, *fellows), "Node").unhealthy_nodes == 2
    both = thing("Node", "c", spec=shut)
    assert _around(Planted(own, fellows[0], both), "Node").unhealthy_nodes == 2


def test_a_node_of_the_control_plane_is_known_by_its_label() -> None:
    """The label's value is empty."""
    labels = {"node-role.kubernetes.io/control-plane": ""}
    assert _around(Planted(thing("Node", metadata={"labels": labels})), "Node").control_plane


def test_the_look_tells_everything_a_runbook_decides_on() -> None:
    """With numbers that can be compared."""
    scaler = _hpa(status={"currentReplicas": 6, "desiredReplicas": 6})
    quota = thing(
        "ResourceQuota",
        "team",
        status={
            "hard": {"pods": "10", "requests.cpu": "4", "limits.memory": "8Gi"},
            "used": {"pods": "10", "requests.cpu": "2500m", "limits.memory": "2Gi"},
        },
    )
    release = {"annotations": {"meta.helm.sh/release-name": "web"}}
    deployment = workload(replicas=6, metadata=release, status={"readyReplicas": 5})
    facts, body = _look(Planted(deployment, scaler, quota, _budget("web", {})))
    assert facts == {
        "replicas": 6,
        "ready": 5,
        "paused": False,
        "autoscaler": {
            "kind": "HorizontalPodAutoscaler",
            "name": "scaler",
            "min": 2,
            "max": 6,
            "current": 6,
            "desired": 6,
            "at_max": True,
        },
        "budgets": [{"name": "web", "allowed": 1, "healthy": 3, "desired": 2}],
        "quotas": [
            {"name": "team", "resource": "pods", "used": 10, "hard": 10},
            {"name": "team", "resource": "requests.cpu", "used": 2.5, "hard": 4},
            {"name": "team", "resource": "limits.memory", "used": 2147483648, "hard": 8589934592},
        ],
        "managed_by": "helm",
        "manager": "release web",
        "owners": [],
    }
    assert "autoscaler HorizontalPodAutoscaler/scaler: 2 to 6, now 6, wants 6" in body
    assert "budget web: 1 may go" in body


def test_an_autoscaler_below_its_maximum_is_not_at_it() -> None:
    """And one that has not counted yet is not, either."""
    below = _hpa(status={"currentReplicas": 5, "desiredReplicas": 6})
    assert not _look(Planted(workload(), below))[0]["autoscaler"]["at_max"]
    assert not _look(Planted(workload(), _hpa()))[0]["autoscaler"]["at_max"]


def test_owners_are_told_nearest_first() -> None:
    """An operator may make CronJobs."""
    cron = thing("CronJob", "nightly", metadata=owned_by("Backup", "db", "example.com/v1"))
    job = workload("Job", metadata=owned_by("CronJob", "nightly", "batch/v1"))
    facts, _ = _look(Planted(job, cron), "Job")
    assert facts["owners"] == ["CronJob/nightly", "Backup/db"]
    assert facts["managed_by"] == "operator"
    assert facts["autoscaler"] is None
