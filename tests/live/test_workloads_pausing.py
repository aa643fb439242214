"""Pausing and resuming a rollout: signed, so that only our own pause is taken back."""

import pytest

from contracts.errors import InvalidInput, PlanChanged
from contracts.kubernetes import Cordon, PauseRollout, Restore, ResumeRollout
from contracts.target import Target
from live.hands import KEY
from live.workload_hands import WorkloadHands, hands_fixture

__all__ = ["hands_fixture"]
PAUSED_BY = "firebreak.dev/paused-by"


def _is_paused(hands: WorkloadHands, target: Target) -> bool:
    return bool(hands.object_of(target)["spec"].get("paused"))


def _signature(hands: WorkloadHands, target: Target) -> str | None:
    notes = hands.object_of(target)["metadata"].get("annotations") or {}
    return notes.get(PAUSED_BY)


def test_a_pause_is_one_write_and_signed(hands: WorkloadHands) -> None:
    """With the key of the write; repeated, nothing."""
    target = hands.fit("Deployment")
    step = PauseRollout(target=target)
    plan = hands.plan(hands.pause, step)
    assert (plan.before, plan.around.dry_run, plan.noop) == ("not paused", "accepted", False)
    assert plan.kubectl.endswith("rollout pause deployment/web")
    assert hands.ensure(hands.pause, step, plan).did == "written"
    hands.retry()
    assert hands.ensure(hands.pause, step, plan).did == "already_done"
    assert _is_paused(hands, target)
    assert _signature(hands, target) == KEY
    assert hands.written() == ["patch deployments"]


def test_a_plan_is_the_same_plan_under_another_key(hands: WorkloadHands) -> None:
    """It is planned once more right before the write, and must not void itself."""
    target = hands.fit("Deployment")
    step = PauseRollout(target=target)
    first = hands.plan(hands.pause, step, key="inc-1/1/1")
    assert hands.plan(hands.pause, step, key="inc-1/1/2").digest == first.digest


@pytest.mark.parametrize("fault", ["reset_after_commit", "status_after_commit"])
def test_a_lost_answer_is_not_answered_by_a_second_pause(hands: WorkloadHands, fault: str) -> None:
    """Its signature is found."""
    target = hands.fit("Deployment")
    step = PauseRollout(target=target)
    plan = hands.plan(hands.pause, step)
    hands.fail("/web", fault, "patch", status=504)
    assert hands.ensure(hands.pause, step, plan).did == "written"
    assert hands.written() == ["patch deployments"]


def test_a_pause_is_taken_back(hands: WorkloadHands) -> None:
    """Both fields, with one write."""
    target = hands.fit("Deployment")
    receipt = hands.act(hands.pause, PauseRollout(target=target))
    assert hands.take_back(receipt).did == "written"
    assert not _is_paused(hands, target)
    assert _signature(hands, target) is None
    assert hands.written() == ["patch deployments"] * 2


def test_the_pause_of_somebody_else_is_left_alone(hands: WorkloadHands) -> None:
    """They resumed it, and paused it again: without our signature it is not ours."""
    target = hands.fit("Deployment")
    receipt = hands.act(hands.pause, PauseRollout(target=target))
    hands.team.patch("Deployment", "web", {"metadata": {"annotations": {PAUSED_BY: None}}})
    plan = hands.plan(hands.restore, Restore(target=target, receipt=receipt))
    assert plan.noop
    assert "not our" in " ".join(plan.findings)
    assert hands.take_back(receipt).did == "already_done"
    assert _is_paused(hands, target)


def test_a_pause_by_somebody_else_meanwhile_voids_the_plan(hands: WorkloadHands) -> None:
    """It must not be taken for ours."""
    target = hands.fit("Deployment")
    step = PauseRollout(target=target)
    plan = hands.plan(hands.pause, step)
    hands.change(target, {"paused": True})
    with pytest.raises(PlanChanged, match="paused of Deployment/web was nothing and is true"):
        hands.ensure(hands.pause, step, plan)
    assert _signature(hands, target) is None


def test_what_is_paused_already_stays_theirs(hands: WorkloadHands) -> None:
    """A noop, with nothing to take back."""
    target = hands.fit("Deployment")
    hands.change(target, {"paused": True})
    step = PauseRollout(target=target)
    plan = hands.plan(hands.pause, step)
    assert plan.noop
    receipt = hands.ensure(hands.pause, step, plan)
    assert (receipt.did, receipt.changed) == ("already_done", ())
    assert hands.written() == []


def test_a_resume_says_who_paused_it(hands: WorkloadHands) -> None:
    """Firebreak by its key, others by the tool that the object names."""
    target = hands.fit("Deployment")
    hands.act(hands.pause, PauseRollout(target=target))
    step = ResumeRollout(target=target)
    plan = hands.plan(hands.resume, step)
    assert plan.before == f"paused by Firebreak ({KEY})"
    assert hands.ensure(hands.resume, step, plan).did == "written"
    assert not _is_paused(hands, target)
    hands.team.patch(
        "Deployment", "web", {"spec": {"paused": True}}, fieldManager="kubectl-rollout"
    )
    assert hands.plan(hands.resume, step).before == "paused with kubectl-rollout"


def test_a_resume_lets_the_rollout_go_on(hands: WorkloadHands) -> None:
    """What was released while it was paused comes now."""
    target = hands.fit("Deployment")
    hands.act(hands.pause, PauseRollout(target=target))
    hands.change(target, {"template": {"metadata": {"annotations": {"release": "2"}}}})
    before = hands.uids(target)
    waiting = hands.healthy(target, within_seconds=2)
    assert not waiting.ok
    assert "it is paused" in waiting.detail
    receipt = hands.act(hands.resume, ResumeRollout(target=target))
    assert hands.healthy(target, receipt).ok
    assert not before & hands.uids(target)


def test_what_is_not_paused_is_not_resumed(hands: WorkloadHands) -> None:
    """A noop."""
    target = hands.fit("Deployment")
    plan = hands.plan(hands.resume, ResumeRollout(target=target))
    assert plan.noop
    assert hands.act(hands.resume, ResumeRollout(target=target)).did == "already_done"
    assert hands.written() == []


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_only_a_deployment_can_be_paused(hands: WorkloadHands, kind: str) -> None:
    """The others have no such field."""
    with pytest.raises(InvalidInput, match="done to a Deployment"):
        hands.plan(hands.pause, PauseRollout(target=hands.target("web", kind)))


def test_a_cordon_is_taken_back(hands: WorkloadHands) -> None:
    """While it carries our signature."""
    node = hands.target(hands.live.add_node(), "Node")
    receipt = hands.act(hands.cordon, Cordon(target=node))
    assert hands.object_of(node)["spec"]["unschedulable"] is True
    assert hands.take_back(receipt).did == "written"
    assert "unschedulable" not in hands.object_of(node)["spec"]
    hands.team.patch("Node", node.name, {"spec": {"unschedulable": True}})
    assert hands.plan(hands.restore, Restore(target=node, receipt=receipt)).noop
