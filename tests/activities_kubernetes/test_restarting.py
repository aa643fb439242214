"""Rollout restart: the value written is the plan's own time."""

from datetime import timedelta
from typing import Any

import pytest
from kubernetes.client import AppsV1Api

from activities_kubernetes.shop import Shop
from contracts.errors import PlanChanged, Refused

ANNOTATION = "kubectl.kubernetes.io/restartedAt"


def test_a_plan_says_what_a_restart_does(broken: Shop) -> None:
    """Also what it will not repair is left to the findings."""
    plan = broken.plan_restart()
    assert plan.before.startswith("revision 2, image registry.example/user-auth:1.5.0, never")
    assert plan.kubectl.endswith("-n shop rollout restart deployment/user-auth")
    assert plan.pins["restarted_at_before"] == ""
    assert "a rollout is in progress" not in " ".join(plan.findings)
    assert not plan.noop


def test_a_restart_replaces_all_pods_and_stamps_the_time_of_the_plan(shop: Shop) -> None:
    """RFC 3339 in whole seconds, however late it is executed."""
    shop.open()
    before = _pod_names(shop)
    plan = shop.plan_restart()
    shop.clock.advance(300)
    receipt = shop.ensure_restart(plan)
    shop.clock.advance(20)
    assert receipt.did == "written"
    assert _stamp(shop) == plan.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert not before & _pod_names(shop)


def test_a_repeated_restart_changes_nothing(shop: Shop) -> None:
    """One write and one set of new pods for one plan."""
    shop.open()
    plan = shop.plan_restart()
    shop.ensure_restart(plan)
    shop.clock.advance(20)
    pods = _pod_names(shop)
    assert shop.ensure_restart(plan).did == "already_done"
    shop.clock.advance(20)
    assert _pod_names(shop) == pods
    assert shop.writes() == 1


def test_a_second_plan_restarts_again(shop: Shop) -> None:
    """It pins the value that the first one left."""
    shop.open()
    shop.ensure_restart(shop.plan_restart())
    shop.clock.advance(20)
    second = shop.plan_restart()
    assert second.pins["restarted_at_before"] == _stamp(shop)
    assert shop.ensure_restart(second).did == "written"
    assert shop.writes() == 2


def test_the_digest_of_a_restart_does_not_depend_on_when_it_was_planned(shop: Shop) -> None:
    """Planning again, on the same state, is the same plan."""
    shop.open()
    first = shop.plan_restart()
    shop.clock.advance(60)
    assert shop.plan_restart().digest == first.digest


def test_a_restart_by_somebody_else_voids_the_plan(shop: Shop) -> None:
    """The value before is pinned."""
    shop.open()
    plan = shop.plan_restart()
    body = {"spec": {"template": {"metadata": {"annotations": {ANNOTATION: "yesterday"}}}}}
    _patch(shop, body)
    with pytest.raises(PlanChanged, match="restarted at yesterday by somebody else"):
        shop.ensure_restart(plan)
    assert shop.writes() == 0


def test_another_generation_voids_the_plan(shop: Shop) -> None:
    """Scaling counts."""
    shop.open()
    plan = shop.plan_restart()
    _patch(shop, {"spec": {"replicas": 2}})
    with pytest.raises(PlanChanged, match="generation"):
        shop.ensure_restart(plan)


def test_another_uid_voids_the_plan(shop: Shop) -> None:
    """A namesake is not restarted."""
    shop.open()
    plan = shop.plan_restart().model_copy(update={"uid": "somebody-else"})
    with pytest.raises(PlanChanged, match="created again"):
        shop.ensure_restart(plan)
    assert shop.writes() == 0


@pytest.mark.parametrize(
    ("spec", "said"), [({"paused": True}, "is paused"), ({"replicas": 0}, "scaled to 0")]
)
def test_a_restart_that_would_do_nothing_is_refused(
    shop: Shop, spec: dict[str, Any], said: str
) -> None:
    """The fix is the command that changes that."""
    shop.open()
    _patch(shop, {"spec": spec})
    with pytest.raises(Refused, match=said) as refused:
        shop.plan_restart()
    assert "kubectl" in refused.value.fix


def test_two_plans_within_a_second_are_one_restart(shop: Shop) -> None:
    """The stamp has whole seconds; the second plan says that it does nothing."""
    shop.open()
    shop.ensure_restart(shop.plan_restart())
    shop.clock.now += timedelta(milliseconds=300)
    assert shop.plan_restart().noop


def _stamp(shop: Shop) -> str:
    template = shop.deployment()["spec"]["template"]
    return str(template["metadata"]["annotations"][ANNOTATION])


def _pod_names(shop: Shop) -> set[str]:
    return {pod["metadata"]["name"] for pod in shop.cluster.list_all("Pod", "shop")}


def _patch(shop: Shop, body: dict[str, Any]) -> None:
    write = AppsV1Api(shop.pipeline).patch_namespaced_deployment
    write("user-auth", "shop", body, _preload_content=False)
    shop.clock.advance(5)
