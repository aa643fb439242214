"""Rolling a workload back: pinned, one write, and never back and forth."""

from typing import Any

import pytest

from activities.kubernetes.waiting import utc_now
from contracts.errors import InvalidInput, PlanChanged, Refused
from contracts.kubernetes import RollbackDeployment, RollbackSet
from contracts.step import Receipt
from contracts.target import Target
from live.workload_hands import BAD, GOOD, KINDS, WorkloadHands, hands_fixture, real_hands_fixture

__all__ = ["hands_fixture", "real_hands_fixture"]
SETS = ("StatefulSet", "DaemonSet")


def _step(target: Target, to_revision: int | None = None) -> Any:
    step = RollbackDeployment if target.kind == "Deployment" else RollbackSet
    return step(target=target, to_revision=to_revision)


def _action(hands: WorkloadHands, target: Target) -> Any:
    return hands.rollback if target.kind == "Deployment" else hands.rollback_set


def _replace_sick(hands: WorkloadHands, target: Target) -> None:
    """An ordered set keeps its sick pod until somebody deletes it."""
    if target.kind == "StatefulSet":
        for pod in hands.sick(target):
            hands.remove_pod(pod)


def _roll_back(hands: WorkloadHands, target: Target) -> Receipt:
    receipt = hands.act(_action(hands, target), _step(target))
    _replace_sick(hands, target)
    return receipt


@pytest.mark.parametrize("kind", KINDS)
def test_a_rollback_brings_the_good_version_back_with_one_write(
    hands: WorkloadHands, kind: str
) -> None:
    """Planned, rehearsed, written once, healthy; repeated, it never flips back."""
    target = hands.spoil(hands.fit(kind))
    step, action = _step(target), _action(hands, target)
    plan = hands.plan(action, step)
    assert (plan.before, plan.after) == (f"revision 2, image {BAD}", f"revision 1, image {GOOD}")
    assert plan.around.dry_run == "accepted"
    assert plan.kubectl.endswith(f"rollout undo {kind.lower()}/web --to-revision=1")
    receipt = hands.ensure(action, step, plan)
    assert receipt.did == "written"
    _replace_sick(hands, target)
    result = hands.healthy(target, receipt)
    assert result.ok, result.detail
    hands.retry()
    for _ in range(2):
        assert hands.ensure(action, step, plan).did == "already_done"
    assert hands.image(target) == GOOD
    assert hands.written() == [f"patch {kind.lower()}s"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["reset_after_commit", "status_after_commit"])
def test_a_lost_answer_is_not_answered_by_a_second_rollback(
    hands: WorkloadHands, kind: str, fault: str
) -> None:
    """The template is looked at; it is the good one."""
    target = hands.spoil(hands.fit(kind))
    plan = hands.plan(_action(hands, target), _step(target))
    hands.fail(f"/{target.name}", fault, "patch", status=504)
    assert hands.ensure(_action(hands, target), _step(target), plan).did == "written"
    assert hands.written() == [f"patch {kind.lower()}s"]


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_return_nobody_returns_by_default(hands: WorkloadHands, kind: str) -> None:
    """The revision before is the one that was fled from."""
    target = hands.fit(kind)
    _age(hands)
    hands.spoil(target)
    receipt = _roll_back(hands, target)
    assert hands.healthy(target, receipt).ok
    with pytest.raises(Refused, match="is itself a return"):
        hands.plan(_action(hands, target), _step(target))
    assert hands.plan(_action(hands, target), _step(target, 2)).after.startswith("revision 2")


def _age(hands: WorkloadHands) -> None:
    """Revisions of a set are told apart by whole seconds."""
    found = hands.cluster.list_all("ControllerRevision", hands.namespace)
    made = max((str(r["metadata"]["creationTimestamp"]) for r in found), default="")
    hands.live.wait(lambda: utc_now().strftime("%Y-%m-%dT%H:%M:%SZ") > made)


