"""Restarting a workload: one write, the plan's own time, and never where it would do nothing."""

import re
from typing import Any

import pytest

from contracts.errors import PlanChanged, Refused
from contracts.kubernetes import RolloutRestart
from live.workload_hands import KINDS, WorkloadHands, hands_fixture

__all__ = ["hands_fixture"]
ANNOTATION = "kubectl.kubernetes.io/restartedAt"


@pytest.mark.parametrize("kind", KINDS)
def test_a_restart_replaces_every_pod_with_one_write(hands: WorkloadHands, kind: str) -> None:
    """Planned, rehearsed, written once, healthy afterwards; repeated, nothing."""
    target = hands.fit(kind)
    before = hands.uids(target)
    step = RolloutRestart(target=target)
    plan = hands.plan(hands.restart, step)
    assert plan.around.dry_run == "accepted"
    assert hands.written() == []
    receipt = hands.ensure(hands.restart, step, plan)
    assert receipt.did == "written"
    assert receipt.generation == plan.generation + 1
    result = hands.healthy(target, receipt)
    assert result.ok, result.detail
    assert not before & hands.uids(target)
    hands.retry()
    assert hands.ensure(hands.restart, step, plan).did == "already_done"
    assert hands.written() == [f"patch {kind.lower()}s"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["reset_after_commit", "status_after_commit"])
def test_a_lost_answer_is_not_answered_by_a_second_restart(
    hands: WorkloadHands, kind: str, fault: str
) -> None:
    """The annotation is looked for; it is there."""
    target = hands.fit(kind)
    step = RolloutRestart(target=target)
    plan = hands.plan(hands.restart, step)
    hands.fail(f"/{target.name}", fault, "patch", status=504)
    assert hands.ensure(hands.restart, step, plan).did == "written"
    assert hands.written() == [f"patch {kind.lower()}s"]


@pytest.mark.parametrize("fault", ["reset_before_commit", "status"])
def test_a_write_that_did_not_arrive_is_sent_again(hands: WorkloadHands, fault: str) -> None:
    """500 and a broken connection, both before anything was stored."""
    target = hands.fit("Deployment")
    step = RolloutRestart(target=target)
    plan = hands.plan(hands.restart, step)
    hands.fail(f"/{target.name}", fault, "patch", status=500, times=2)
    assert hands.ensure(hands.restart, step, plan).did == "written"
    assert hands.written() == ["patch deployments"]


def test_a_restart_by_a_person_voids_the_plan(hands: WorkloadHands) -> None:
    """Theirs is enough."""
    target = hands.fit("StatefulSet")
    step = RolloutRestart(target=target)
    plan = hands.plan(hands.restart, step)
    annotated = {"metadata": {"annotations": {ANNOTATION: "2026-01-01T00:00:00Z"}}}
    hands.change(target, {"template": annotated})
    with pytest.raises(PlanChanged, match="by somebody else"):
        hands.ensure(hands.restart, step, plan)
    assert hands.written() == []


@pytest.mark.parametrize(
    ("kind", "spec", "said"),
    [
        ("Deployment", {"paused": True}, "is paused"),
        ("Deployment", {"replicas": 0}, "scaled to 0"),
        ("StatefulSet", {"replicas": 0}, "scaled to 0"),
        (
            "StatefulSet",
            {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}},
            "OnDelete",
        ),
        ("StatefulSet", {"updateStrategy": {"rollingUpdate": {"partition": 2}}}, "partition 2"),
        ("DaemonSet", {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}, "OnDelete"),
    ],
)
def test_a_restart_that_would_replace_nothing_is_refused(
    hands: WorkloadHands, kind: str, spec: dict[str, Any], said: str
) -> None:
    """With what to do instead."""
    target = hands.fit(kind)
    hands.change(target, spec)
    with pytest.raises(Refused, match=said) as refused:
        hands.plan(hands.restart, RolloutRestart(target=target))
    assert refused.value.fix
    assert hands.written() == []


def test_a_partition_is_told_and_counts_for_fewer_pods(hands: WorkloadHands) -> None:
    """Only the ordinals from the partition on are restarted."""
    target = hands.fit("StatefulSet")
    hands.change(target, {"updateStrategy": {"rollingUpdate": {"partition": 1}}})
    hands.settle(target)
    step = RolloutRestart(target=target)
    plan = hands.plan(hands.restart, step)
    assert plan.blast.pods == 1
    assert "partition: no new template for 1 pod" in plan.findings
    before = hands.uids(target)
    receipt = hands.ensure(hands.restart, step, plan)
    result = hands.healthy(target, receipt)
    assert result.ok, result.detail
    assert len(before & hands.uids(target)) == 1


def test_an_ordered_set_with_a_sick_pod_is_not_restarted(hands: WorkloadHands) -> None:
    """Its controller waits for that pod for ever; the pod itself has to go."""
    target = hands.spoil(hands.fit("StatefulSet"))
    with pytest.raises(Refused, match=re.escape("waits for web-1")) as refused:
        hands.plan(hands.restart, RolloutRestart(target=target))
    assert "delete pod web-1" in refused.value.fix


@pytest.mark.parametrize(
    ("kind", "replicas", "spec", "outage"),
    [
        ("Deployment", 2, {"strategy": {"type": "Recreate", "rollingUpdate": None}}, "Recreate"),
        ("Deployment", 1, {"strategy": {"rollingUpdate": {"maxSurge": 0}}}, "its only pod"),
        ("Deployment", 1, {}, ""),
        ("StatefulSet", 1, {}, "its only pod"),
        ("StatefulSet", 2, {}, ""),
    ],
)
def test_an_outage_is_told(
    hands: WorkloadHands, kind: str, replicas: int, spec: dict[str, Any], outage: str
) -> None:
    """Where no pod serves while the new ones start."""
    target = hands.workload("web", kind, replicas)
    if "rollingUpdate" in spec.get("strategy", {}) and spec["strategy"]["rollingUpdate"]:
        spec = {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}
    hands.change(target, spec)
    hands.settle(target)
    plan = hands.plan(hands.restart, RolloutRestart(target=target))
    assert outage in plan.around.outage
    assert bool(plan.around.outage) == bool(outage)
