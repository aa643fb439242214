"""Scaling a workload, through whoever owns the number, and taking it back."""

from typing import Any

import pytest

from contracts.errors import InvalidInput, PlanChanged, Refused
from contracts.kubernetes import Restore, Scale
from contracts.target import Target
from live.workload_hands import HPA, WorkloadHands, hands_fixture

__all__ = ["hands_fixture"]
SCALABLE = ("Deployment", "StatefulSet")


def _scale(target: Target, replicas: int, *, raise_max: bool = False) -> Scale:
    return Scale(target=target, replicas=replicas, raise_max=raise_max)


@pytest.mark.parametrize("kind", SCALABLE)
def test_a_scale_is_one_write_however_often_it_is_done(hands: WorkloadHands, kind: str) -> None:
    """Through the subresource; absolute, so that it never adds twice."""
    target = hands.fit(kind)
    step = _scale(target, 4)
    plan = hands.plan(hands.scale, step)
    assert (plan.before, plan.after) == ("2 replicas", "4 replicas")
    assert plan.kubectl.endswith(f"scale {kind.lower()}/web --replicas=4")
    assert (plan.blast.pods, plan.blast.lost, plan.around.outage) == (2, 0, "")
    assert plan.around.dry_run == "accepted"
    receipt = hands.ensure(hands.scale, step, plan)
    assert [(c.path, c.before, c.after) for c in receipt.changed] == [("/spec/replicas", 2, 4)]
    assert hands.ready(target, receipt).detail == "4 of 4 pods ready"
    hands.retry()
    assert hands.ensure(hands.scale, step, plan).did == "already_done"
    assert hands.replicas(target) == 4
    assert hands.written() == [f"patch {kind.lower()}s/scale"]


@pytest.mark.parametrize("fault", ["reset_after_commit", "status_after_commit"])
def test_a_lost_answer_is_not_answered_by_a_second_scale(hands: WorkloadHands, fault: str) -> None:
    """The number is looked at; it is there."""
    target = hands.fit("Deployment")
    step = _scale(target, 3)
    plan = hands.plan(hands.scale, step)
    hands.fail("/scale", fault, "patch", status=504)
    assert hands.ensure(hands.scale, step, plan).did == "written"
    assert hands.written() == ["patch deployments/scale"]


def test_a_scale_by_somebody_else_voids_the_plan(hands: WorkloadHands) -> None:
    """They knew another number."""
    target = hands.fit("Deployment")
    step = _scale(target, 4)
    plan = hands.plan(hands.scale, step)
    hands.change(target, {"replicas": 3})
    with pytest.raises(PlanChanged, match="replicas of Deployment/web was 2 and is 3"):
        hands.ensure(hands.scale, step, plan)
    assert hands.replicas(target) == 3
    assert hands.written() == []


def test_what_is_so_already_is_not_written(hands: WorkloadHands) -> None:
    """A noop, and a restore that has nothing to take back."""
    target = hands.fit("Deployment")
    step = _scale(target, 2)
    plan = hands.plan(hands.scale, step)
    assert plan.noop
    receipt = hands.ensure(hands.scale, step, plan)
    assert (receipt.did, receipt.changed) == ("already_done", ())
    back = hands.plan(hands.restore, Restore(target=target, receipt=receipt))
    assert back.noop
    assert hands.take_back(receipt).did == "already_done"
    assert hands.written() == []


@pytest.mark.parametrize("kind", SCALABLE)
def test_a_scale_is_taken_back(hands: WorkloadHands, kind: str) -> None:
    """To the number before; once."""
    target = hands.fit(kind)
    receipt = hands.act(hands.scale, _scale(target, 3))
    hands.ready(target, receipt)
    step = Restore(target=target, receipt=receipt)
    plan = hands.plan(hands.restore, step)
    assert plan.restores == receipt.key
    assert plan.after == f"replicas of {kind}/web: 2"
    assert (plan.blast.pods, plan.blast.lost, plan.around.dry_run) == (1, 1, "accepted")
    assert hands.ensure(hands.restore, step, plan).did == "written"
    hands.retry()
    assert hands.ensure(hands.restore, step, plan).did == "already_done"
    assert hands.replicas(target) == 2
    assert hands.written() == [f"patch {kind.lower()}s/scale"] * 2


