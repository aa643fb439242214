"""Scale: have a number of replicas, an absolute one, so that repeating it changes nothing.

The plan pins each field that will be set, with the value before it and the object's uid; the write
lands only while they hold the value before. The receipt carries them, for `Restore`.
"""

from collections.abc import Mapping, Sequence

from temporalio import activity

from activities.kubernetes.autoscalers import Bounds, bounds_of, through
from activities.kubernetes.client import Cluster
from activities.kubernetes.ensure import Ensurer
from activities.kubernetes.fields import (
    REPLICAS,
    by_hand,
    changes_of,
    fields_patch,
    named,
    pinned,
    place_of,
    same,
    setting,
)
from activities.kubernetes.plans import plan_of
from activities.kubernetes.quota import short_of
from activities.kubernetes.rehearse import Accepted, dry_run
from activities.kubernetes.scale_guards import (
    refuse_below_budgets,
    refuse_losing_claims,
    scale_findings,
)
from activities.kubernetes.scaled_by import SCALABLE
from activities.kubernetes.subject import Subject
from activities.kubernetes.surroundings import around
from activities.kubernetes.workload import Workload, cluster_of, read_workload
from contracts.calls import EnsureCall
from contracts.kubernetes import Scale
from contracts.plan import BlastRadius, Plan, Surroundings
from contracts.step import Changed, Receipt, StepCall
from contracts.words import counted


class ScaleAction:
    """`kubernetes.scale.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{Scale.activity}.plan")
    def plan(self, call: StepCall[Scale]) -> Plan:
        """Raises Refused (an autoscaler, a budget, volumes, not accepted), NotFound, InvalidInput,
        Rejected, Unavailable.
        """
        step, target = call.step, call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        workload = read_workload(cluster, target, SCALABLE)
        bounds = bounds_of(cluster, step)
        changes = through(bounds, step, workload) if bounds else [_plain(step, workload)]
        noop = all(same(change.before, change.after) for change in changes)
        said = _around(cluster, step, workload)
        accepted = "" if noop else _rehearsed(cluster, step, bounds or workload, changes)
        return plan_of(
            call,
            cluster,
            workload,
            # An autoscaler moves the replicas, and with them the generation, all the time.
            **({"generation": 0} if bounds else {}),
            before=str(bounds) if bounds else counted(workload.replicas, "replica"),
            after=_after(step, changes),
            summary=_summary(step, workload, bounds),
            kubectl=by_hand(cluster, target, changes),
            pins=pinned(changes),
            blast=blast_of_scale(workload, step.replicas),
            findings=tuple(scale_findings(said, workload, step.replicas)),
            around=said.model_copy(update={"dry_run": accepted}),
            noop=noop,
        )

    @activity.defn(name=f"{Scale.activity}.ensure")
    def ensure(self, call: EnsureCall[Scale]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        return self._ensurer.bring_about(call, setting(call.plan, changes_of(call.plan)))


def blast_of_scale(workload: Workload, wanted: int) -> BlastRadius:
    """The pods that come or go; those that go are gone at once."""
    gone = max(0, workload.replicas - wanted)
    return BlastRadius(
        pods=abs(wanted - workload.replicas),
        ready=workload.ready,
        desired=workload.replicas,
        lost=min(gone, workload.ready),
    )


def _summary(step: Scale, workload: Workload, bounds: Bounds | None) -> str:
    target, wanted = step.target, counted(step.replicas, "replica")
    if bounds and step.replicas > bounds.high:
        return f"Let {bounds.scaler} give {target} up to {wanted} instead of {bounds.high}"
    return f"Scale {target} from {workload.replicas} to {wanted}"


def _plain(step: Scale, workload: Workload) -> Changed:
    target = step.target
    return Changed(
        kind=target.kind,
        name=target.name,
        uid=workload.uid,
        path=REPLICAS,
        before=workload.replicas,
        after=step.replicas,
    )


def _around(cluster: Cluster, step: Scale, workload: Workload) -> Surroundings:
    target, wanted = step.target, step.replicas
    said = around(cluster, target, workload)
    if wanted < workload.replicas:
        refuse_losing_claims(target, workload, wanted)
        refuse_below_budgets(cluster, target, said.budgets, wanted)
    stops = wanted == 0 and workload.replicas > 0
    update = {
        "outage": f"0 of {workload.replicas} pods stay: nothing serves" if stops else "",
        "short_of": short_of(cluster, target.namespace, workload, wanted - workload.replicas),
    }
    return said.model_copy(update=update)


def _rehearsed(
    cluster: Cluster, step: Scale, owner: Bounds | Workload, changes: Sequence[Changed]
) -> Accepted:
    values = [(change.path, change.after) for change in changes]
    patch = fields_patch(Subject(owner.raw), values)
    return dry_run(cluster, place_of(step.target, changes), patch)


def _after(step: Scale, changes: Sequence[Changed]) -> str:
    words = [f"{named(c)}: {c.after}" for c in changes if c.path != REPLICAS]
    return ", ".join(words) or counted(step.replicas, "replica")
