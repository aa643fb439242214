"""ReplicaSets make pods: the wanted number of them, no more, and count what is ready.

A pod that is terminating does not count, so its replacement comes at once, with a new name and a
new uid. It must run under the store's lock.
"""

from datetime import datetime, timedelta

from sandbox.deletion import delete_pod
from sandbox.events import Recorder
from sandbox.hashing import generated_name
from sandbox.objects import (
    Object,
    annotations_of,
    controller_uid,
    copied,
    is_terminating,
    items_at,
    labels_of,
    mapping_at,
    name_of,
    namespace_of,
    number_at,
    owner_reference,
    parse_timestamp,
    text_at,
    uid_of,
)
from sandbox.resources import PODS, REPLICA_SETS
from sandbox.rollout import size
from sandbox.selectors import matches
from sandbox.store import Store

_SOURCE = "replicaset-controller"
_BURST_MAX = 500


class ReplicaSetController:
    """The loop body over every ReplicaSet."""

    def __init__(self, store: Store, events: Recorder) -> None:
        self._store = store
        self._events = events

    def tick(self, now: datetime) -> None:
        """One pass: create or delete pods, then write the counts."""
        for replica_set in self._store.list(REPLICA_SETS):
            self._balance(replica_set, now)
            self._report(replica_set, now)

    def _pods(self, replica_set: Object) -> list[Object]:
        return [
            pod
            for pod in self._store.list(PODS, namespace_of(replica_set))
            if controller_uid(pod) == uid_of(replica_set)
            and not is_terminating(pod)
            and matches(mapping_at(replica_set, "spec", "selector"), labels_of(pod))
        ]

    def _balance(self, replica_set: Object, now: datetime) -> None:
        pods, wanted = self._pods(replica_set), size(replica_set)
        for _ in range(min(wanted - len(pods), _BURST_MAX)):
            self._create(replica_set, now)
        for pod in sorted(pods, key=_keep_order)[: max(0, len(pods) - wanted)]:
            delete_pod(self._store, pod, None, now)
            what = ("Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
            self._events.record(replica_set, what, _SOURCE, now)

    def _create(self, replica_set: Object, now: datetime) -> None:
        pod = self._store.create(PODS, _pod_of(replica_set))
        what = ("Normal", "SuccessfulCreate", f"Created pod: {name_of(pod)}")
        self._events.record(replica_set, what, _SOURCE, now)

    def _report(self, replica_set: Object, now: datetime) -> None:
        pods = self._pods(replica_set)
        ready = [pod for pod in pods if is_ready(pod)]
        settle = timedelta(seconds=number_at(replica_set, "spec", "minReadySeconds"))
        up = [pod for pod in ready if not settle or _ready_since(pod) + settle <= now]
        optional = {
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": len(ready),
            "availableReplicas": len(up),
            "observedGeneration": number_at(replica_set, "metadata", "generation"),
        }
        status: Object = {"replicas": len(pods)}
        replica_set["status"] = status | {key: value for key, value in optional.items() if value}
        self._store.replace_status(REPLICA_SETS, replica_set)


def _pod_of(replica_set: Object) -> Object:
    template = copied(replica_set["spec"]["template"])
    prefix = f"{name_of(replica_set)}-"
    metadata = {
        "name": generated_name(prefix),
        "generateName": prefix,
        "namespace": namespace_of(replica_set),
        "labels": labels_of(template),
        "annotations": annotations_of(template),
        "ownerReferences": [owner_reference(replica_set)],
    }
    if not metadata["annotations"]:
        del metadata["annotations"]
    return {
        "metadata": metadata,
        "spec": template["spec"],
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    }


def ready_condition(pod: Object) -> Object:
    """The Ready condition, or an empty object."""
    found = (item for item in items_at(pod, "status", "conditions") if item["type"] == "Ready")
    return next(found, {})


def is_ready(pod: Object) -> bool:
    """Whether the Ready condition is True."""
    return ready_condition(pod).get("status") == "True"


def _ready_since(pod: Object) -> datetime:
    return parse_timestamp(text_at(ready_condition(pod), "lastTransitionTime"))


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
