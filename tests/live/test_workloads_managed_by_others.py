"""Workloads in which somebody else has a say: plans tell the guardrails, and people."""

from typing import Any

import pytest

from contracts.errors import Refused
from contracts.kubernetes import RollbackDeployment, RolloutRestart, Scale
from live.workload_hands import HPA, WorkloadHands, hands_fixture

__all__ = ["hands_fixture"]
Object = dict[str, Any]
KEDA = "ScaledObject"
ARGO = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:ns/web"}
FLUX = {
    "kustomize.toolkit.fluxcd.io/name": "shop",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}


def test_a_rollback_under_argo_is_told(hands: WorkloadHands) -> None:
    """It would be synced away again; the guardrails decide."""
    target = hands.spoil(hands.fit("Deployment"))
    hands.team.patch("Deployment", "web", {"metadata": {"annotations": ARGO}})
    around = hands.plan(hands.rollback, RollbackDeployment(target=target)).around
    assert (around.managed_by, around.manager) == ("argocd", "Application/shop")


def test_a_restart_under_flux_is_told_with_what_flux_does_to_it(hands: WorkloadHands) -> None:
    """Flux takes the annotation away, and the pods are replaced once more."""
    target = hands.fit("Deployment")
    hands.team.patch("Deployment", "web", {"metadata": {"labels": FLUX}})
    plan = hands.plan(hands.restart, RolloutRestart(target=target))
    assert plan.around.managed_by == "flux"
    assert any("a second time" in finding for finding in plan.findings)


def test_consent_is_read_from_the_workload_and_its_namespace(hands: WorkloadHands) -> None:
    """Both ways."""
    target = hands.fit("Deployment")
    step = RolloutRestart(target=target)
    plain = hands.plan(hands.restart, step)
    assert (plain.opted_in, plain.opted_out) == (False, False)
    notes = {"firebreak.dev/opt-in": "true"}
    hands.team.patch("Namespace", hands.namespace, {"metadata": {"annotations": notes}})
    notes = {"firebreak.dev/opt-out": "true"}
    hands.team.patch("Deployment", "web", {"metadata": {"annotations": notes}})
    plan = hands.plan(hands.restart, step)
    assert (plan.opted_in, plan.opted_out) == (True, True)


def test_a_surge_that_no_quota_admits_is_told(hands: WorkloadHands) -> None:
    """With no pod away, the rollout would stand still."""
    target = hands.workload("web", replicas=1)
    quota = {"kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": {"pods": "1"}}}
    hands.team.create(quota)
    hands.live.wait(lambda: _used(hands) == "1")
    plan = hands.plan(hands.restart, RolloutRestart(target=target))
    assert plan.around.short_of == "quota team: pods 1 of 1 used, 1 more needed"


def _used(hands: WorkloadHands) -> Any:
    found = hands.team.read("ResourceQuota", "team")
    return (found.get("status") or {}).get("used", {}).get("pods")


def _scaled_object(hands: WorkloadHands, notes: Object, **spec: Any) -> Object:
    """KEDA itself is not there; its object is."""
    return hands.team.create(
        {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": KEDA,
            "metadata": {"name": "web-scaled", "annotations": notes},
            "spec": {"scaleTargetRef": {"name": "web"}} | spec,
        }
    )


def test_keda_is_given_a_higher_minimum(hands: WorkloadHands) -> None:
    """Through the object that KEDA reads; a minimum that was not there is taken out again."""
    target = hands.fit("Deployment")
    _scaled_object(hands, {}, maxReplicaCount=5)
    step = Scale(target=target, replicas=4)
    plan = hands.plan(hands.scale, step)
    assert plan.before == "ScaledObject/web-scaled, 0 to 5"
    receipt = hands.ensure(hands.scale, step, plan)
    assert (receipt.generation, receipt.template) == (0, "")
    assert hands.team.read(KEDA, "web-scaled")["spec"]["minReplicaCount"] == 4
    assert hands.ensure(hands.scale, step, plan).generation == 0
    hands.take_back(receipt)
    assert "minReplicaCount" not in hands.team.read(KEDA, "web-scaled")["spec"]
    assert hands.written() == ["patch scaledobjects"] * 2


def test_the_autoscaler_that_keda_made_is_not_written(hands: WorkloadHands) -> None:
    """KEDA would reconcile it away."""
    target = hands.fit("Deployment")
    made = _scaled_object(hands, {}, minReplicaCount=1, maxReplicaCount=5)
    hands.autoscaler(target, 1, 5)
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": KEDA, "name": "web-scaled"}
    reference = owner | {"uid": made["metadata"]["uid"], "controller": True}
    hands.team.patch(HPA, "web", {"metadata": {"ownerReferences": [reference]}})
    hands.act(hands.scale, Scale(target=target, replicas=3))
    assert hands.team.read(HPA, "web")["spec"]["minReplicas"] == 1
    assert hands.written() == ["patch scaledobjects"]


def test_a_keda_that_is_paused_is_refused(hands: WorkloadHands) -> None:
    """No bound of it has an effect."""
    target = hands.fit("Deployment")
    _scaled_object(hands, {"autoscaling.keda.sh/paused": "true"}, maxReplicaCount=5)
    with pytest.raises(Refused, match="is paused: no bound of it has an effect"):
        hands.plan(hands.scale, Scale(target=target, replicas=4))
