"""Who would undo a change: each trace that a GitOps tool, Helm or an operator leaves."""

from typing import Any

import pytest

from activities.kubernetes.managers import Managed, field_managers, manager_of
from activities.kubernetes.raw import Object
from activities_kubernetes.planted import owned_by, workload

FLUX_KS = "kustomize.toolkit.fluxcd.io"
FLUX_HELM = "helm.toolkit.fluxcd.io"


def _written(manager: str, fields: Object, subresource: str = "") -> Object:
    entry: Object = {"manager": manager, "operation": "Apply", "fieldsV1": fields}
    return entry | ({"subresource": subresource} if subresource else {})


def _of(**metadata: Any) -> Managed:
    return manager_of(workload(metadata=metadata))


@pytest.mark.parametrize(
    ("metadata", "managed"),
    [
        (
            {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}},
            Managed("argocd", "Application/shop"),
        ),
        (
            {"labels": {"argocd.argoproj.io/instance": "shop"}},
            Managed("argocd", "Application/shop"),
        ),
        (
            {"managedFields": [_written("argocd-controller", {"f:spec": {}})]},
            Managed("argocd", "argocd-controller"),
        ),
        (
            {"labels": {f"{FLUX_KS}/name": "apps", f"{FLUX_KS}/namespace": "flux-system"}},
            Managed("flux", "Kustomization/flux-system/apps"),
        ),
        (
            {"labels": {f"{FLUX_HELM}/name": "web", f"{FLUX_HELM}/namespace": "shop"}},
            Managed("flux", "HelmRelease/shop/web"),
        ),
        (
            {"managedFields": [_written("kustomize-controller", {"f:spec": {}})]},
            Managed("flux", "kustomize-controller"),
        ),
        (
            {"managedFields": [_written("helm-controller", {"f:spec": {}})]},
            Managed("flux", "helm-controller"),
        ),
        (
            {"annotations": {"meta.helm.sh/release-name": "web"}},
            Managed("helm", "release web"),
        ),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, Managed("helm", "Helm")),
        (
            owned_by("Kafka", "events", "kafka.strimzi.io/v1beta2"),
            Managed("operator", "Kafka/events"),
        ),
    ],
)
def test_each_trace_names_its_manager(metadata: Object, managed: Managed) -> None:
    """Planted as the tools write them."""
    assert _of(**metadata) == managed


def test_a_plain_workload_has_no_manager() -> None:
    """Neither `kubectl apply` nor a label that anybody sets makes one."""
    applied = _written("kubectl-client-side-apply", {"f:spec": {}})
    assert _of(managedFields=[applied]) == Managed()
    assert _of(labels={"app.kubernetes.io/instance": "web"}) == Managed()


def test_what_flux_was_told_to_leave_alone_is_not_managed_by_it() -> None:
    """Its own opt-out annotation."""
    labels = {f"{FLUX_KS}/name": "apps"}
    assert _of(labels=labels, annotations={f"{FLUX_KS}/reconcile": "disabled"}) == Managed()
    assert _of(labels=labels, annotations={f"{FLUX_KS}/reconcile": "enabled"}).by == "flux"


def test_an_operator_comes_before_the_tool_above_it() -> None:
    """Operators copy annotations; the tool manages the custom resource, not this object."""
    copied = {"argocd.argoproj.io/tracking-id": "shop:a/Kafka:shop/events"}
    owner = owned_by("Kafka", "events", "kafka.strimzi.io/v1beta2")
    assert _of(annotations=copied, **owner).by == "operator"


def test_an_owner_that_does_not_control_is_no_operator() -> None:
    """It only has the object collected with it."""
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u"}
    assert _of(ownerReferences=[reference]) == Managed()


def test_a_cron_job_is_no_operator() -> None:
    """Kubernetes' own owners undo nothing."""
    job = workload("Job", metadata=owned_by("CronJob", "nightly", "batch/v1"))
    assert manager_of(job) == Managed()


def test_a_tool_that_only_wrote_the_status_manages_nothing() -> None:
    """Status is a subresource with managers of its own."""
    seen = _written("argocd-controller", {"f:status": {}}, subresource="status")
    assert _of(managedFields=[seen]) == Managed()


def test_a_field_names_its_own_managers() -> None:
    """Whether GitOps owns the replicas decides whether a scale lasts."""
    fields: Object = {"f:spec": {"f:replicas": {}}}
    obj = workload(metadata={"managedFields": [_written("argocd-controller", fields)]})
    assert field_managers(obj, "spec", "replicas") == ["argocd-controller"]
    assert field_managers(obj, "spec", "paused") == []
