"""The check after a write: the rollout completes, and its pods stay ready with no restart.

It polls, because a watch would bring stale versions and half-open sockets for nothing. What was
seen first (uid, template, the steady window) travels in the heartbeat to the attempt that follows
a killed one.
"""

from collections.abc import Mapping
from typing import Literal

from temporalio import activity

from activities.kubernetes.client import Cluster
from activities.kubernetes.pods import PodState, findings_of, pods_of, states_of
from activities.kubernetes.polling import Poller, Sight, steady_for
from activities.kubernetes.raw import Object
from activities.kubernetes.revisions import current_of, revisions_of
from activities.kubernetes.rollout import Watched, progress_of
from activities.kubernetes.waiting import Clock, Sleep
from activities.kubernetes.workload import Workload, cluster_of, read_workload
from contracts.errors import NotFound
from contracts.kubernetes import RolloutHealthy
from contracts.model import digest_of
from contracts.step import CheckCall, CheckResult

STALE_GRACE_SECONDS = 60


class RolloutHealthyCheck:
    """`kubernetes.rollout_healthy`."""

    def __init__(self, clusters: Mapping[str, Cluster], clock: Clock, sleep: Sleep) -> None:
        self._clusters = clusters
        self._poller = Poller(clock, sleep)

    @activity.defn(name=RolloutHealthy.activity)
    def check(self, call: CheckCall[RolloutHealthy]) -> CheckResult:
        """Never ok by default: what could not be seen until the deadline is not healthy.

        Raises InvalidInput, Rejected; Unavailable when this worker stops.
        """
        cluster = cluster_of(self._clusters, call.step.target.cluster)
        return self._poller.wait(call, lambda memory: self._look(cluster, call, memory))

    def _look(self, cluster: Cluster, call: CheckCall[RolloutHealthy], memory: Object) -> Sight:
        try:
            workload = read_workload(cluster, call.step.target)
        except NotFound:
            return Sight("failed", "it was deleted")
        watched = Watched(call.after, memory.get("uid", ""), memory.get("template", ""))
        waited_seconds = (self._poller.now - call.at).total_seconds()
        progress = progress_of(workload, watched, grace_over=waited_seconds > STALE_GRACE_SECONDS)
        if progress.state == "failed":
            return Sight("failed", progress.detail)
        memory = memory | {"uid": workload.uid, "template": workload.template_digest}
        pods = _pods(cluster, call, workload)
        if progress.state == "waiting":
            return _unsteady(memory, progress.detail, pods)
        return self._steady(call, workload, pods, memory)

    def _steady(
        self,
        call: CheckCall[RolloutHealthy],
        workload: Workload,
        pods: list[PodState],
        memory: Object,
    ) -> Sight:
        """Complete once the same pods have been ready, with no new restart, for long enough."""
        ready, wanted = sum(pod.ready for pod in pods), workload.replicas
        if ready < wanted:
            return _unsteady(memory, f"{ready} of {wanted} pods ready", pods)
        restarts = digest_of({pod.uid: pod.restarts for pod in pods})
        seconds, window = steady_for(memory.get("steady") or {}, restarts, self._poller.now)
        memory = memory | {"steady": window}
        if seconds < call.step.steady_seconds:
            said = f"{ready} pods ready, steady for {seconds} of {call.step.steady_seconds} s"
            return _told("waiting", said, memory)
        return _told("complete", f"{ready} of {wanted} pods ready, {seconds} s", memory)


def _unsteady(memory: Object, said: str, pods: list[PodState]) -> Sight:
    """The steady window begins afresh."""
    kept = {key: value for key, value in memory.items() if key != "steady"}
    return _told("waiting", "; ".join([said, *findings_of(pods)]), kept)


def _told(state: Literal["waiting", "complete"], said: str, memory: Object) -> Sight:
    return Sight(state, said, memory | {"detail": said})


def _pods(cluster: Cluster, call: CheckCall[RolloutHealthy], workload: Workload) -> list[PodState]:
    """A Deployment's pods of the newest template; the old ones no longer matter. Of a set, all: it
    has no more pods than it wants.
    """
    namespace = call.step.target.namespace
    if workload.kind != "Deployment":
        return states_of(cluster, namespace, workload)
    current = current_of(workload, revisions_of(cluster, namespace, workload))
    return pods_of(cluster, namespace, workload, [current] if current else [])
