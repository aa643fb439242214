"""The check after a write: the rollout completes, and its pods stay ready with no restart.

It polls, because a watch would bring stale versions and half-open sockets for nothing. Its deadline
is counted from the call's own time, so that an attempt that follows a killed one does not start
afresh; what was seen first (uid, template, the steady window) travels in the heartbeat.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from temporalio import activity

from activities.kubernetes.client import Cluster
from activities.kubernetes.deployment import Deployment, read_deployment
from activities.kubernetes.pods import PodState, findings_of, pods_of
from activities.kubernetes.raw import Object
from activities.kubernetes.revisions import current_of, revisions_of
from activities.kubernetes.rollout import Progress, Watched, progress_of
from activities.kubernetes.waiting import Clock, Sleep
from activities.kubernetes.workload import cluster_of
from contracts.errors import NotFound, Unavailable
from contracts.kubernetes import RolloutHealthy
from contracts.model import digest_of
from contracts.step import CheckCall, CheckResult

POLL_SECONDS = 2.0
STALE_GRACE_SECONDS = 60


@dataclass(frozen=True)
class Seen:
    """What one poll hands to the next, and a killed attempt to the one after it."""

    uid: str = ""
    template: str = ""
    steady_since: str = ""
    pods: str = ""
    detail: str = "not looked yet"

    def heartbeat(self) -> Object:
        """As the details of a heartbeat."""
        return dict(vars(self))


class RolloutHealthyCheck:
    """`kubernetes.rollout_healthy`."""

    def __init__(self, clusters: Mapping[str, Cluster], clock: Clock, sleep: Sleep) -> None:
        self._clusters = clusters
        self._clock = clock
        self._sleep = sleep

    @activity.defn(name=RolloutHealthy.activity)
    def check(self, call: CheckCall[RolloutHealthy]) -> CheckResult:
        """Never ok by default: what could not be seen until the deadline is not healthy.

        Raises InvalidInput, Rejected; Unavailable when this worker stops.
        """
        cluster = cluster_of(self._clusters, call.step.target.cluster)
        seen, progress = _seen_before(), Progress("waiting", "not looked yet")
        for _ in range(int(call.within_seconds / POLL_SECONDS) + 2):
            seen, progress = self._poll(cluster, call, seen)
            activity.heartbeat(seen.heartbeat())
            left = self._left_seconds(call)
            if progress.state != "waiting" or left <= 0:
                break
            self._sleep(min(POLL_SECONDS, left))
        ok = progress.state == "complete"
        late = "" if progress.state != "waiting" else f", still so after {call.within_seconds} s"
        return CheckResult(
            ok=ok, detail=f"{progress.detail}{late}", waited_seconds=self._waited_seconds(call)
        )

    def _waited_seconds(self, call: CheckCall[RolloutHealthy]) -> int:
        return max(0, int((self._clock() - call.at).total_seconds()))

    def _left_seconds(self, call: CheckCall[RolloutHealthy]) -> float:
        deadline = call.at + timedelta(seconds=call.within_seconds)
        return (deadline - self._clock()).total_seconds()

    def _poll(
        self, cluster: Cluster, call: CheckCall[RolloutHealthy], seen: Seen
    ) -> tuple[Seen, Progress]:
        """Look once. A server that does not answer is looked at again until the deadline."""
        try:
            seen, progress = self._look(cluster, call, seen)
        except NotFound:
            progress = Progress("failed", "it was deleted")
        except Unavailable as err:
            progress = Progress("waiting", f"the cluster did not answer ({err.message})")
        return replace(seen, detail=progress.detail), progress

    def _look(
        self, cluster: Cluster, call: CheckCall[RolloutHealthy], seen: Seen
    ) -> tuple[Seen, Progress]:
        deployment = read_deployment(cluster, call.step.target)
        watched = Watched(call.after, seen.uid, seen.template)
        grace_over = self._waited_seconds(call) > STALE_GRACE_SECONDS
        progress = progress_of(deployment, watched, grace_over=grace_over)
        if progress.state == "failed":
            return seen, progress
        seen = replace(seen, uid=deployment.uid, template=deployment.template_digest)
        pods = _pods(cluster, call, deployment)
        if progress.state == "waiting":
            said = "; ".join([progress.detail, *findings_of(pods)])
            return replace(seen, steady_since=""), Progress("waiting", said)
        return _steady(call, deployment, pods, seen, self._clock())


def _seen_before() -> Seen:
    """What the attempt before this one saw last."""
    details = activity.info().heartbeat_details
    known = details[0] if details and isinstance(details[0], dict) else {}
    return Seen(**{key: str(known[key]) for key in vars(Seen()) if key in known})


def _pods(
    cluster: Cluster, call: CheckCall[RolloutHealthy], deployment: Deployment
) -> list[PodState]:
    """The pods of the newest template only; the old ones no longer matter."""
    namespace = call.step.target.namespace
    current = current_of(deployment, revisions_of(cluster, namespace, deployment))
    return pods_of(cluster, namespace, deployment, [current] if current else [])


def _steady(
    call: CheckCall[RolloutHealthy],
    deployment: Deployment,
    pods: list[PodState],
    seen: Seen,
    now: datetime,
) -> tuple[Seen, Progress]:
    """Complete once the same pods have been ready, with no new restart, for long enough."""
    ready = sum(pod.ready for pod in pods)
    if ready < deployment.replicas:
        said = "; ".join([f"{ready} of {deployment.replicas} pods ready", *findings_of(pods)])
        return replace(seen, steady_since=""), Progress("waiting", said)
    restarts = digest_of({pod.uid: pod.restarts for pod in pods})
    if restarts != seen.pods or not seen.steady_since:
        seen = replace(seen, pods=restarts, steady_since=now.isoformat())
    steady = int((now - datetime.fromisoformat(seen.steady_since)).total_seconds())
    if steady < call.step.steady_seconds:
        said = f"{ready} pods ready, steady for {steady} of {call.step.steady_seconds} s"
        return seen, Progress("waiting", said)
    return seen, Progress("complete", f"{ready} of {deployment.replicas} pods ready, {steady} s")
