"""Who would undo a change: GitOps tools, Helm, and operators, by the traces they leave.

Signs are what the tools themselves write (tracking annotations, labels of their own, field
managers, controller references). The common label `app.kubernetes.io/instance` alone is none:
Helm charts and people set it, too.
"""

from typing import NamedTuple

from activities.kubernetes import raw
from activities.kubernetes.raw import Object
from contracts.plan import Manager

ARGO_TRACKING = "argocd.argoproj.io/tracking-id"
ARGO_INSTANCE = "argocd.argoproj.io/instance"
ARGO_MANAGERS = ("argocd-controller", "argocd-application-controller")
FLUX_KINDS = {
    "kustomize.toolkit.fluxcd.io": "Kustomization",
    "helm.toolkit.fluxcd.io": "HelmRelease",
}
FLUX_MANAGERS = ("kustomize-controller", "helm-controller")
FLUX_OPT_OUT = "kustomize.toolkit.fluxcd.io/reconcile"
HELM_RELEASE = "meta.helm.sh/release-name"
MANAGED_BY = "app.kubernetes.io/managed-by"
# Owners that Kubernetes itself brings; they undo nothing that is done to what they own.
_NO_OPERATORS = {("batch/v1", "CronJob"), ("apps/v1", "Deployment")}


class Managed(NamedTuple):
    """By what, and its name, such as `Application/shop`; both empty when by nothing."""

    by: Manager = ""
    name: str = ""


def manager_of(obj: Object) -> Managed:
    """What manages an object. An operator comes first: whoever manages the custom resource
    above it does not touch this object.
    """
    found = (finder(obj) for finder in (_operator, _argo, _flux, _helm))
    return next((managed for managed in found if managed.by), Managed())


def field_managers(obj: Object, *path: str) -> list[str]:
    """The managers that own a field, e.g. `field_managers(deployment, "spec", "replicas")`."""
    steps = tuple(f"f:{step}" for step in path)
    return [
        raw.text(entry, "manager")
        for entry in raw.items(obj, "metadata", "managedFields")
        if raw.dig(entry, "fieldsV1", *steps) is not None
    ]


def _operator(obj: Object) -> Managed:
    owner = raw.controller_of(obj)
    kind, name = raw.text(owner, "kind"), raw.text(owner, "name")
    if not owner or (raw.text(owner, "apiVersion"), kind) in _NO_OPERATORS:
        return Managed()
    return Managed("operator", f"{kind}/{name}")


def _argo(obj: Object) -> Managed:
    tracked = raw.annotation(obj, ARGO_TRACKING).partition(":")[0]
    application = tracked or _label(obj, ARGO_INSTANCE)
    if application:
        return Managed("argocd", f"Application/{application}")
    return _by_field_manager(obj, "argocd", ARGO_MANAGERS)


def _flux(obj: Object) -> Managed:
    if raw.annotation(obj, FLUX_OPT_OUT) == "disabled":
        return Managed()
    for group, kind in FLUX_KINDS.items():
        name, namespace = _label(obj, f"{group}/name"), _label(obj, f"{group}/namespace")
        if name:
            return Managed("flux", "/".join(filter(None, (kind, namespace, name))))
    return _by_field_manager(obj, "flux", FLUX_MANAGERS)


def _helm(obj: Object) -> Managed:
    release = raw.annotation(obj, HELM_RELEASE)
    if release:
        return Managed("helm", f"release {release}")
    return Managed("helm", "Helm") if _label(obj, MANAGED_BY) == "Helm" else Managed()


def _by_field_manager(obj: Object, by: Manager, managers: tuple[str, ...]) -> Managed:
    entries = raw.items(obj, "metadata", "managedFields")
    writers = [raw.text(entry, "manager") for entry in entries if not entry.get("subresource")]
    found = next((writer for writer in writers if writer in managers), "")
    return Managed(by, found) if found else Managed()


def _label(obj: Object, key: str) -> str:
    return raw.text(obj, "metadata", "labels", key)
