"""The looks at metrics, nodes, jobs, and at the history and events of kinds besides Deployments."""

from typing import Any

import pytest

from activities.kubernetes.events import EventsLook
from activities.kubernetes.history import RolloutHistoryLook
from activities.kubernetes.job_state import JobStateLook
from activities.kubernetes.metrics import MetricsLook
from activities.kubernetes.node_conditions import NodeConditionsLook
from activities.kubernetes.pod_states import PodStatesLook
from activities.kubernetes.raw import Object
from activities.kubernetes.surroundings_look import SurroundingsLook
from activities_kubernetes.planted import (
    LABELS,
    NAMESPACE,
    Planted,
    ago,
    event,
    look,
    owned_by,
    pod,
    ready_status,
    replica_set,
    sick_status,
    target,
    thing,
    workload,
)
from activities_kubernetes.shop import TARGET, Shop
from contracts.errors import InvalidInput, NotFound, Rejected, Unavailable
from contracts.kubernetes import (
    Events,
    JobState,
    Metrics,
    NodeConditions,
    PodStates,
    RolloutHistory,
    Surroundings,
)
from sandbox import Fault

SETS = ["StatefulSet", "DaemonSet"]


def _metrics(cluster: Planted) -> tuple[Object, str]:
    evidence, body = look(cluster, MetricsLook, Metrics(target=target()))
    return evidence.facts, body


def _limited(name: str, **limits: str) -> Object:
    container = {"name": "main", "image": "web:1", "resources": {"limits": limits}}
    return pod(name, spec={"containers": [container]})


def _measured(name: str, cpu: str, memory: str) -> Object:
    usage = {"name": "main", "usage": {"cpu": cpu, "memory": memory}}
    return thing("PodMetrics", name, metadata={"labels": LABELS}, containers=[usage])


def test_usage_is_summed_and_measured_at_the_fullest_container() -> None:
    """The share is of the limit, because that is where it is killed or throttled."""
    cluster = Planted(
        workload(),
        replica_set(),
        _limited("web-1", cpu="500m", memory="256Mi"),
        _limited("web-2", cpu="500m", memory="256Mi"),
        _measured("web-1", "100m", "64Mi"),
        _measured("web-2", "450000000n", "192Mi"),
    )
    facts, body = _metrics(cluster)
    assert facts == {
        "served": True,
        "cpu_millicores": 550,
        "memory_bytes": 256 * 1024 * 1024,
        "cpu_of_limit": 0.9,
        "memory_of_limit": 0.75,
    }
    assert "web-2 main: 450m CPU (90% of its limit), 192 MiB (75% of its limit)" in body


def test_without_a_limit_there_is_no_share() -> None:
    """Nothing kills it but its node."""
    facts, _ = _metrics(Planted(workload(), replica_set(), pod(), _measured("web-1", "1", "1Gi")))
    assert facts["cpu_millicores"] == 1000
    assert (facts["cpu_of_limit"], facts["memory_of_limit"]) == (None, None)


def test_pods_of_somebody_else_with_the_same_labels_do_not_count() -> None:
    """A label is no owner."""
    stranger = _measured("other-1", "4", "1Gi")
    facts, _ = _metrics(
        Planted(workload(), replica_set(), pod(), _measured("web-1", "1", "1Gi"), stranger)
    )
    assert facts["cpu_millicores"] == 1000


def test_where_no_metrics_are_served_the_look_says_so() -> None:
    """Absent, broken or forbidden: it says why, and the investigation goes on."""
    nothing = {
        "served": False,
        "cpu_millicores": 0,
        "memory_bytes": 0,
        "cpu_of_limit": None,
        "memory_of_limit": None,
    }
    assert _metrics(Planted(workload(), replica_set(), pod()))[0] == nothing
    for err in (Unavailable("503 later"), Rejected("403 forbidden")):
        facts, body = _metrics(Planted(workload(), replica_set(), PodMetrics=err))
        assert facts == nothing
        assert err.message in body


def _node(name: str, ready: str, *conditions: Object, **parts: Any) -> Object:
    told = {"type": "Ready", "status": ready, "lastTransitionTime": ago(300)}
    return thing(
        "Node",
        name,
        metadata={"namespace": ""} | parts.pop("metadata", {}),
        status={"conditions": [told, *conditions]},
        **parts,
    )


