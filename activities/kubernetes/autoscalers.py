"""The number of replicas, and who owns it: the workload itself, its HPA, or KEDA's ScaledObject.

Where an autoscaler owns it, a number written to the workload is overwritten within seconds; its
minimum is raised instead. This module reads, and says what would have to change; it never writes.
"""

from typing import NamedTuple

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.raw import Object
from activities.kubernetes.scaled_by import HPA, KEDA, Scaler, scaler_of
from activities.kubernetes.workload import Workload
from contracts.errors import NotFound, Refused, Unavailable
from contracts.kubernetes import Scale
from contracts.step import Changed
from contracts.words import counted

_KEDA_PAUSED = ("autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas")
_KEDA_MAX = 100


class Bounds(NamedTuple):
    """Where an autoscaler keeps its minimum and its maximum, and what they are."""

    scaler: Scaler
    raw: Object
    low_path: str
    high_path: str
    low: int
    high: int

    def __str__(self) -> str:
        """`HorizontalPodAutoscaler/web, 2 to 10`."""
        return f"{self.scaler}, {self.low} to {self.high}"

    def changed(self, path: str, after: int) -> Changed:
        """A change to one of its bounds."""
        before = raw.dig(self.raw, *path.strip("/").split("/"))
        return Changed(
            kind=self.scaler.kind,
            name=self.scaler.name,
            uid=raw.uid_of(self.raw),
            path=path,
            before=before,
            after=before if before is None and after == self.low else after,
        )


def bounds_of(cluster: Cluster, step: Scale) -> Bounds | None:
    """The bounds of the target's autoscaler, or None when nothing scales it.

    Raises Refused while KEDA is paused, Rejected, Unavailable.
    """
    target = step.target
    scaler = scaler_of(cluster, target)
    if scaler is None:
        return None
    if scaler.kind == HPA:
        found, names, defaults = scaler.hpa, ("minReplicas", "maxReplicas"), (1, 0)
    else:
        found = _scaled_object(cluster, target.namespace, scaler)
        names, defaults = ("minReplicaCount", "maxReplicaCount"), (0, _KEDA_MAX)
    spec = raw.mapping(found, "spec")
    low, high = (spec.get(name, default) for name, default in zip(names, defaults, strict=True))
    return Bounds(scaler, found, f"/spec/{names[0]}", f"/spec/{names[1]}", low, high)


def through(bounds: Bounds, step: Scale, workload: Workload) -> list[Changed]:
    """What makes the autoscaler keep that many replicas, or, beyond its maximum, allow so many:
    one that is at its end adds them by itself, and pinned at a new end it would never be below it.
    From a value to itself when it is so already. Raises Refused where it cannot be had by raising
    its bounds.
    """
    wanted = step.replicas
    _refuse_impossible(bounds, step, workload)
    if wanted > bounds.high:
        return [bounds.changed(bounds.high_path, wanted)]
    return [bounds.changed(bounds.low_path, max(wanted, bounds.low))]


def _refuse_impossible(bounds: Bounds, step: Scale, workload: Workload) -> None:
    target, wanted = step.target, step.replicas
    if workload.replicas == 0 and bounds.scaler.kind == HPA:
        fix = "Scale it to 1 or more by hand; then the autoscaler works again."
        raise Refused(f"{target} is scaled to 0, which switches {bounds.scaler} off", fix)
    if wanted < workload.replicas:
        raise Refused(
            f"{bounds.scaler} owns the replicas of {target} and wants {workload.replicas}, "
            f"not {wanted}",
            f"Let it scale down by itself, or lower the bounds of {bounds.scaler} by hand.",
        )
    if wanted > bounds.high and not step.raise_max:
        raise Refused(
            f"{bounds.scaler} allows {target} at most "
            f"{counted(bounds.high, 'replica')}, not {wanted}",
            "Ask for no more, or for `raise_max`, which raises its maximum, too.",
        )


def _scaled_object(cluster: Cluster, namespace: str, scaler: Scaler) -> Object:
    try:
        found = cluster.get(KEDA, namespace, scaler.name).body
    except NotFound:
        raise Unavailable(f"{scaler} is being deleted; its HPA is there still") from None
    paused = [name for name in _KEDA_PAUSED if raw.annotation(found, name) not in ("", "false")]
    if paused:
        fix = f"Take the annotation {paused[0]} away when it is safe, then try again."
        raise Refused(f"{scaler} is paused: no bound of it has an effect", fix)
    return found
