"""KEDA in small: every ScaledObject has a HorizontalPodAutoscaler that it keeps to its own bounds.

Whoever edits that autoscaler sees the edit taken back; paused objects have none and hold a fixed
number of replicas. It must run under the store's lock.
"""

from datetime import datetime

from sandbox.managed_fields import Writer, note_write
from sandbox.objects import (
    Object,
    annotations_of,
    mapping_at,
    name_of,
    namespace_of,
    owner_reference,
    text_at,
)
from sandbox.resources import DEPLOYMENTS, SCALED_OBJECTS, SCALERS, STATEFUL_SETS
from sandbox.store import Store

PAUSED, PAUSED_REPLICAS = "autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas"
_MIN_DEFAULT, _MAX_DEFAULT = 0, 100
_KEDA = Writer("keda", "")


class ScaledObjectController:
    """The loop body over every ScaledObject."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tick(self, now: datetime) -> None:
        """One pass; `now` is not needed."""
        del now
        for scaled in self._store.list(SCALED_OBJECTS):
            notes = annotations_of(scaled)
            if notes.get(PAUSED) == "true" or PAUSED_REPLICAS in notes:
                self._hold(scaled, notes.get(PAUSED_REPLICAS, ""))
            else:
                self._keep(scaled)

    def _hold(self, scaled: Object, replicas: str) -> None:
        name = f"keda-hpa-{name_of(scaled)}"
        if self._store.find(SCALERS, namespace_of(scaled), name) is not None:
            self._store.remove(SCALERS, namespace_of(scaled), name)
        reference = mapping_at(scaled, "spec", "scaleTargetRef")
        stateful = text_at(reference, "kind") == "StatefulSet"
        resource = STATEFUL_SETS if stateful else DEPLOYMENTS
        where = (namespace_of(scaled), text_at(reference, "name"))
        target = self._store.find(resource, *where)
        if target is None or not replicas.isdigit():
            return
        if target["spec"]["replicas"] != int(replicas):
            before = self._store.get(resource, *where)
            target["spec"]["replicas"] = int(replicas)
            note_write(before, target, _KEDA._replace(subresource="scale"))
            self._store.replace(resource, target)

    def _keep(self, scaled: Object) -> None:
        built = _autoscaler(scaled)
        found = self._store.find(SCALERS, namespace_of(built), name_of(built))
        if found is None:
            self._store.create(SCALERS, built | {"status": {"desiredReplicas": 0}})
        else:
            found["spec"] |= built["spec"]
            self._store.replace(SCALERS, found)


def _autoscaler(scaled: Object) -> Object:
    spec = mapping_at(scaled, "spec")
    least = spec.get("minReplicaCount", _MIN_DEFAULT)
    most = spec.get("maxReplicaCount", _MAX_DEFAULT)
    reference = mapping_at(spec, "scaleTargetRef")
    target = {
        "apiVersion": reference.get("apiVersion", "apps/v1"),
        "kind": reference.get("kind", "Deployment"),
        "name": reference.get("name", ""),
    }
    metric = {"metric": {"name": "s0-prometheus"}, "target": {"type": "AverageValue"}}
    return {
        "metadata": {
            "name": f"keda-hpa-{name_of(scaled)}",
            "namespace": namespace_of(scaled),
            "labels": {"scaledobject.keda.sh/name": name_of(scaled)},
            "ownerReferences": [owner_reference(scaled)],
        },
        "spec": {
            "scaleTargetRef": target,
            # KEDA itself goes from one to zero; its autoscaler never does.
            "minReplicas": max(1, least),
            "maxReplicas": max(1, most),
            "metrics": [{"type": "External", "external": metric}],
        },
    }