def test_a_node_tells_its_state_and_what_runs_there() -> None:
    """Pods are followed to their workloads; what has ended is not there any more."""
    pressed = {"type": "MemoryPressure", "status": "True"}
    calm = {"type": "DiskPressure", "status": "False"}
    node = _node("node-1", "Unknown", pressed, calm, spec={"unschedulable": True})
    done = pod("old", status=sick_status("Failed"))
    elsewhere = pod("web-3", spec={"nodeName": "node-2"})
    daemon = thing("DaemonSet", "logs")
    cluster = Planted(
        node,
        _node("node-2", "True"),
        workload(),
        replica_set(),
        daemon,
        pod("web-1"),
        pod("web-2"),
        pod("logs-1", metadata=owned_by("DaemonSet", "logs")),
        done,
        elsewhere,
    )
    step = NodeConditions(target=target("Node", "node-1"))
    evidence, body = look(cluster, NodeConditionsLook, step)
    assert evidence.facts == {
        "ready": "Unknown",
        "ready_since_seconds": 300,
        "pressures": ["MemoryPressure"],
        "unschedulable": True,
        "control_plane": False,
        "pods": 3,
        "workloads": [
            {"kind": "Deployment", "namespace": NAMESPACE, "name": "web", "pods": 2},
            {"kind": "DaemonSet", "namespace": NAMESPACE, "name": "logs", "pods": 1},
        ],
        "workloads_total": 2,
        "nodes_total": 2,
        "nodes_ready": 1,
    }
    assert "2 pods of deployment shop/web" in body


def test_a_node_that_says_nothing_is_unknown() -> None:
    """Its kubelet never came."""
    cluster = Planted(thing("Node", "node-1", metadata={"namespace": ""}))
    step = NodeConditions(target=target("Node", "node-1"))
    evidence, _ = look(cluster, NodeConditionsLook, step)
    assert (evidence.facts["ready"], evidence.facts["ready_since_seconds"]) == ("Unknown", 0)


@pytest.mark.parametrize("looking", [NodeConditionsLook, JobStateLook])
def test_a_look_at_another_kind_is_refused(looking: Any) -> None:
    """The step names what it is about."""
    step = (NodeConditions if looking is NodeConditionsLook else JobState)(target=target())
    with pytest.raises(InvalidInput):
        look(Planted(workload()), looking, step)


def _job(*conditions: Object, **parts: Any) -> Object:
    counted = {"active": 0, "succeeded": 0, "failed": 2, "conditions": list(conditions)}
    return workload("Job", status=counted, **parts)


def _job_facts(job: Object) -> tuple[Object, str]:
    evidence, body = look(Planted(job), JobStateLook, JobState(target=target("Job")))
    return evidence.facts, body


def test_a_failed_job_says_why_and_whose_it_is() -> None:
    """The CronJob makes the next one by itself."""
    said = "Job has reached the specified backoff limit"
    failed = {
        "type": "Failed",
        "status": "True",
        "reason": "BackoffLimitExceeded",
        "message": said,
    }
    owner = owned_by("CronJob", "nightly", "batch/v1")
    facts, body = _job_facts(_job(failed, metadata=owner, spec={"backoffLimit": 1}))
    assert facts == {
        "active": 0,
        "succeeded": 0,
        "failed": 2,
        "complete": False,
        "suspended": False,
        "reason": "BackoffLimitExceeded",
        "cron_job": "nightly",
        "backoff_limit": 1,
    }
    assert said in body


def test_a_job_that_is_done_or_waits_says_so() -> None:
    """The API's own default stands in for a limit that is left out."""
    complete = {"type": "Complete", "status": "True", "reason": "CompletionsReached"}
    facts, _ = _job_facts(_job(complete))
    assert (facts["complete"], facts["reason"], facts["backoff_limit"]) == (True, "", 6)
    over = {"type": "Failed", "status": "False", "reason": "BackoffLimitExceeded"}
    facts, _ = _job_facts(_job(over, spec={"suspend": True}))
    assert (facts["complete"], facts["reason"], facts["suspended"]) == (False, "", True)


def _revision(kind: str, number: int, image: str, seconds_ago: int) -> Object:
    """As the controller stores it: the template with a directive of its patch."""
    container = {"name": "main", "image": image, "resources": {}}
    template = {
        "metadata": {"labels": LABELS},
        "spec": {"containers": [container]},
        "$patch": "replace",
    }
    created = {"creationTimestamp": ago(seconds_ago)}
    named = {"labels": LABELS | {"controller-revision-hash": f"h-{image[-1]}"}}
    return thing(
        "ControllerRevision",
        f"web-h-{image[-1]}",
        metadata=owned_by(kind) | created | named,
        revision=number,
        data={"spec": {"template": template}},
    )


def _history(cluster: Planted, kind: str) -> Object:
    step = RolloutHistory(target=target(kind))
    return look(cluster, RolloutHistoryLook, step)[0].facts


def _pod_of(kind: str, name: str, revision: str, seconds_ago: int = 60) -> Object:
    """A StatefulSet's pod carries the revision's name, a DaemonSet's its hash."""
    carried = f"web-h-{revision}" if kind == "StatefulSet" else f"h-{revision}"
    labels = LABELS | {"controller-revision-hash": carried}
    created = {"labels": labels, "creationTimestamp": ago(seconds_ago)}
    return pod(name, owner=kind, metadata=created)


