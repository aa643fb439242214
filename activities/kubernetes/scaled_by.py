"""Which autoscaler owns a workload's number of replicas: an HPA, or KEDA's ScaledObject above it.

KEDA reconciles its HPA, so the ScaledObject is named wherever there is one; a paused ScaledObject
has no HPA at all. Found by what it scales, never by its name.
"""

from typing import NamedTuple

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.raw import Object
from activities.kubernetes.served import list_served
from contracts.target import Target

HPA = "HorizontalPodAutoscaler"
KEDA = "ScaledObject"
SCALABLE = ("Deployment", "StatefulSet")
_GROUP = "apps"


class Scaler(NamedTuple):
    """`kind` and `name` of the owner of the number, and how it was read; `hpa` is empty while
    KEDA is paused, and is the owner itself where there is no KEDA.
    """

    kind: str
    name: str
    raw: Object
    hpa: Object

    def __str__(self) -> str:
        """`HorizontalPodAutoscaler/web`."""
        return f"{self.kind}/{self.name}"


def scaler_of(cluster: Cluster, target: Target) -> Scaler | None:
    """The autoscaler of a workload, or None when nothing scales it.

    Raises Rejected (with the permission that is missing) or Unavailable: unknown is not none.
    """
    if target.kind not in SCALABLE:
        return None
    hpa = _scaling(list_served(cluster, HPA, target.namespace), target)
    owner = raw.controller_of(hpa)
    if hpa and owner.get("kind") != KEDA:
        return Scaler(HPA, raw.name_of(hpa), hpa, hpa)
    scaled = _scaling(list_served(cluster, KEDA, target.namespace), target)
    if hpa:
        return Scaler(KEDA, raw.text(owner, "name"), scaled, hpa)
    return Scaler(KEDA, raw.name_of(scaled), scaled, {}) if scaled else None


def _scaling(scalers: list[Object], target: Target) -> Object:
    """The one that scales the target, or an empty object. KEDA's reference means a Deployment
    where it names no kind.
    """
    for scaler in sorted(scalers, key=raw.name_of):
        reference = raw.mapping(scaler, "spec", "scaleTargetRef")
        group, _, version = raw.text(reference, "apiVersion").partition("/")
        kind = raw.text(reference, "kind") or "Deployment"
        same = (kind, raw.text(reference, "name")) == (target.kind, target.name)
        if same and (group == _GROUP or not (group or version)):
            return scaler
    return {}