def test_a_number_that_somebody_changed_since_is_left_alone(hands: WorkloadHands) -> None:
    """And that is said."""
    target = hands.fit("Deployment")
    receipt = hands.act(hands.scale, _scale(target, 3))
    hands.change(target, {"replicas": 5})
    plan = hands.plan(hands.restore, Restore(target=target, receipt=receipt))
    assert plan.noop
    assert plan.findings == ("replicas of Deployment/web is 5, not our 3: it is left alone",)
    assert hands.take_back(receipt).did == "already_done"
    assert hands.replicas(target) == 5


def test_a_number_that_is_changed_before_the_write_is_left_alone(hands: WorkloadHands) -> None:
    """The plan is void; the next one is a noop."""
    target = hands.fit("Deployment")
    receipt = hands.act(hands.scale, _scale(target, 3))
    step = Restore(target=target, receipt=receipt)
    plan = hands.plan(hands.restore, step)
    hands.change(target, {"replicas": 5})
    with pytest.raises(PlanChanged, match="was 3 and is 5"):
        hands.ensure(hands.restore, step, plan)
    assert hands.replicas(target) == 5


def test_another_object_of_the_same_name_is_left_alone(hands: WorkloadHands) -> None:
    """The receipt pins a uid."""
    target = hands.fit("Deployment")
    receipt = hands.act(hands.scale, _scale(target, 3))
    hands.team.delete("Deployment", "web", {"propagationPolicy": "Background"})
    hands.live.wait(lambda: not hands.team.items("Deployment"))
    hands.live.wait(lambda: not hands.pods("web"))
    hands.workload("web", replicas=3)
    plan = hands.plan(hands.restore, Restore(target=target, receipt=receipt))
    assert plan.noop
    assert "created again" in plan.findings[0]


def test_an_autoscaler_that_was_made_again_voids_the_plan(hands: WorkloadHands) -> None:
    """Its bounds may be the same by chance; it is another object."""
    target = hands.fit("Deployment")
    hands.autoscaler(target, 1, 5)
    step = _scale(target, 4)
    plan = hands.plan(hands.scale, step)
    hands.team.delete(HPA, "web")
    hands.autoscaler(target, 1, 5)
    with pytest.raises(PlanChanged, match="created again since the plan"):
        hands.ensure(hands.scale, step, plan)
    assert hands.written() == []


def test_a_receipt_of_another_target_is_not_restored(hands: WorkloadHands) -> None:
    """A runbook that mixes them up is told."""
    target = hands.fit("Deployment")
    receipt = hands.act(hands.scale, _scale(target, 3))
    other = hands.target("other")
    with pytest.raises(InvalidInput, match="this receipt is of deployment"):
        hands.plan(hands.restore, Restore(target=other, receipt=receipt))


def test_an_autoscaler_is_given_a_higher_minimum(hands: WorkloadHands) -> None:
    """It would overwrite a number of the workload's own; restored to what it was."""
    target = hands.fit("Deployment")
    hands.autoscaler(target, 2, 5)
    step = _scale(target, 4)
    plan = hands.plan(hands.scale, step)
    assert plan.before == "HorizontalPodAutoscaler/web, 2 to 5"
    assert plan.after == "minReplicas of HorizontalPodAutoscaler/web: 4"
    assert plan.around.autoscaler == "HorizontalPodAutoscaler/web"
    receipt = hands.ensure(hands.scale, step, plan)
    assert receipt.generation == 0
    hands.live.wait(lambda: hands.replicas(target) == 4)
    assert hands.ready(target, receipt).ok
    assert hands.healthy(target, receipt).ok
    hands.take_back(receipt)
    assert hands.team.read(HPA, "web")["spec"]["minReplicas"] == 2
    assert hands.written() == ["patch horizontalpodautoscalers"] * 2


