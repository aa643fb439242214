"""Pods that a workload wants and that were never created: the API server refused them.

Such pods exist nowhere, so no pod tells of them: a Deployment says it in a condition, the other
kinds only in events.
"""

from typing import NamedTuple

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.events import events_about
from activities.kubernetes.happened import happened_at
from activities.kubernetes.workload import Workload

REPLICA_FAILURE = "ReplicaFailure"
FAILED_CREATE = "FailedCreate"


class Refusal(NamedTuple):
    """The API server's sentence, and how many pods are missing; empty and 0 when none is."""

    said: str = ""
    pods: int = 0


def refusal_of(cluster: Cluster, namespace: str, workload: Workload, pods: int) -> Refusal:
    """Why pods are missing, as far as a refusal is known. `pods` are those that there are."""
    missing = workload.replicas - pods
    if workload.kind == "Deployment":
        failure = workload.condition(REPLICA_FAILURE)
        if failure.get("status") != "True":
            return Refusal()
        # While a rollout begins, the old pods are all there, and it is the new ones that are not.
        stuck = workload.replicas - workload.status("updatedReplicas")
        return Refusal(raw.text(failure, "message"), max(missing, stuck, 1))
    if missing <= 0:
        return Refusal()
    events = events_about(cluster, namespace, workload.uid, FAILED_CREATE)
    said = raw.text(max(events, key=happened_at, default={}), "message")
    return Refusal(said, missing) if said else Refusal()
