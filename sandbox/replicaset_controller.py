"""ReplicaSets make pods: the wanted number of them, no more, and count what is ready.

A pod that is terminating does not count, so its replacement comes at once, with a new name and a
new uid. It must run under the store's lock.
"""

from datetime import datetime

from sandbox.deletion import delete_pod
from sandbox.events import Recorder
from sandbox.hashing import generated_name
from sandbox.maker import PodMaker
from sandbox.objects import (
    Object,
    is_terminating,
    items_at,
    labels_of,
    mapping_at,
    name_of,
    number_at,
    text_at,
    timestamp,
)
from sandbox.pods import condition_of, is_available, is_finished, is_ready, owned_pods, pod_from
from sandbox.resources import REPLICA_SETS
from sandbox.rollout import size
from sandbox.selectors import matches
from sandbox.store import Store

_SOURCE = "replicaset-controller"
_BURST_MAX = 500


class ReplicaSetController:
    """The loop body over every ReplicaSet."""

    def __init__(self, store: Store, events: Recorder, maker: PodMaker) -> None:
        self._store = store
        self._events = events
        self._maker = maker

    def tick(self, now: datetime) -> None:
        """One pass: create or delete pods, then write the counts."""
        for replica_set in self._store.list(REPLICA_SETS):
            if not is_terminating(replica_set):
                self._balance(replica_set, now)
            self._report(replica_set, now)

    def _balance(self, replica_set: Object, now: datetime) -> None:
        pods = _staying(replica_set, owned_pods(self._store, replica_set))
        wanted = size(replica_set)
        for _ in range(min(wanted - len(pods), _BURST_MAX)):
            if not self._create(replica_set, now):
                break
        for pod in sorted(pods, key=_keep_order)[: max(0, len(pods) - wanted)]:
            delete_pod(self._store, pod, None, now)
            what = ("Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
            self._events.record(replica_set, what, _SOURCE, now)

    def _create(self, replica_set: Object, now: datetime) -> bool:
        prefix = f"{name_of(replica_set)}-"
        names = {"name": generated_name(prefix), "generateName": prefix}
        built = pod_from(replica_set["spec"]["template"], replica_set, **names)
        pod = self._maker.create(replica_set, built, now)
        if pod is None:
            return False
        what = ("Normal", "SuccessfulCreate", f"Created pod: {name_of(pod)}")
        self._events.record(replica_set, what, _SOURCE, now)
        return True

    def _report(self, replica_set: Object, now: datetime) -> None:
        owned = owned_pods(self._store, replica_set)
        pods = _staying(replica_set, owned)
        settle = number_at(replica_set, "spec", "minReadySeconds")
        going = [pod for pod in owned if is_terminating(pod)]
        optional = {
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": sum(is_ready(pod) for pod in pods),
            "availableReplicas": sum(is_available(pod, settle, now) for pod in pods),
            "observedGeneration": number_at(replica_set, "metadata", "generation"),
        }
        status: Object = {"replicas": len(pods), "terminatingReplicas": len(going)}
        status |= {key: value for key, value in optional.items() if value}
        replica_set["status"] = status | self._failure(replica_set, len(pods), now)
        self._store.replace_status(REPLICA_SETS, replica_set)

    def _failure(self, replica_set: Object, pods: int, now: datetime) -> Object:
        """A refusal stands until all wanted pods could be made."""
        refusal = self._maker.refusal(replica_set)
        if not refusal or pods >= size(replica_set):
            return {}
        told = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}
        before = condition_of(replica_set, "ReplicaFailure")
        since = before.get("lastTransitionTime", timestamp(now))
        return {"conditions": [told | {"lastTransitionTime": since, "message": refusal}]}


def _staying(replica_set: Object, pods: list[Object]) -> list[Object]:
    return [
        pod
        for pod in pods
        if not is_terminating(pod)
        and not is_finished(pod)
        and matches(mapping_at(replica_set, "spec", "selector"), labels_of(pod))
    ]


def _keep_order(pod: Object) -> tuple[bool, bool, bool, int, int]:
    """Who goes first: unscheduled, not running, not ready, most restarts, then the youngest."""
    restarts = sum(
        number_at(item, "restartCount") for item in items_at(pod, "status", "containerStatuses")
    )
    return (
        bool(text_at(pod, "spec", "nodeName")),
        text_at(pod, "status", "phase") == "Running",
        is_ready(pod),
        -restarts,
        -int(pod["metadata"]["resourceVersion"]),
    )
