"""Restore: take back what an earlier write of this run changed, each field by itself.

A field goes back to its value before only while it still has the value that we gave it; what
somebody else has set since is left alone, and said. A plan that has nothing left to take back is a
noop, so that a runbook may always restore at its end.
"""

from collections.abc import Mapping, Sequence

from temporalio import activity

from activities.kubernetes.client import Cluster
from activities.kubernetes.ensure import Ensurer
from activities.kubernetes.fields import (
    REPLICAS,
    at_pointer,
    by_hand,
    changes_of,
    fields_patch,
    named,
    pinned,
    place_of,
    setting,
    spoken,
    still_ours,
)
from activities.kubernetes.plans import plan_of
from activities.kubernetes.raw import Object
from activities.kubernetes.rehearse import Accepted, dry_run
from activities.kubernetes.scaled_by import HPA, KEDA, scaler_of
from activities.kubernetes.subject import Subject, read_subject
from activities.kubernetes.surroundings import around
from activities.kubernetes.workload import Workload, cluster_of
from contracts.calls import EnsureCall
from contracts.errors import InvalidInput, NotFound, Refused
from contracts.kubernetes import Restore
from contracts.plan import BlastRadius, Plan, Surroundings
from contracts.step import Changed, Receipt, StepCall

NOTHING_LEFT = "nothing is left to take back"
SCALERS = (HPA, KEDA)
_ACT_FIX = "Restore the receipt as `act` gave it."


class RestoreAction:
    """`kubernetes.restore.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{Restore.activity}.plan")
    def plan(self, call: StepCall[Restore]) -> Plan:
        """Raises InvalidInput (a receipt of something else), NotFound (the target is gone),
        Refused (not accepted, or of an object that is not the target's), Rejected, Unavailable.
        """
        step, target = call.step, call.step.target
        done = _changed(step)
        cluster = cluster_of(self._clusters, target.cluster)
        subject = read_subject(cluster, target.kind, target.namespace, target.name)
        found = _read(cluster, step, done)
        _refuse_foreign(cluster, step, found, done)
        ours = still_ours(found, done) if found else []
        back = [_reversed(change) for change in ours]
        accepted = _rehearsed(cluster, step, found, back) if back else ""
        said = _around(cluster, step, subject, back)
        return plan_of(
            call,
            cluster,
            subject,
            **({"generation": 0} if _is_beside(step, done) else {}),
            before="; ".join(f"{named(c)}: {spoken(c.after)}" for c in ours) or NOTHING_LEFT,
            after="; ".join(f"{named(c)}: {spoken(c.before)}" for c in ours) or NOTHING_LEFT,
            summary=_summary(step, back),
            kubectl=by_hand(cluster, target, back) if back else "",
            pins=pinned(back),
            blast=_blast(step, subject, back),
            findings=tuple(_left_alone(step, found, done, ours)),
            around=said.model_copy(update={"dry_run": accepted}),
            noop=not back,
            restores=step.receipt.key,
        )

    @activity.defn(name=f"{Restore.activity}.ensure")
    def ensure(self, call: EnsureCall[Restore]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        return self._ensurer.bring_about(call, setting(call.plan, changes_of(call.plan)))


def _changed(step: Restore) -> tuple[Changed, ...]:
    """What the receipt changed: fields of one object, for the sake of this target. Whole objects
    (a pod that was deleted) have no pointer, and do not come back.
    """
    receipt = step.receipt
    if receipt.target != step.target:
        raise InvalidInput(f"this receipt is of {receipt.target}, not of {step.target}")
    changed = tuple(change for change in receipt.changed if change.path)
    if len({(change.kind, change.name, change.uid) for change in changed}) > 1:
        fix = "Restore the receipts of its single writes."
        raise InvalidInput(f"receipt {receipt.key} changed more than one object", fix)
    if _is_beside(step, changed) and changed[0].kind not in SCALERS:
        other = f"{changed[0].kind}/{changed[0].name}"
        raise InvalidInput(f"receipt {receipt.key} names {other}, not {step.target}", _ACT_FIX)
    return changed


def _refuse_foreign(
    cluster: Cluster, step: Restore, found: Object, done: Sequence[Changed]
) -> None:
    """Only the target's lock is held: beside it, none but its own autoscaler may be written."""
    if not found or not _is_beside(step, done):
        return
    scaler = scaler_of(cluster, step.target)
    if scaler is None or (scaler.kind, scaler.name) != (done[0].kind, done[0].name):
        other = f"{done[0].kind}/{done[0].name}"
        raise Refused(f"{other} does not scale {step.target}", "Take it back by hand.")


def _read(cluster: Cluster, step: Restore, done: Sequence[Changed]) -> Object:
    """The object that was changed, or an empty one when it is gone or replaced."""
    if not done:
        return {}
    first = done[0]
    try:
        found = read_subject(cluster, first.kind, step.target.namespace, first.name)
    except NotFound:
        return {}
    return found.raw if found.uid == first.uid else {}


def _is_beside(step: Restore, done: Sequence[Changed]) -> bool:
    return bool(done) and (done[0].kind, done[0].name) != (step.target.kind, step.target.name)


def _reversed(change: Changed) -> Changed:
    return change.model_copy(update={"before": change.after, "after": change.before})


def _rehearsed(cluster: Cluster, step: Restore, found: Object, back: Sequence[Changed]) -> Accepted:
    values = [(change.path, change.after) for change in back]
    patch = fields_patch(Subject(found), values)
    return dry_run(cluster, place_of(step.target, back), patch)


def _around(
    cluster: Cluster, step: Restore, subject: Subject, back: Sequence[Changed]
) -> Surroundings:
    said = around(cluster, step.target, subject)
    stops = any(change.path == REPLICAS and change.after == 0 for change in back)
    outage = "it goes back to 0 replicas: nothing serves" if stops else ""
    return said.model_copy(update={"outage": outage})


def _summary(step: Restore, back: Sequence[Changed]) -> str:
    if not back:
        return f"Take back {step.receipt.action} of {step.target}: {NOTHING_LEFT}"
    moves = [f"{named(c)} from {spoken(c.before)} to {spoken(c.after)}" for c in back]
    return f"Take back on {step.target}: {'; '.join(moves)}"


def _blast(step: Restore, subject: Subject, back: Sequence[Changed]) -> BlastRadius:
    """A minimum that is lowered lets pods go, later and by itself; replicas go at once."""
    if step.target.kind == "Node":
        return BlastRadius(lost=0)
    workload = Workload(subject.raw, kind=step.target.kind)
    gone = sum(c.before - c.after for c in back if c.path == REPLICAS and c.before and c.after)
    return BlastRadius(
        pods=abs(gone),
        ready=workload.ready,
        desired=workload.replicas,
        lost=min(max(0, gone), workload.ready),
    )


def _left_alone(
    step: Restore, found: Object, done: Sequence[Changed], ours: Sequence[Changed]
) -> list[str]:
    if not done:
        return [f"receipt {step.receipt.key} changed no field"]
    if not found:
        return [f"{done[0].kind}/{done[0].name} was deleted since, or created again"]
    return [
        f"{named(change)} is {spoken(at_pointer(found, change.path))}, not our "
        f"{spoken(change.after)}: it is left alone"
        for change in done
        if change not in ours
    ]
