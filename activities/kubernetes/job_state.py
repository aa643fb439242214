"""The look at a Job: what it has done, why it failed, and whose it is."""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.evidence import Cleaner, Shelf, head, keep
from activities.kubernetes.raw import Object
from activities.kubernetes.workload import Workload, cluster_of, read_workload
from contracts.kubernetes import JobState
from contracts.step import BODY_BYTES_MAX, EXCERPT_BYTES_MAX, Evidence, StepCall
from contracts.words import counted

BACKOFF_LIMIT = 6  # the API's default
_TIMES = ("startTime", "completionTime")


class JobStateLook:
    """`kubernetes.job_state`."""

    def __init__(self, clusters: Mapping[str, Cluster], shelf: Shelf) -> None:
        self._clusters = clusters
        self._shelf = shelf

    @activity.defn(name=JobState.activity)
    def look(self, call: StepCall[JobState]) -> Evidence:
        """Raises NotFound, Unavailable, Rejected, or InvalidInput for another kind."""
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        job = read_workload(cluster, target, ("Job",))
        facts = _facts(job)
        body = head(Cleaner([job.template])("\n".join(_lines(job, facts))), BODY_BYTES_MAX)
        title = f"{target}: {_summary(facts)}"
        return keep(self._shelf, call, title, (body, head(body, EXCERPT_BYTES_MAX)), facts)


def _facts(job: Workload) -> Object:
    owner, limit = raw.controller_of(job.raw), raw.dig(job.raw, "spec", "backoffLimit")
    return {
        "active": job.status("active"),
        "succeeded": job.status("succeeded"),
        "failed": job.status("failed"),
        "complete": _is(job, "Complete"),
        "suspended": raw.dig(job.raw, "spec", "suspend") is True,
        "reason": raw.text(job.condition("Failed"), "reason") if _is(job, "Failed") else "",
        "cron_job": raw.text(owner, "name") if owner.get("kind") == "CronJob" else "",
        "backoff_limit": limit if isinstance(limit, int) else BACKOFF_LIMIT,
    }


def _is(job: Workload, condition: str) -> bool:
    return job.condition(condition).get("status") == "True"


def _summary(facts: Object) -> str:
    if facts["complete"]:
        return "complete"
    if facts["reason"]:
        return f"failed ({facts['reason']})"
    if facts["suspended"]:
        return "suspended"
    return f"{counted(facts['active'], 'pod')} active, {facts['failed']} failed"


def _lines(job: Workload, facts: Object) -> list[str]:
    said = [f"{name}: {value}" for name, value in facts.items()]
    said += [f"{name}: {raw.text(job.raw, 'status', name)}" for name in _TIMES]
    return said + [
        f"{raw.text(c, 'type')} is {raw.text(c, 'status')}: {raw.text(c, 'message')}"
        for c in raw.items(job.raw, "status", "conditions")
    ]
