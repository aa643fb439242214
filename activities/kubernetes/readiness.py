"""The check that enough pods of a workload are ready.

It asks for less than `rollout_healthy`: no rollout has to be complete, and nothing to stay so. A
status that is older than the spec counts for nothing.
"""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes.client import Cluster
from activities.kubernetes.fields import REPLICAS
from activities.kubernetes.pods import findings_of, states_of
from activities.kubernetes.polling import Poller, Sight
from activities.kubernetes.raw import Object
from activities.kubernetes.waiting import Clock, Sleep
from activities.kubernetes.workload import Workload, cluster_of, read_workload
from contracts.errors import NotFound
from contracts.kubernetes import ReplicasReady
from contracts.step import CheckCall, CheckResult, Receipt

_MINIMA = (REPLICAS, "/spec/minReplicas", "/spec/minReplicaCount")


class ReplicasReadyCheck:
    """`kubernetes.replicas_ready`."""

    def __init__(self, clusters: Mapping[str, Cluster], clock: Clock, sleep: Sleep) -> None:
        self._clusters = clusters
        self._poller = Poller(clock, sleep)

    @activity.defn(name=ReplicasReady.activity)
    def check(self, call: CheckCall[ReplicasReady]) -> CheckResult:
        """Raises InvalidInput, Rejected; Unavailable when this worker stops."""
        cluster = cluster_of(self._clusters, call.step.target.cluster)
        return self._poller.wait(call, lambda memory: _look(cluster, call, memory))


def _look(cluster: Cluster, call: CheckCall[ReplicasReady], memory: Object) -> Sight:
    target = call.step.target
    try:
        workload = read_workload(cluster, target)
    except NotFound:
        return Sight("failed", "it was deleted")
    if memory.get("uid", workload.uid) != workload.uid:
        return Sight("failed", "it was deleted and created again")
    memory = {"uid": workload.uid}
    if workload.status("observedGeneration") < workload.generation:
        return Sight("waiting", "the controller has not seen the newest spec yet", memory)
    wanted = _wanted(call, workload)
    said = f"{workload.ready} of {wanted} pods ready"
    if wanted and workload.ready >= wanted:
        return Sight("complete", said, memory)
    pods = states_of(cluster, target.namespace, workload)
    return Sight("waiting", "; ".join([said, *findings_of(pods)]), memory)


def _wanted(call: CheckCall[ReplicasReady], workload: Workload) -> int:
    """What was asked for, else what the workload wants; after a scale at least what it set, because
    an autoscaler may not have acted on its new minimum yet.
    """
    if call.step.at_least is not None:
        return call.step.at_least
    return max(workload.replicas, _set_by(call.after))


def _set_by(after: Receipt | None) -> int:
    changed = after.changed if after else ()
    minima = [change.after for change in changed if change.path in _MINIMA]
    return max((least for least in minima if isinstance(least, int)), default=0)
