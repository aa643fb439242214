"""What a drain moves, what stays, and what forbids it."""

from typing import Any

import pytest

from activities.kubernetes.affected import Affected, worst_of
from activities.kubernetes.drain import drain_findings
from activities.kubernetes.drain_filter import Fate, Sorted, sort_pods
from activities.kubernetes.nodes import Node
from activities.kubernetes.pod_writes import untouchable
from activities.kubernetes.workload import Workload
from contracts.target import Target

Object = dict[str, Any]
SET = {"kind": "ReplicaSet", "uid": "rs", "controller": True}
DAEMON = {"kind": "DaemonSet", "uid": "ds", "controller": True}


def _pod(owner: Object | None = None, *, ready: bool = True, **more: Any) -> Object:
    metadata: Object = {"name": "web-1", "namespace": "shop", "uid": "u"}
    metadata |= {"ownerReferences": [owner]} if owner else {}
    metadata |= more.get("metadata", {})
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    status = {"phase": "Running", "conditions": conditions} | more.get("status", {})
    return {"metadata": metadata, "spec": more.get("spec", {}), "status": status}


SCRATCH = {"volumes": [{"name": "scratch", "emptyDir": {}}, {"name": "c", "configMap": {}}]}
GOING = {"deletionTimestamp": "2026-11-21T09:00:00Z"}
STATIC = {"annotations": {"kubernetes.io/config.mirror": "x"}}


@pytest.mark.parametrize(
    ("pod", "fate"),
    [
        (_pod(SET), "evict"),
        (_pod(SET, spec=SCRATCH), "empty_dir"),
        (_pod(), "unmanaged"),
        (_pod({"kind": "ReplicaSet", "uid": "rs"}), "unmanaged"),
        (_pod(DAEMON), "daemon"),
        (_pod(DAEMON, spec=SCRATCH), "daemon"),
        (_pod(DAEMON | {"uid": "gone"}), "unmanaged"),
        (_pod(metadata=STATIC), "static"),
        (_pod(status={"phase": "Succeeded"}), "finished"),
        (_pod(SET, status={"phase": "Failed"}, spec=SCRATCH), "finished"),
        (_pod(SET, metadata=GOING), "leaving"),
        (_pod(metadata=GOING), "leaving"),
    ],
)
def test_each_pod_has_one_fate(pod: Object, fate: Fate) -> None:
    """Going pods are nobody's concern; then static ones, finished ones, DaemonSets'."""
    found = sort_pods([pod], {"ds"}, lose_empty_dirs=False)
    assert found.of(fate) == [pod]
    assert list(found.by_fate) == [fate]


def test_data_may_be_lost_when_somebody_says_so() -> None:
    """A pod without a controller stays forbidden all the same."""
    found = sort_pods([_pod(SET, spec=SCRATCH), _pod(spec=SCRATCH)], {"ds"}, lose_empty_dirs=True)
    assert len(found.of("evict")) == 1
    assert len(found.of("unmanaged")) == 1


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"priorityClassName": "system-node-critical"}, "critical"),
        ({"priorityClassName": "ours", "priority": 2_000_000_000}, "critical"),
        ({"priorityClassName": "ours", "priority": 1_000_000}, ""),
        ({}, ""),
    ],
)
def test_what_the_cluster_needs_is_not_touched(spec: Object, said: str) -> None:
    """By the names of the two classes, and by their range."""
    why = untouchable(_pod(SET, spec=spec))
    assert said in why
    assert bool(why) is bool(said)


def test_a_static_pod_is_not_touched() -> None:
    """Its kubelet would keep it."""
    assert "static" in untouchable(_pod(metadata=STATIC))


def _affected(name: str, ready: int, pods: int) -> Affected:
    target = Target(cluster="lab", namespace="shop", kind="Deployment", name=name)
    raw = {"spec": {"replicas": ready}, "status": {"readyReplicas": ready}}
    return Affected(target, Workload(raw), [_pod(SET)] * pods)


def test_the_blast_radius_is_that_of_the_workload_that_loses_most() -> None:
    """A share of it, not a number of pods."""
    blast = worst_of([_affected("big", 20, 4), _affected("small", 2, 1)], 5)
    assert (blast.pods, blast.lost, blast.ready) == (5, 1, 2)


def test_a_workload_that_nobody_can_read_loses_everything() -> None:
    """Unknown is not harmless."""
    target = Target(cluster="lab", namespace="shop", kind="Rollout", name="web")
    blast = worst_of([Affected(target, Workload({}), [_pod(SET)] * 2)], 2)
    assert (blast.lost, blast.ready) == (2, 2)


def test_a_node_without_pods_loses_none() -> None:
    """Nothing is asked for it."""
    assert worst_of([], 0).lost == 0


@pytest.mark.parametrize(("number", "said"), [(20, False), (21, True)])
def test_a_drain_of_more_than_is_looked_at_afterwards_says_so(number: int, said: bool) -> None:
    """Twenty are waited for; a Job's pods are not, and do not count."""
    kinds = ["Deployment"] * number + ["Job"] * 5
    moved = [
        Affected(Target(cluster="lab", namespace="shop", kind=kind, name=f"w{n}"), Workload({}))
        for n, kind in enumerate(kinds)
    ]
    told = f"afterwards only 20 of its {number} workloads are looked at"
    assert (told in drain_findings(Node({}), Sorted(), moved)) is said
