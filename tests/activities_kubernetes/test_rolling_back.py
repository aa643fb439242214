"""Rollback: pinned when it is planned, the same however often it is executed."""

import re
from typing import Any

import pytest
from kubernetes.client import AppsV1Api, CoreV1Api

from activities_kubernetes.shop import TARGET, Shop
from contracts.errors import InvalidInput, NotFound, PlanChanged, Refused
from contracts.kubernetes import RollbackDeployment
from contracts.target import Target
from sandbox.scenario import BAD_IMAGE, GOOD_IMAGE, shop_deployment


def test_a_plan_says_from_what_to_what_and_how_by_hand(broken: Shop) -> None:
    """People read before, after, findings and the equivalent command."""
    plan = broken.plan_rollback()
    assert plan.before == f"revision 2, image {BAD_IMAGE}"
    assert plan.after == f"revision 1, image {GOOD_IMAGE}"
    undo = "rollout undo deployment/user-auth --to-revision=1"
    assert plan.kubectl == f"kubectl --context sandbox -n shop {undo}"
    assert "3 of 4 pods are in CrashLoopBackOff" in plan.findings
    assert "revision 2 is 40 s old" in plan.findings
    assert any("containers[user-auth].image" in finding for finding in plan.findings)
    # The ready pod has the old template still, and a Deployment leaves it alone.
    assert plan.blast.model_dump() == {"pods": 2, "ready": 1, "desired": 3, "lost": 0}
    assert not plan.opted_out


def test_a_plan_shows_no_value_of_the_environment(broken: Shop) -> None:
    """Plans go to channels; templates hold secrets."""
    assert "hunter2" not in broken.plan_rollback().model_dump_json()


def test_a_plan_pins_one_replica_set_and_keeps_its_digest_while_pods_crash(broken: Shop) -> None:
    """The digest binds an approval; it must not move by itself."""
    first = broken.plan_rollback()
    broken.clock.advance(30)
    assert broken.plan_rollback().digest == first.digest
    assert first.pins["revision"] == "1"
    assert first.pins["replica_set_uid"]
    assert first.pins["template"].startswith("sha256:")


def test_executing_a_plan_brings_the_old_template_back(broken: Shop) -> None:
    """One write, a receipt from the API's own answer, pods healthy afterwards."""
    plan = broken.plan_rollback()
    receipt = broken.ensure_rollback(plan)
    broken.clock.advance(20)
    assert receipt.did == "written"
    assert receipt.generation == plan.generation + 1
    assert broken.image() == GOOD_IMAGE
    assert broken.deployment()["status"]["availableReplicas"] == 3
    assert broken.writes() == 1


def test_a_repeated_execution_never_flips_back(broken: Shop) -> None:
    """After the first, "the revision before" is the bad one: that must not be chosen."""
    plan = broken.plan_rollback()
    broken.ensure_rollback(plan)
    broken.clock.advance(20)
    for _ in range(3):
        assert broken.ensure_rollback(plan).did == "already_done"
        broken.clock.advance(5)
    assert broken.image() == GOOD_IMAGE
    assert broken.writes() == 1


def test_the_change_cause_of_the_good_revision_returns_with_it(broken: Shop) -> None:
    """Else the controller would stamp the bad release's words onto the good ReplicaSet."""
    broken.ensure_rollback(broken.plan_rollback())
    annotations = broken.deployment()["metadata"]["annotations"]
    assert annotations["kubernetes.io/change-cause"] == "release 1.4.2"


def test_the_written_template_has_no_hash_label(broken: Shop) -> None:
    """The label belongs to the controller."""
    broken.ensure_rollback(broken.plan_rollback())
    labels = broken.deployment()["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app": "user-auth"}


def test_a_revision_may_be_chosen(broken: Shop) -> None:
    """`to_revision` names one of the deployment's own revisions."""
    assert broken.plan_rollback(to_revision=1).pins["revision"] == "1"


@pytest.mark.parametrize(
    ("to_revision", "said"), [(7, "has no revision 7"), (2, "template of revision 2 already")]
)
def test_a_useless_revision_is_refused(broken: Shop, to_revision: int, said: str) -> None:
    """One that does not exist, or the one that runs."""
    with pytest.raises(Refused, match=said) as refused:
        broken.plan_rollback(to_revision=to_revision)
    assert refused.value.fix


def test_the_first_revision_cannot_be_rolled_back(shop: Shop) -> None:
    """There is nothing older."""
    shop.open()
    with pytest.raises(Refused, match="no older revision than 1"):
        shop.plan_rollback()