@pytest.mark.parametrize("kind", SETS)
def test_a_set_tells_its_revisions_as_a_deployment_does(kind: str) -> None:
    """From its ControllerRevisions; its pods say which they are of."""
    cluster = Planted(
        workload(kind),
        _revision(kind, 2, "web:1", 40),
        _revision(kind, 1, "web:0", 4000),
        _pod_of(kind, "web-1", "1"),
        _pod_of(kind, "web-2", "0"),
        pod("web-3", owner=kind, status=sick_status()),
    )
    facts = _history(cluster, kind)
    assert facts["current"] == 2
    assert facts["current_age_seconds"] == 40
    assert facts["older_revisions"] == [1]
    assert not facts["current_reused"]
    assert [revision["images"] for revision in facts["revisions"]] == [["web:1"], ["web:0"]]
    assert [revision["ready"] for revision in facts["revisions"]] == [1, 1]
    assert facts["revisions"][0]["replica_set"] == "web-h-1"


@pytest.mark.parametrize("kind", SETS)
def test_a_set_that_returned_is_as_young_as_its_oldest_pod_of_it(kind: str) -> None:
    """The revision itself is old, and no condition tells of the rollout."""
    cluster = Planted(
        workload(kind),
        _revision(kind, 3, "web:1", 4000),
        _revision(kind, 2, "web:0", 900),
        _pod_of(kind, "web-1", "1", 50),
        _pod_of(kind, "web-2", "1", 30),
    )
    facts = _history(cluster, kind)
    assert facts["current_reused"]
    assert facts["current_age_seconds"] == 50


def _events(cluster: Planted, kind: str, name: str = "web") -> tuple[Object, str]:
    evidence, body = look(cluster, EventsLook, Events(target=target(kind, name)))
    return evidence.facts, body


@pytest.mark.parametrize("kind", [*SETS, "Job"])
def test_events_are_of_any_workload_and_its_pods(kind: str) -> None:
    """And of nothing else."""
    above, below = workload(kind), pod(owner=kind)
    stranger = thing("Pod", "other", status=ready_status())
    told = [
        event(above, "FailedCreate"),
        event(below, "BackOff", "restarting"),
        event(stranger, "Killing"),
    ]
    facts, body = _events(Planted(above, below, stranger, *told), kind)
    assert facts["reasons"] == {"FailedCreate": 1, "BackOff": 1}
    assert "pod/web-1" in body


def test_events_of_a_node_are_found_by_its_name() -> None:
    """A kubelet writes the name in the place of the uid."""
    node = _node("node-1", "True")
    told = event(node, "NodeNotReady", "Node is not ready")
    told["involvedObject"]["uid"] = "node-1"
    other = event(_node("node-2", "True"), "Rebooted")
    facts, body = _events(Planted(node, told, other), "Node", "node-1")
    assert facts == {"events": 1, "reasons": {"NodeNotReady": 1}}
    assert "node/node-1: Node is not ready" in body


def test_events_of_a_missing_node_are_not_found() -> None:
    """Rather than none."""
    with pytest.raises(NotFound):
        _events(Planted(), "Node", "node-9")


LOOKS: list[tuple[Any, Any]] = [
    (PodStatesLook, PodStates),
    (SurroundingsLook, Surroundings),
    (MetricsLook, Metrics),
    (RolloutHistoryLook, RolloutHistory),
]


@pytest.mark.parametrize(("looking", "step"), LOOKS)
def test_a_look_at_what_is_missing_keeps_nothing(shop: Shop, looking: Any, step: Any) -> None:
    """On the sandbox."""
    with pytest.raises(NotFound):
        shop.run(looking(shop.clusters, shop.shelf).look, shop.call(step(target=TARGET)))
    assert not shop.shelf.bodies


@pytest.mark.parametrize(("looking", "step"), LOOKS)
def test_a_look_at_a_failing_cluster_is_tried_again_by_others(
    broken: Shop, looking: Any, step: Any
) -> None:
    """One request, no retry of its own."""
    before = len(broken.server.requests())
    broken.server.faults.add(Fault(verb="get", path_regex="deployments", times=9, status=500))
    with pytest.raises(Unavailable, match="500"):
        broken.run(looking(broken.clusters, broken.shelf).look, broken.call(step(target=TARGET)))
    assert len(broken.server.requests()) == before + 1


def test_the_seed_s_bad_release_is_a_crash_loop(broken: Shop) -> None:
    """Three pods of it crash; the old one stays."""
    looking = PodStatesLook(broken.clusters, broken.shelf)
    facts = broken.run(looking.look, broken.call(PodStates(target=TARGET))).facts
    assert (facts["cause"], facts["causes"], facts["remedy"]) == (
        "crash_loop",
        {"crash_loop": 3},
        "restart",
    )
    assert (facts["pods_total"], facts["pods_ready"]) == (4, 1)


def test_a_cluster_without_a_metrics_server_serves_none(broken: Shop) -> None:
    """Its API server answers that there is no such kind."""
    looking = MetricsLook(broken.clusters, broken.shelf)
    facts = broken.run(looking.look, broken.call(Metrics(target=TARGET))).facts
    assert facts["served"] is False
    assert "404" in broken.shelf.body
