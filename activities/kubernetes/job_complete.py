"""The check of a Job: that it completes. After a RerunJob it is the new one that counts."""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.jobs import JOB, state_words, states_of_job
from activities.kubernetes.pods import findings_of
from activities.kubernetes.polling import Poller, Sight
from activities.kubernetes.waiting import Clock, Sleep
from activities.kubernetes.workload import cluster_of, read_workload
from contracts.errors import InvalidInput, NotFound
from contracts.kubernetes import JobComplete
from contracts.step import CheckCall, CheckResult
from contracts.target import Target


class JobCompleteCheck:
    """`kubernetes.job_complete`."""

    def __init__(self, clusters: Mapping[str, Cluster], clock: Clock, sleep: Sleep) -> None:
        self._clusters = clusters
        self._poller = Poller(clock, sleep)

    @activity.defn(name=JobComplete.activity)
    def check(self, call: CheckCall[JobComplete]) -> CheckResult:
        """Raises InvalidInput (also for a CronJob without the receipt of a RerunJob), Rejected;
        Unavailable when this worker stops.
        """
        cluster = cluster_of(self._clusters, call.step.target.cluster)
        job, uid = _awaited(call)
        return self._poller.wait(call, lambda _: _look(cluster, job, uid))


def _awaited(call: CheckCall[JobComplete]) -> tuple[Target, str]:
    """Which job, and its uid where it is known."""
    target = call.step.target
    for changed in call.after.changed if call.after else ():
        if changed.kind == "Job" and changed.after is not None and not changed.path:
            return target.model_copy(update={"kind": "Job", "name": changed.name}), changed.uid
    if target.kind not in JOB:
        fix = "Name the job, or verify it after `act` with RerunJob on the same target."
        raise InvalidInput(f"{target}: this is a {target.kind}, and no run of it is known", fix)
    return target, ""


def _look(cluster: Cluster, target: Target, uid: str) -> Sight:
    try:
        job = read_workload(cluster, target, JOB)
    except NotFound:
        return Sight("failed", f"{target} was deleted")
    if uid and job.uid != uid:
        return Sight("failed", f"{target} was deleted and created again")
    state = state_words(job)
    if state == "complete":
        return Sight("complete", f"{target} has completed")
    if state.startswith("failed"):
        message = raw.text(job.condition("Failed"), "message")
        return Sight("failed", f"{target} {state}{f' ({message})' if message else ''}")
    counts = f"{job.status('active')} active, {job.status('failed')} failed"
    said = findings_of(states_of_job(cluster, target, job))
    return Sight("waiting", "; ".join([f"{target} is {state}: {counts}", *said]))
