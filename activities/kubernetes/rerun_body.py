"""What a failed Job is run again from: its CronJob's template as it is now, or its own.

What the controllers wrote into the old one stays behind, and so do its labels and annotations: a
GitOps tool would otherwise take the new one for its own, and prune it. Nothing here writes.
"""

from dataclasses import dataclass

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.cron_job import AGAIN, AGAIN_UID, cron_job_above
from activities.kubernetes.jobs import state_words
from activities.kubernetes.plans import kubectl
from activities.kubernetes.raw import Object
from activities.kubernetes.subject import Subject
from activities.kubernetes.workload import Workload, bare_template, images_text, read_workload
from contracts.errors import Refused
from contracts.model import digest_of
from contracts.target import Target

KEY = "firebreak.dev/key"
CONTROLLER_LABELS = (
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
)
KEPT_SECONDS = 86_400
KEPT_SECONDS_MIN = 3_600
_LEFT_BEHIND = ("selector", "manualSelector", "suspend", "template", "ttlSecondsAfterFinished")


@dataclass(frozen=True)
class Source:
    """What a new run is made from. `target` is the step's, a Job or a CronJob; `newest` is the
    latest run that is known; `above` is the CronJob, or empty; `base` is the name of the CronJob,
    or of the Job that was the first run.
    """

    target: Subject
    newest: Workload
    above: Subject
    base: str
    job_spec: Object

    @property
    def cron_job(self) -> str:
        """The name of the CronJob above, or the empty string."""
        return raw.name_of(self.above.raw)

    @property
    def suspended(self) -> bool:
        """Whether somebody stopped the CronJob above."""
        return raw.dig(self.above.raw, "spec", "suspend") is True

    def locks(self, target: Target) -> tuple[str, ...]:
        """What all runs of the same lock besides the target: one of them runs again at a time."""
        kind = "CronJob" if self.cron_job else "Job"
        first = target.model_copy(update={"kind": kind, "name": self.base}).key
        return () if first == target.key else (first,)

    @property
    def spec(self) -> Object:
        """The new job's spec. Its record is kept for a day unless its own says otherwise, and for
        an hour at least.
        """
        kept = {k: v for k, v in self.job_spec.items() if k not in _LEFT_BEHIND and v is not None}
        seconds = raw.dig(self.job_spec, "ttlSecondsAfterFinished")
        wanted = max(seconds, KEPT_SECONDS_MIN) if isinstance(seconds, int) else KEPT_SECONDS
        return kept | {"template": self._template, "ttlSecondsAfterFinished": wanted}

    @property
    def _template(self) -> Object:
        template = bare_template({"spec": self.job_spec})
        labels = raw.mapping(template, "metadata", "labels")
        own = {k: v for k, v in labels.items() if k not in CONTROLLER_LABELS}
        return template | {"metadata": template["metadata"] | {"labels": own}}

    @property
    def digest(self) -> str:
        """The digest of that spec."""
        return digest_of(self.spec)

    @property
    def pods(self) -> int:
        """How many pods it runs at a time."""
        return raw.number(self.job_spec, "parallelism") or 1

    @property
    def images(self) -> str:
        """`image a:1`."""
        return images_text(self._template)

    @property
    def words(self) -> str:
        """The latest run, and how it ended."""
        return f"job {raw.name_of(self.newest.raw)}, {state_words(self.newest)}"

    def body(self, name: str, key: str) -> Object:
        """The new job of that name, signed with the key of the write."""
        signed = {KEY: key, AGAIN: self.base}
        signed |= {AGAIN_UID: self.above.uid} if self.above.uid else {}
        metadata = {"name": name, "annotations": signed}
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": metadata,
            "spec": self.spec,
        }


def read_source(cluster: Cluster, target: Target) -> Source:
    """Read the target, the CronJob above it, and the runs. Raises InvalidInput for another kind
    than Job and CronJob, NotFound, Unavailable, Rejected; Refused for a CronJob that never ran.
    """
    read = read_workload(cluster, target, ("Job", "CronJob"))
    above = read if target.kind == "CronJob" else cron_job_above(cluster, target, read)
    base = raw.name_of(above.raw) or raw.annotation(read.raw, AGAIN) or target.name
    newest = _newest(cluster, target, read, above, base)
    if newest is None:
        raise Refused(f"{target} has not run yet: there is nothing to run again")
    spec = raw.mapping(above.raw, "spec", "jobTemplate", "spec") or raw.mapping(read.raw, "spec")
    return Source(read, newest, above, base, spec)


def refuse_unfit(cluster: Cluster, target: Target, source: Source) -> None:
    """Raises Refused unless the latest run failed, and a copy of it could and should run."""
    state, words = state_words(source.newest), source.words
    if state == "complete":
        fix = f"Delete the failed one, if it still alerts: kubectl delete job {target.name}"
        raise Refused(f"{target}: {words}: nothing is left to be done", fix)
    if not state.startswith("failed"):
        fix = f"Wait for it, or look at it: {kubectl(cluster, target, 'get', 'jobs')}"
        raise Refused(f"{target}: {words}: another run would meet it", fix)
    if source.suspended:
        resume = ("patch", "cronjob", source.cron_job, "-p", '{"spec":{"suspend":false}}')
        fix = f"Ask who suspended it, then resume it: {kubectl(cluster, target, *resume)}"
        raise Refused(f"{target}: CronJob {source.cron_job} is suspended", fix)
    if raw.dig(source.job_spec, "manualSelector") is True:
        said = f"{target} has a selector of its own: a copy would take the pods of the old one"
        raise Refused(said, "Run it again by hand, with another selector.")


def _newest(
    cluster: Cluster, target: Target, read: Workload, above: Workload, base: str
) -> Workload | None:
    """The latest run of the same: itself, its CronJob's, and what was run again by hand or us."""
    runs = [
        job
        for job in cluster.list_all("Job", target.namespace)
        if raw.uid_of(job) == read.uid
        or (above.raw and raw.controller_of(job).get("uid") == above.uid)
        or raw.annotation(job, AGAIN) == base
    ]
    latest = max(runs, key=_created, default=None)
    return Workload(latest, kind="Job") if latest else None


def _created(job: Object) -> tuple[str, bool, str]:
    """Of two in the same second, what was run again is the later one."""
    began = raw.text(job, "metadata", "creationTimestamp")
    return began, bool(raw.annotation(job, AGAIN)), raw.name_of(job)
