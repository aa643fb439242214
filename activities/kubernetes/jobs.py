"""A Job as it was read, and its deletion.

Without a propagation policy the API server would leave a Job's pods behind as orphans. A Job with a
pod that works is not deleted, however old its failure is.
"""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster, Place
from activities.kubernetes.consent import consent_of
from activities.kubernetes.cron_job import cron_job_above
from activities.kubernetes.ensure import Change, Ensurer
from activities.kubernetes.plans import kubectl, plan_of
from activities.kubernetes.pod_writes import is_terminating, options_for
from activities.kubernetes.pods import PodState, findings_of, state_of
from activities.kubernetes.rehearse import rehearse
from activities.kubernetes.subject import generation_moved
from activities.kubernetes.surroundings import around
from activities.kubernetes.workload import Workload, cluster_of, raw_pods, read_workload
from contracts.calls import EnsureCall
from contracts.errors import NotFound, Refused
from contracts.kubernetes import DeleteJob
from contracts.plan import BlastRadius, Plan
from contracts.step import Changed, Receipt, StepCall
from contracts.target import Target
from contracts.words import counted

JOB = ("Job",)


class DeleteJobAction:
    """`kubernetes.delete_job.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{DeleteJob.activity}.plan")
    def plan(self, call: StepCall[DeleteJob]) -> Plan:
        """Raises Refused (a pod of it works, not accepted), NotFound, InvalidInput, Unavailable,
        Rejected.
        """
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        job = read_workload(cluster, target, JOB)
        pods = states_of_job(cluster, target, job)
        working = working_of(job, pods)
        if working:
            fix = f"Wait for it, or suspend it by hand: {_suspend(cluster, target)}"
            raise Refused(f"{target} is at work: {working}", fix)
        place, options = _place(target), options_for(job.uid)
        accepted = rehearse(f"delete {place}", lambda: cluster.delete(place, options, dry_run=True))
        surroundings = around(cluster, target, job)
        return plan_of(
            call,
            cluster,
            job,
            before=f"job {target.name}, {state_words(job)}",
            after="no such job, and none of its pods",
            summary=f"Delete {target} and its {counted(len(pods), 'pod')}",
            kubectl=kubectl(cluster, target, "delete", "job", target.name, "--wait=false"),
            blast=BlastRadius(pods=len(pods), ready=job.ready, desired=job.replicas, lost=0),
            findings=tuple(_findings(job, pods)),
            noop=is_terminating(job.raw),
            around=surroundings.model_copy(update={"dry_run": accepted}),
            consent=consent_of(cluster, target, job.raw, cron_job_above(cluster, target, job).raw),
        )

    @activity.defn(name=f"{DeleteJob.activity}.ensure")
    def ensure(self, call: EnsureCall[DeleteJob]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        plan = call.plan
        place, options = _place(plan.target), options_for(plan.uid)
        change = Change(
            read=lambda cluster: _read_planned(cluster, plan),
            is_done=lambda job: not job.raw or is_terminating(job.raw),
            moved=lambda job: _moved(plan, job),
            prepare=lambda cluster, _job: lambda: cluster.delete(place, options),
            changed=_removed(plan),
        )
        return self._ensurer.bring_about(call, change)


def state_words(job: Workload) -> str:
    """How it ended, or that it has not; in words that do not change while its pods crash."""
    failed = job.condition("Failed")
    if failed.get("status") == "True":
        return f"failed: {raw.text(failed, 'reason') or 'no reason given'}"
    if job.condition("Complete").get("status") == "True":
        return "complete"
    return "suspended" if raw.dig(job.raw, "spec", "suspend") is True else "not finished"


def working_of(job: Workload, pods: list[PodState]) -> str:
    """Which of its pods work now, or the empty string."""
    ready = [pod.name for pod in pods if pod.ready]
    if ready:
        return f"pod {ready[0]} is ready"
    return f"{job.ready} of its pods are ready" if job.ready else ""


def states_of_job(cluster: Cluster, target: Target, job: Workload) -> list[PodState]:
    """Its pods, those that have ended among them."""
    return [state_of(pod) for pod in raw_pods(cluster, target.namespace, job)]


def _read_planned(cluster: Cluster, plan: Plan) -> Workload:
    """The job of the plan; empty once that very job is gone."""
    try:
        job = read_workload(cluster, plan.target, JOB)
    except NotFound:
        return Workload({}, kind="Job")
    return job if job.uid == plan.uid else Workload({}, job.read_at, "Job")


def _moved(plan: Plan, job: Workload) -> str:
    return (
        f"it is at work, {job.ready} of its pods are ready"
        if job.ready
        else generation_moved(plan, job)
    )


def _place(target: Target) -> Place:
    return Place("Job", target.namespace, target.name)


def _removed(plan: Plan) -> tuple[Changed, ...]:
    """The whole object went away. Nothing can take that back."""
    gone = {"uid": plan.uid}
    return (
        Changed(kind="Job", name=plan.target.name, uid=plan.uid, path="", before=gone, after=None),
    )


def _findings(job: Workload, pods: list[PodState]) -> list[str]:
    owner = raw.controller_of(job.raw)
    again = "nothing makes it again by itself"
    if owner.get("kind") == "CronJob":
        again = f"CronJob {owner['name']} makes its next one by itself"
    return [f"it is {state_words(job)}", again, *findings_of(pods)]


def _suspend(cluster: Cluster, target: Target) -> str:
    patch = '{"spec":{"suspend":true}}'
    return kubectl(cluster, target, "patch", "job", target.name, "--type=merge", "-p", patch)