def test_a_paused_deployment_is_refused_with_the_way_out(broken: Shop) -> None:
    """Nothing would roll out; the fix is the command that resumes it."""
    _patch(broken, {"spec": {"paused": True}})
    with pytest.raises(Refused, match="is paused") as refused:
        broken.plan_rollback()
    assert "kubectl --context sandbox -n shop rollout resume" in refused.value.fix


def test_a_missing_deployment_is_not_found(shop: Shop) -> None:
    """Nothing is planned for what is not there."""
    with pytest.raises(NotFound, match=re.escape('deployments.apps "user-auth" not found')):
        shop.plan_rollback()


def test_another_kind_is_invalid_input(broken: Shop) -> None:
    """A StatefulSet has `RollbackSet`."""
    target = Target(cluster="lab", namespace="shop", kind="StatefulSet", name="db")
    with pytest.raises(InvalidInput, match="done to a Deployment, not to a StatefulSet"):
        broken.run(broken.rollback.plan, broken.call(RollbackDeployment(target=target)))


def test_a_cluster_that_is_not_served_is_invalid_input(broken: Shop) -> None:
    """A worker knows only its own clusters."""
    target = TARGET.model_copy(update={"cluster": "mars"})
    with pytest.raises(InvalidInput, match="'mars' is not served here; served: lab"):
        broken.run(broken.rollback.plan, broken.call(RollbackDeployment(target=target)))


def test_a_changed_deployment_voids_the_plan(broken: Shop) -> None:
    """Any new generation, even one that keeps the template."""
    plan = broken.plan_rollback()
    _patch(broken, {"spec": {"replicas": 4}})
    with pytest.raises(PlanChanged, match="generation was 2 and is 3"):
        broken.ensure_rollback(plan)
    assert broken.writes() == 0


def test_another_template_voids_the_plan(broken: Shop) -> None:
    """Somebody released 1.6.0 between the plan and its execution."""
    plan = broken.plan_rollback()
    newer = [{"name": "user-auth", "image": "registry.example/user-auth:1.6.0"}]
    _patch(broken, {"spec": {"template": {"spec": {"containers": newer}}}})
    with pytest.raises(PlanChanged, match="another template than the one to be rolled back"):
        broken.ensure_rollback(plan)
    assert broken.writes() == 0


def test_a_deployment_created_again_voids_the_plan(broken: Shop) -> None:
    """The same name with another uid is another object."""
    plan = broken.plan_rollback()
    _delete(broken)
    _create_again(broken)
    with pytest.raises(PlanChanged, match="deleted and created again"):
        broken.ensure_rollback(plan)
    assert broken.writes() == 0


def test_a_deleted_deployment_is_not_found(broken: Shop) -> None:
    """Nothing is created in its place."""
    plan = broken.plan_rollback()
    _delete(broken)
    with pytest.raises(NotFound):
        broken.ensure_rollback(plan)


@pytest.mark.parametrize("pin", ["replica_set_uid", "template", "replica_set"])
def test_a_replica_set_that_is_not_the_pinned_one_voids_the_plan(broken: Shop, pin: str) -> None:
    """Name, uid and template digest must all still be those of the plan."""
    plan = broken.plan_rollback()
    forged = plan.model_copy(update={"pins": plan.pins | {pin: "other"}})
    with pytest.raises(PlanChanged, match="replicaset"):
        broken.ensure_rollback(forged)
    assert broken.writes() == 0


@pytest.mark.parametrize("where", ["workload", "namespace"])
def test_the_opt_out_annotation_shows_in_the_plan(broken: Shop, where: str) -> None:
    """The guardrail reads it; the plan only reports."""
    body = {"metadata": {"annotations": {"firebreak.dev/opt-out": "true"}}}
    if where == "workload":
        _patch(broken, body)
    else:
        CoreV1Api(broken.pipeline).patch_namespace("shop", body, _preload_content=False)
    assert broken.plan_rollback().opted_out


def _create_again(shop: Shop) -> None:
    """The deployment of the story, created once more, and spoilt again."""
    create: Any = AppsV1Api(shop.pipeline).create_namespaced_deployment
    create("shop", shop_deployment(), _preload_content=False)
    shop.clock.advance(10)
    shop.spoil()


def _patch(shop: Shop, body: dict[str, Any]) -> None:
    write = AppsV1Api(shop.pipeline).patch_namespaced_deployment
    write("user-auth", "shop", body, _preload_content=False)
    shop.clock.advance(1)


def _delete(shop: Shop) -> None:
    delete = AppsV1Api(shop.pipeline).delete_namespaced_deployment
    delete("user-auth", "shop", _preload_content=False)
    shop.clock.advance(5)
