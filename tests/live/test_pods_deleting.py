"""Deleting a sick pod: never a ready one, never by force, and never the replacement."""

import pytest

from contracts.errors import InvalidInput, PlanChanged, Refused, Unavailable
from contracts.kubernetes import DeletePod, PodReplaced
from contracts.plan import Plan
from contracts.target import Target
from live.hands import Hands, hands_fixture, name_of, real_hands_fixture

__all__ = ["hands_fixture", "real_hands_fixture"]
DELETED = ["delete pods"]


def _planned(hands: Hands, target: Target) -> tuple[DeletePod, Plan]:
    step = DeletePod(target=target, pod=name_of(hands.pod_of(target)))
    return step, hands.plan(hands.delete, step)


def test_a_sick_pod_is_deleted_once(hands: Hands) -> None:
    """It loses nothing that serves, and keeps its grace period."""
    target = hands.workload("web", fault="crash-loop")
    step, plan = _planned(hands, target)
    assert plan.blast.lost == 0
    assert plan.around.dry_run == "accepted"
    assert "CrashLoopBackOff" in plan.findings[0]
    receipt = hands.ensure(hands.delete, step, plan)
    assert receipt.did == "written"
    assert receipt.generation == plan.generation
    assert hands.written() == DELETED
    hands.live.wait(lambda: plan.pins["pod_uid"] not in hands.uids(target))


def test_a_replayed_deletion_never_hits_the_replacement(hands: Hands) -> None:
    """The replacement has the same name, and is as sick."""
    target = hands.workload("db", "StatefulSet", replicas=1, fault="crash-loop")
    step, plan = _planned(hands, target)
    hands.ensure(hands.delete, step, plan)
    hands.live.wait(lambda: hands.uids(target) - {plan.pins["pod_uid"]})
    after = hands.uids(target)
    hands.retry()
    assert hands.ensure(hands.delete, step, plan).did == "already_done"
    assert hands.uids(target) == after
    assert hands.written() == DELETED


def test_a_deletion_after_the_pod_was_replaced_hits_nothing(hands: Hands) -> None:
    """Somebody else was faster: the uid is another one."""
    target = hands.workload("db", "StatefulSet", replicas=1, fault="crash-loop")
    step, plan = _planned(hands, target)
    hands.remove_pod(step.pod)
    hands.live.wait(lambda: hands.uids(target) - {plan.pins["pod_uid"]})
    assert hands.ensure(hands.delete, step, plan).did == "already_done"
    assert hands.written() == []


@pytest.mark.parametrize("kind", ["reset_after_commit", "status_after_commit"])
def test_a_lost_answer_is_not_answered_by_a_second_deletion(hands: Hands, kind: str) -> None:
    """The pod is looked for; it is on its way out."""
    target = hands.workload("web", fault="crash-loop")
    step, plan = _planned(hands, target)
    hands.fail(f"/pods/{step.pod}$", kind, verb="delete", status=504)
    hands.ensure(hands.delete, step, plan)
    assert hands.written() == DELETED


def test_a_ready_pod_is_refused(hands: Hands) -> None:
    """No budget would be asked for it."""
    target = hands.workload("web")
    with pytest.raises(Refused, match="is ready") as refused:
        _planned(hands, target)
    assert "Evict" in refused.value.fix


def test_a_pod_that_became_ready_voids_the_plan(real_hands: Hands) -> None:
    """It was planned as sick."""
    hands = real_hands
    target = hands.workload("web", fault="never-ready")
    step, plan = _planned(hands, target)
    hands.heal(step.pod)
    with pytest.raises(PlanChanged, match="ready by now"):
        hands.ensure(hands.delete, step, plan)
    assert hands.written() == []


def test_a_pod_that_becomes_ready_right_before_the_deletion_stays(real_hands: Hands) -> None:
    """The deletion is bound to the state that was read, so the API server refuses it."""
    hands = real_hands
    target = hands.workload("web", fault="never-ready")
    step, plan = _planned(hands, target)
    hands.switches.on_ask = lambda: hands.heal(step.pod)
    with pytest.raises(PlanChanged, match="ready by now"):
        hands.ensure(hands.delete, step, plan)
    assert hands.written() == []
    assert plan.pins["pod_uid"] in hands.uids(target)


def test_a_pod_that_changed_and_stays_sick_is_read_again_and_deleted(hands: Hands) -> None:
    """A new status is no other pod; one that never rests is given up."""
    target = hands.workload("web", fault="crash-loop")
    step, plan = _planned(hands, target)
    asked: list[int] = []

    def churn(times: int) -> None:
        asked.append(len(asked))
        if len(asked) <= times:
            note = {"metadata": {"annotations": {"seen": str(len(asked))}}}
            hands.team.patch("Pod", step.pod, note)

    hands.switches.on_ask = lambda: churn(100)
    with pytest.raises(Unavailable, match="no write landed in 5 tries"):
        hands.ensure(hands.delete, step, plan)
    assert (len(asked), hands.written()) == (5, [])
    asked.clear()
    hands.switches.on_ask = lambda: churn(1)
    assert hands.ensure(hands.delete, step, plan).did == "written"
    assert len(asked) == 2
    assert hands.written() == DELETED


def test_what_ails_the_template_is_told(hands: Hands) -> None:
    """A new pod of it would be as sick; the data of the old one is lost."""
    target = hands.workload("web", fault="wrong-image", volumes=True)
    _, plan = _planned(hands, target)
    said = " | ".join(plan.findings)
    assert "a new pod does not repair" in said
    assert "emptyDir volumes is lost: scratch" in said


def test_a_pod_that_the_cluster_needs_is_refused(hands: Hands) -> None:
    """By its priority."""
    target = hands.workload("agent", fault="crash-loop", priority="system-node-critical")
    with pytest.raises(Refused, match="critical for the cluster"):
        _planned(hands, target)


def test_the_check_wants_a_receipt_of_a_pod(hands: Hands) -> None:
    """Without one nobody knows which pod should be gone."""
    target = hands.workload("web")
    with pytest.raises(InvalidInput, match="no pod of it was evicted"):
        hands.check(hands.replaced, PodReplaced(target=target))


def test_the_check_is_not_ok_while_the_replacement_is_sick(hands: Hands) -> None:
    """The pod is gone, and the workload is as incomplete as before."""
    target = hands.workload("web", fault="crash-loop")
    step, plan = _planned(hands, target)
    receipt = hands.ensure(hands.delete, step, plan)
    result = hands.check(hands.replaced, PodReplaced(target=target), receipt, within_seconds=2)
    assert not result.ok
    assert "0 of 2 pods ready" in result.detail or "still there" in result.detail
