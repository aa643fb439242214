"""Run a failed Job once more, under a name that the write's own key gives.

The name makes a second creation impossible, and an annotation with the key tells our Job from
somebody else's. Nothing owns the new Job and its record is kept for a while, so that no clean-up
takes it away while a lost answer is still being looked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from shlex import quote

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Answer, Cluster
from activities.kubernetes.consent import consent_of
from activities.kubernetes.ensure import Change, Ensurer
from activities.kubernetes.plans import kubectl, plan_of
from activities.kubernetes.rehearse import rehearse
from activities.kubernetes.rerun_body import KEY, Source, read_source, refuse_unfit
from activities.kubernetes.subject import Subject, generation_moved, require_same
from activities.kubernetes.surroundings import around
from activities.kubernetes.workload import cluster_of
from contracts.calls import EnsureCall
from contracts.errors import NotFound, PlanChanged
from contracts.kubernetes import RerunJob
from contracts.plan import BlastRadius, Plan
from contracts.step import Changed, Receipt, StepCall
from contracts.target import Target

NEWEST_UID = "newest_uid"
SPEC = "spec"
NAME_CHARS_MAX = 52
DIGEST_CHARS = 10


@dataclass(frozen=True)
class Again(Subject):
    """The new Job, empty while there is none; then `source` is what it is to be made from."""

    source: Source | None = None


@dataclass
class _Made:
    """Remembers the uid of the new job, whichever answer told it."""

    uid: str = ""

    def read(self, again: Again) -> Again:
        self.uid = again.uid
        return again

    def sent(self, answer: Answer) -> Answer:
        self.uid = raw.uid_of(answer.body)
        return answer


class RerunJobAction:
    """`kubernetes.rerun_job.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{RerunJob.activity}.plan")
    def plan(self, call: StepCall[RerunJob]) -> Plan:
        """Raises Refused (it has not failed, another run is under way or has completed, its CronJob
        is suspended, not accepted), NotFound, InvalidInput, Unavailable, Rejected.
        """
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        source = read_source(cluster, target)
        refuse_unfit(cluster, target, source)
        body = source.body(name_for(call.key, target), call.key)
        accepted = rehearse(
            f"another job of {target}",
            lambda: cluster.create("Job", target.namespace, body, dry_run=True),
        )
        surroundings = around(cluster, target, source.target)
        return plan_of(
            call,
            cluster,
            source.target,
            before=source.words,
            after=f"one more job, {source.images}",
            summary=f"Run {target} once more",
            kubectl=_by_hand(cluster, target, source),
            pins={NEWEST_UID: source.newest.uid, SPEC: source.digest},
            blast=BlastRadius(pods=source.pods, lost=0),
            findings=_findings(source),
            around=surroundings.model_copy(update={"dry_run": accepted}),
            also_locks=source.locks(target),
            consent=consent_of(cluster, target, source.target.raw, source.above.raw),
        )

    @activity.defn(name=f"{RerunJob.activity}.ensure")
    def ensure(self, call: EnsureCall[RerunJob]) -> Receipt:
        """The receipt's `changed` names the new job. Raises as `Ensurer.bring_about` does."""
        name, made = name_for(call.key, call.plan.target), _Made()
        change = Change(
            read=lambda cluster: made.read(_read(cluster, call.plan, name)),
            is_done=lambda again: raw.annotation(again.raw, KEY) == call.key,
            moved=lambda again: _moved(call.plan, name, again),
            prepare=lambda cluster, again: lambda: made.sent(_create(cluster, call, name, again)),
        )
        receipt = self._ensurer.bring_about(call, change)
        new = Changed(kind="Job", name=name, uid=made.uid, path="", after={"name": name})
        summary = f"{receipt.summary}, as job {name}"
        return receipt.model_copy(update={"changed": (new,), "summary": summary, "generation": 0})


def name_for(key: str, target: Target) -> str:
    """The new job's name: always the same for the same write."""
    digest = sha256(f"{key} {target.key}".encode()).hexdigest()[:DIGEST_CHARS]
    return f"{target.name[:NAME_CHARS_MAX].rstrip('-.')}-{digest}"


def _read(cluster: Cluster, plan: Plan, name: str) -> Again:
    """Look for the new job first: once it is there, what it was made from may be gone."""
    try:
        return Again(*cluster.get("Job", plan.target.namespace, name))
    except NotFound:
        source = read_source(cluster, plan.target)
    require_same(plan, source.target)
    return Again({}, source.target.read_at, source)


def _moved(plan: Plan, name: str, again: Again) -> str:
    if again.source is None:
        return f"a job named {name} is there, and it is not ours"
    if again.source.newest.uid != plan.pins[NEWEST_UID]:
        return "another run of it has begun"
    if again.source.digest != plan.pins[SPEC]:
        return "what it runs is something else now"
    if again.source.suspended:
        return f"CronJob {again.source.cron_job} is suspended by now"
    return generation_moved(plan, again.source.target)


def _create(cluster: Cluster, call: EnsureCall[RerunJob], name: str, again: Again) -> Answer:
    if again.source is None:
        raise PlanChanged(f"job {name} is there already")
    return cluster.create("Job", call.plan.target.namespace, again.source.body(name, call.key))


def _findings(source: Source) -> tuple[str, ...]:
    said = [f"the template is that of CronJob {source.cron_job} now"] if source.cron_job else []
    policy = raw.text(source.above.raw, "spec", "concurrencyPolicy")
    if policy in ("Forbid", "Replace"):
        said.append(f"its concurrencyPolicy {policy} does not count this run: a next may join it")
    done = raw.number(source.newest.raw, "status", "succeeded")
    if done:
        said.append(f"its {done} completed pods are run again, too")
    return tuple(said)


def _by_hand(cluster: Cluster, target: Target, source: Source) -> str:
    """From a CronJob there is a word for it; out of a Job its own traces have to be taken."""
    name = f"{source.base[:NAME_CHARS_MAX]}-again"
    if source.cron_job:
        return kubectl(cluster, target, "create", "job", name, f"--from=cronjob/{source.cron_job}")
    get = kubectl(cluster, target, "get", "job", target.name, "-o", "json")
    traces = ".metadata, .status, .spec.selector, .spec.template.metadata.labels"
    edit = quote(f'del({traces}) | .metadata.name = "{name}"')
    return f"{get} | jq {edit} | {kubectl(cluster, target, 'create', '-f', '-')}"
