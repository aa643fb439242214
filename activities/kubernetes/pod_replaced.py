"""The check after a pod was evicted or deleted: that very pod is gone, and its workload complete.

It counts the pods themselves, because a controller's status may still count the one that went.
"""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.pod_writes import is_terminating
from activities.kubernetes.pods import findings_of, state_of
from activities.kubernetes.polling import Poller, Sight
from activities.kubernetes.raw import Object
from activities.kubernetes.waiting import Clock, Sleep
from activities.kubernetes.workload import WITH_PODS, cluster_of, raw_pods, read_workload
from contracts.errors import InvalidInput, NotFound
from contracts.kubernetes import PodReplaced
from contracts.step import Changed, CheckCall, CheckResult
from contracts.target import Target


class PodReplacedCheck:
    """`kubernetes.pod_replaced`."""

    def __init__(self, clusters: Mapping[str, Cluster], clock: Clock, sleep: Sleep) -> None:
        self._clusters = clusters
        self._poller = Poller(clock, sleep)

    @activity.defn(name=PodReplaced.activity)
    def check(self, call: CheckCall[PodReplaced]) -> CheckResult:
        """Raises InvalidInput (also without the receipt of an eviction), Rejected; Unavailable
        when this worker stops.
        """
        cluster = cluster_of(self._clusters, call.step.target.cluster)
        removed = _removed(call)
        return self._poller.wait(call, lambda _: _look(cluster, call.step.target, removed))


def _removed(call: CheckCall[PodReplaced]) -> Changed:
    known = call.after.changed if call.after else ()
    found = next((c for c in known if c.kind == "Pod" and c.after is None), None)
    if found is None:
        fix = "Verify it after `act` with EvictPod or DeletePod on the same target."
        raise InvalidInput(f"{call.step.target}: no pod of it was evicted or deleted", fix)
    return found


def _look(cluster: Cluster, target: Target, removed: Changed) -> Sight:
    try:
        workload = read_workload(cluster, target, WITH_PODS)
    except NotFound:
        return Sight("failed", "it was deleted")
    pods = raw_pods(cluster, target.namespace, workload)
    if any(raw.uid_of(pod) == removed.uid for pod in pods):
        return Sight("waiting", f"pod {removed.name} is still there")
    return _counted(pods, workload.replicas)


def _counted(pods: list[Object], wanted: int) -> Sight:
    states = [state_of(pod) for pod in pods if not is_terminating(pod)]
    ready = sum(state.ready for state in states)
    if ready < wanted:
        said = "; ".join([f"{ready} of {wanted} pods ready", *findings_of(states)])
        return Sight("waiting", said)
    return Sight("complete", f"the pod was replaced: {ready} of {wanted} pods ready")