def test_a_maximum_is_raised_only_when_asked_for(hands: WorkloadHands) -> None:
    """Then the maximum alone: pinned at its new end, an autoscaler would never be below it."""
    target = hands.fit("Deployment")
    hands.autoscaler(target, 1, 3)
    with pytest.raises(Refused, match="at most 3 replicas, not 4"):
        hands.plan(hands.scale, _scale(target, 4))
    receipt = hands.act(hands.scale, _scale(target, 4, raise_max=True))
    assert receipt.summary.endswith("up to 4 replicas instead of 3")
    assert {c.path: c.before for c in receipt.changed} == {"/spec/maxReplicas": 3}
    hands.team.patch(HPA, "web", {"spec": {"maxReplicas": 9}})
    plan = hands.plan(hands.restore, Restore(target=target, receipt=receipt))
    left = "maxReplicas of HorizontalPodAutoscaler/web is 9, not our 4: it is left alone"
    assert plan.findings == (left,)
    hands.take_back(receipt)
    bounds = hands.team.read(HPA, "web")["spec"]
    assert (bounds["minReplicas"], bounds["maxReplicas"]) == (1, 9)


def test_an_autoscaler_is_not_scaled_down(hands: WorkloadHands) -> None:
    """That is its own business."""
    target = hands.fit("Deployment")
    hands.autoscaler(target, 1, 3)
    with pytest.raises(Refused, match=r"wants 2, not 1"):
        hands.plan(hands.scale, _scale(target, 1))


def test_an_autoscaler_that_is_gone_voids_the_plan(hands: WorkloadHands) -> None:
    """Nobody would act on its minimum."""
    target = hands.fit("Deployment")
    hands.autoscaler(target, 1, 5)
    step = _scale(target, 4)
    plan = hands.plan(hands.scale, step)
    hands.team.delete(HPA, "web")
    with pytest.raises(PlanChanged, match="horizontalpodautoscaler web of the plan is gone"):
        hands.ensure(hands.scale, step, plan)


def test_scaling_to_zero_is_an_outage(hands: WorkloadHands) -> None:
    """The guardrails decide on it; the plan says it."""
    target = hands.fit("Deployment")
    plan = hands.plan(hands.scale, _scale(target, 0))
    assert plan.around.outage == "0 of 2 pods stay: nothing serves"
    assert (plan.blast.pods, plan.blast.lost) == (2, 2)


def test_a_budget_is_a_floor(hands: WorkloadHands) -> None:
    """A scale asks no budget by itself; the plan does."""
    target = hands.fit("Deployment")
    hands.budget("web", minAvailable=2)
    with pytest.raises(Refused, match="poddisruptionbudget web wants 2 pods"):
        hands.plan(hands.scale, _scale(target, 1))


def test_a_quota_without_room_is_told(hands: WorkloadHands) -> None:
    """The API server would accept the scale, and the pods would not come."""
    target = hands.fit("Deployment")
    quota = {"kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": {"pods": "3"}}}
    hands.team.create(quota)
    hands.live.wait(lambda: _used(hands) == "2")
    assert hands.plan(hands.scale, _scale(target, 3)).around.short_of == ""
    short = hands.plan(hands.scale, _scale(target, 5)).around.short_of
    assert short == "quota team: pods 2 of 3 used, 3 more needed"


def _used(hands: WorkloadHands) -> Any:
    found = hands.team.read("ResourceQuota", "team")
    return (found.get("status") or {}).get("used", {}).get("pods")


def test_the_highest_ordinals_of_a_set_go(hands: WorkloadHands) -> None:
    """People see which."""
    target = hands.fit("StatefulSet")
    plan = hands.plan(hands.scale, _scale(target, 1))
    assert "the highest ordinals go: web-1" in plan.findings


def test_a_daemon_set_is_not_scaled(hands: WorkloadHands) -> None:
    """Its nodes are its number."""
    target = hands.target("web", "DaemonSet")
    with pytest.raises(InvalidInput, match="done to a Deployment or StatefulSet"):
        hands.plan(hands.scale, _scale(target, 3))
