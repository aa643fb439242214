"""Waiting for a rollout on clusters whose controllers do the work: complete, ours, not stale."""

import pytest

from contracts.kubernetes import RollbackDeployment, RolloutRestart, Scale
from contracts.target import Target
from live.workload_hands import KINDS, WorkloadHands, hands_fixture

__all__ = ["hands_fixture"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_rollout_is_not_healthy(hands: WorkloadHands, kind: str) -> None:
    """It says what it saw."""
    target = hands.spoil(hands.fit(kind))
    result = hands.healthy(target, within_seconds=2)
    assert not result.ok
    assert "CrashLoopBackOff" in result.detail


@pytest.mark.parametrize("kind", KINDS)
def test_another_release_is_not_the_rollout_that_we_wait_for(
    hands: WorkloadHands, kind: str
) -> None:
    """Whatever becomes of it."""
    target = hands.fit(kind)
    receipt = hands.act(hands.restart, RolloutRestart(target=target))
    hands.change(target, {"template": {"metadata": {"annotations": {"release": "2"}}}})
    result = hands.healthy(target, receipt)
    assert not result.ok
    assert "superseded" in result.detail


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_scale_right_after_the_write_is_not_another_release(
    hands: WorkloadHands, kind: str
) -> None:
    """An autoscaler may act before the first look; the receipt knows the template."""
    target = hands.fit(kind)
    receipt = hands.act(hands.restart, RolloutRestart(target=target))
    hands.change(target, {"replicas": 3})
    result = hands.healthy(target, receipt)
    assert result.ok, result.detail
    assert result.detail.startswith("3 of 3 pods ready")


@pytest.mark.parametrize("kind", KINDS)
def test_a_deleted_workload_is_not_healthy(hands: WorkloadHands, kind: str) -> None:
    """At once."""
    target = hands.fit(kind)
    hands.team.delete(kind, target.name, {"propagationPolicy": "Background"})
    hands.live.wait(lambda: not hands.team.items(kind))
    assert hands.healthy(target).detail == "it was deleted"
    assert hands.ready(target).detail == "it was deleted"


@pytest.mark.parametrize("turn", range(3))
def test_the_deadline_of_the_bad_rollout_is_not_ours(hands: WorkloadHands, turn: int) -> None:
    """One pod and Recreate: for a moment the old failure stands beside the new generation."""
    assert turn >= 0
    target = hands.workload("web", replicas=1)
    recreate = {"type": "Recreate", "rollingUpdate": None}
    hands.change(target, {"strategy": recreate, "progressDeadlineSeconds": 2})
    hands.spoil(hands.settle(target))
    hands.live.wait(lambda: _is_exceeded(hands, target))
    assert "progress deadline has passed" in hands.healthy(target).detail
    receipt = hands.act(hands.rollback, RollbackDeployment(target=target))
    result = hands.healthy(target, receipt)
    assert result.ok, result.detail


def _is_exceeded(hands: WorkloadHands, target: Target) -> bool:
    conditions = hands.object_of(target)["status"].get("conditions") or []
    return any(c.get("reason") == "ProgressDeadlineExceeded" for c in conditions)


def test_fewer_pods_may_be_enough(hands: WorkloadHands) -> None:
    """`at_least` asks for no complete rollout."""
    target = hands.spoil(hands.fit("StatefulSet"))
    assert hands.ready(target, at_least=1).ok


def test_a_check_after_a_scale_waits_for_the_number_that_was_asked_for(
    hands: WorkloadHands,
) -> None:
    """Though the autoscaler has not acted on its new minimum yet."""
    target = hands.fit("Deployment")
    hands.autoscaler(target, 1, 9)
    receipt = hands.act(hands.scale, Scale(target=target, replicas=3))
    assert hands.ready(target, receipt).detail == "3 of 3 pods ready"