@pytest.mark.parametrize("kind", SETS)
def test_a_set_is_returned_to_the_revision_that_was_asked_for(
    hands: WorkloadHands, kind: str
) -> None:
    """And to no other; those that do not exist, or run, are refused."""
    target = hands.spoil(hands.fit(kind))
    assert hands.plan(hands.rollback_set, _step(target, 1)).pins["revision"] == "1"
    with pytest.raises(Refused, match="has no revision 9"):
        hands.plan(hands.rollback_set, _step(target, 9))
    with pytest.raises(Refused, match="template of revision 2 already"):
        hands.plan(hands.rollback_set, _step(target, 2))


@pytest.mark.parametrize("kind", SETS)
def test_another_release_meanwhile_voids_the_plan(hands: WorkloadHands, kind: str) -> None:
    """Somebody has mended it."""
    target = hands.spoil(hands.fit(kind))
    plan = hands.plan(hands.rollback_set, _step(target))
    hands.mend(target)
    with pytest.raises(PlanChanged, match="another template"):
        hands.ensure(hands.rollback_set, _step(target), plan)
    assert hands.image(target) == BAD
    assert hands.written() == []


@pytest.mark.parametrize("kind", SETS)
def test_a_restart_is_no_revision_to_return_to(hands: WorkloadHands, kind: str) -> None:
    """What it replaced is as sick."""
    target = hands.fit(kind)
    annotated = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "long ago"}}}
    hands.change(target, {"template": annotated})
    hands.live.wait(lambda: len(hands.cluster.list_all("ControllerRevision", hands.namespace)) == 2)
    with pytest.raises(Refused, match="no older revision than 2"):
        hands.plan(hands.rollback_set, _step(target))


def test_the_pods_that_an_ordered_set_waits_for_are_named(hands: WorkloadHands) -> None:
    """The good template alone does not replace them; the real controller proves it."""
    target = hands.spoil(hands.fit("StatefulSet"))
    plan = hands.plan(hands.rollback_set, _step(target))
    stuck = "web-1 keeps the bad template until it is deleted: pods start in order"
    assert stuck in plan.findings
    receipt = hands.ensure(hands.rollback_set, _step(target), plan)
    result = hands.healthy(target, receipt, within_seconds=3)
    assert not result.ok
    _replace_sick(hands, target)
    assert hands.healthy(target, receipt).ok


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_old_template_needs_must_be_there(real_hands: WorkloadHands, kind: str) -> None:
    """A ConfigMap that was deleted since would keep its pods from starting."""
    hands = real_hands
    hands.team.create({"kind": "ConfigMap", "metadata": {"name": "settings"}})
    target = hands.fit(kind)
    spec = hands.object_of(target)["spec"]["template"]["spec"]
    source = [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "keys"}}]
    container = spec["containers"][0] | {"envFrom": source}
    hands.change(target, {"template": {"spec": {"containers": [container]}}})
    hands.live.wait(lambda: hands.seen(target) and _revisions(hands, target) == 2)
    hands.change(target, {"template": {"spec": {"containers": [spec["containers"][0]]}}})
    hands.live.wait(lambda: hands.seen(target))
    plan = hands.plan(_action(hands, target), _step(target, 2))
    assert "secrets are never read; it needs keys" in plan.findings
    hands.team.delete("ConfigMap", "settings")
    with pytest.raises(Refused, match="needs what is gone: configmap settings"):
        hands.plan(_action(hands, target), _step(target, 2))


def _revisions(hands: WorkloadHands, target: Target) -> int:
    keeper = "ReplicaSet" if target.kind == "Deployment" else "ControllerRevision"
    return len(hands.cluster.list_all(keeper, hands.namespace))


@pytest.mark.parametrize("kind", SETS)
def test_a_set_that_replaces_no_pod_by_itself_is_refused(hands: WorkloadHands, kind: str) -> None:
    """OnDelete."""
    target = hands.spoil(hands.fit(kind))
    hands.change(target, {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}})
    with pytest.raises(Refused, match="OnDelete"):
        hands.plan(hands.rollback_set, _step(target))


def test_a_deployment_has_an_action_of_its_own(hands: WorkloadHands) -> None:
    """Each for its kinds."""
    with pytest.raises(InvalidInput, match="done to a StatefulSet or DaemonSet"):
        hands.plan(hands.rollback_set, RollbackSet(target=hands.target("web")))
