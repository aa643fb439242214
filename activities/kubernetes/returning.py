"""Return a workload to an older revision that is pinned when it is planned.

`kubectl rollout undo` means "the one before"; done twice it goes back and forth. Here the plan
names one ReplicaSet or ControllerRevision by name, uid and the digest of its template, and the
write makes the workload's template equal to it: once so, every repetition changes nothing. Nothing
but the template and the change cause is written; what was added beside them stays.
"""

from collections.abc import Callable
from typing import Any

from activities.kubernetes import raw
from activities.kubernetes.client import JSON_PATCH, Cluster, Patch, Place
from activities.kubernetes.ensure import Change
from activities.kubernetes.plans import (
    around_rollout,
    common_findings,
    duration,
    kubectl,
    plan_of,
    refuse_held_back,
    refuse_on_delete,
    refuse_paused,
    rollout_blast,
    slashed,
)
from activities.kubernetes.pods import PodState, states_of
from activities.kubernetes.raw import Object
from activities.kubernetes.references import missing_config_maps, unseen
from activities.kubernetes.rehearse import dry_run
from activities.kubernetes.revisions import (
    CHANGE_CAUSE,
    Revision,
    current_of,
    older_than,
    release_of,
    returned_in,
    revision_of,
    revisions_of,
    set_revision_of,
)
from activities.kubernetes.strategy import strategy_of
from activities.kubernetes.subject import generation_moved
from activities.kubernetes.templates import differences
from activities.kubernetes.workload import (
    Workload,
    images_text,
    read_planned_workload,
    read_workload,
    sending,
)
from contracts.errors import NotFound, PlanChanged, Refused, Unavailable
from contracts.kubernetes import RollbackDeployment, RollbackSet
from contracts.plan import Plan
from contracts.step import StepCall
from contracts.target import Target

REVISION = "revision"
TEMPLATE = "template"
TEMPLATE_BEFORE = "template_before"
_CAUSE_PATH = "/metadata/annotations/" + CHANGE_CAUSE.replace("/", "~1")

Return = RollbackDeployment | RollbackSet


def plan_return(call: StepCall[Any], cluster: Cluster, kinds: tuple[str, ...]) -> Plan:
    """Raises Refused (nothing would roll out, no such revision, nothing to change, returned to
    already, a ConfigMap of it is gone, not accepted), NotFound, InvalidInput, Rejected;
    Unavailable, also while the controller has not seen the newest template.
    """
    step: Return = call.step
    target = step.target
    workload = read_workload(cluster, target, kinds)
    _refuse_standstill(cluster, target, workload)
    revisions = revisions_of(cluster, target.namespace, workload)
    current = _current(target, workload, revisions)
    _refuse_returned(cluster, step, release_of(current, revisions))
    wanted = _wanted(step, current, revisions)
    _refuse_missing(cluster, target, wanted)
    pods = states_of(cluster, target.namespace, workload)
    place = Place(target.kind, target.namespace, target.name)
    accepted = dry_run(cluster, place, _patch(workload, wanted))
    # A Deployment leaves alone the pods of the ReplicaSet that it returns to.
    staying = raw.number(wanted.raw, "status", "readyReplicas")
    said = around_rollout(cluster, target, workload, staying)
    findings = [
        *common_findings(workload, release_of(current, revisions), pods, call.at),
        _difference(current, wanted),
        *_about(wanted, call),
        *_stuck(workload, pods),
        *unseen(wanted.template),
    ]
    return plan_of(
        call,
        cluster,
        workload,
        before=_words(current),
        after=_words(wanted),
        summary=f"Roll {target} back from revision {current.number} to {wanted.number}",
        kubectl=_undo(cluster, target, str(wanted.number)),
        pins=_pins(workload, wanted),
        blast=rollout_blast(workload, staying),
        findings=tuple(findings),
        around=said.model_copy(update={"dry_run": accepted}),
    )


def change_of(plan: Plan) -> Change[Workload]:
    """What brings the plan about, however often."""

    def prepare(cluster: Cluster, current: Workload) -> Callable[[], Any]:
        return sending(cluster, plan, _patch(current, _pinned(cluster, plan)))

    return Change(
        read=lambda cluster: read_planned_workload(cluster, plan),
        is_done=lambda current: current.template_digest == plan.pins[TEMPLATE],
        moved=lambda current: _moved(plan, current),
        prepare=prepare,
    )


def _refuse_standstill(cluster: Cluster, target: Target, workload: Workload) -> None:
    refuse_paused(cluster, target, workload)
    refuse_on_delete(cluster, target, workload)
    refuse_held_back(target, workload)


def _current(target: Target, workload: Workload, revisions: list[Revision]) -> Revision:
    current = current_of(workload, revisions)
    if current is None or not current.number:
        raise Unavailable(f"{target}: its newest template has no revision yet")
    return current


def _refuse_returned(cluster: Cluster, step: Return, release: list[Revision]) -> None:
    """After a return the revision before is, as a rule, the very one that was fled from."""
    returned = returned_in(release)
    if step.to_revision is not None or returned is None:
        return
    before = f"revision {returned.number_before}" if returned.number_before else "an older one"
    restarted = f", restarted as {release[0].number}," if returned is not release[0] else ""
    undo = _undo(cluster, step.target, "N")
    raise Refused(
        f"revision {returned.number}{restarted} is itself a return to {before}; "
        "name the revision to go to",
        f"Deploy a fixed version, or choose a revision of {step.target} and return by hand: {undo}",
    )


def _wanted(step: Return, current: Revision, revisions: list[Revision]) -> Revision:
    """The revision asked for, else the newest older one that runs something else."""
    if step.to_revision is not None:
        return _numbered(step.target, step.to_revision, current, revisions)
    older = older_than(current, revisions)
    if not older:
        fix = "Deploy a good version; spec.revisionHistoryLimit says how many old ones are kept."
        raise Refused(f"{step.target} has no older revision than {current.number}", fix)
    return older[0]


def _numbered(
    target: Target, number: int, current: Revision, revisions: list[Revision]
) -> Revision:
    found = next((r for r in revisions if r.number == number), None)
    if found is None:
        known = ", ".join(str(r.number) for r in revisions if r.number)
        raise Refused(f"{target} has no revision {number}", f"Choose one of its own: {known}.")
    if found.digest == current.digest:
        fix = "Choose another revision, or restart it if its pods are sick."
        raise Refused(f"{target} has the template of revision {number} already", fix)
    return found


def _refuse_missing(cluster: Cluster, target: Target, wanted: Revision) -> None:
    missing = missing_config_maps(cluster, target.namespace, wanted.template)
    if missing:
        raise Refused(
            f"revision {wanted.number} of {target} needs what is gone: configmap "
            f"{', '.join(missing)}; its pods would not start",
            f"Create it again in {target.namespace}, or choose another revision.",
        )


def _about(wanted: Revision, call: StepCall[Any]) -> list[str]:
    made = wanted.created_at
    if made is None:
        return []
    age = duration(max(0, int((call.at - made).total_seconds())))
    return [f"revision {wanted.number} was made {age} ago"]


def _stuck(workload: Workload, pods: list[PodState]) -> list[str]:
    """An ordered set waits for its sick pods even while it is given another template."""
    sick = [pod.name for pod in pods if not pod.ready]
    if not sick or not strategy_of(workload).ordered:
        return []
    return [f"{', '.join(sick)} keeps the bad template until it is deleted: pods start in order"]


def _words(revision: Revision) -> str:
    return f"revision {revision.number}, {images_text(revision.template)}"


def _difference(current: Revision, wanted: Revision) -> str:
    return f"the templates differ in {', '.join(differences(current.template, wanted.template))}"


def _undo(cluster: Cluster, target: Target, number: str) -> str:
    return kubectl(cluster, target, "rollout", "undo", slashed(target), f"--to-revision={number}")


def _keeper(kind: str) -> tuple[str, str]:
    """The kind that keeps the revisions of such a workload, and the name of its pin."""
    if kind == "Deployment":
        return "ReplicaSet", "replica_set"
    return "ControllerRevision", "controller_revision"


def _pins(workload: Workload, wanted: Revision) -> dict[str, str]:
    _, pin = _keeper(workload.kind)
    return {
        pin: wanted.name,
        f"{pin}_uid": wanted.uid,
        REVISION: str(wanted.number),
        TEMPLATE: wanted.digest,
        TEMPLATE_BEFORE: workload.template_digest,
    }


def _moved(plan: Plan, current: Workload) -> str:
    if current.template_digest != plan.pins[TEMPLATE_BEFORE]:
        return "it has another template than the one to be rolled back"
    return "it is paused" if current.paused else generation_moved(plan, current)


def _pinned(cluster: Cluster, plan: Plan) -> Revision:
    """The revision of the plan as it is now; raises PlanChanged unless it is the very one."""
    kind, pin = _keeper(plan.target.kind)
    name = plan.pins[pin]
    try:
        kept = cluster.get(kind, plan.target.namespace, name).body
    except NotFound:
        raise PlanChanged(f"{kind.lower()} {name} of the plan is gone") from None
    found = revision_of(kept) if kind == "ReplicaSet" else set_revision_of(kept, [])
    if found.uid != plan.pins[f"{pin}_uid"] or found.digest != plan.pins[TEMPLATE]:
        raise PlanChanged(f"{kind.lower()} {name} has another template than the one planned")
    return found


def _patch(current: Workload, wanted: Revision) -> Patch:
    body: list[Object] = [
        {"op": "test", "path": "/metadata/uid", "value": current.uid},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": current.resource_version},
        {"op": "replace", "path": "/spec/template", "value": wanted.template},
        *_change_cause(current, wanted),
    ]
    return Patch(body, JSON_PATCH)


def _change_cause(current: Workload, wanted: Revision) -> list[Object]:
    """Give the workload back the old revision's change cause, as kubectl does.

    The controller copies it from the workload to the revision; left alone, the good revision would
    carry the words of the bad one for ever.
    """
    cause = raw.annotation(wanted.raw, CHANGE_CAUSE)
    if cause == raw.annotation(current.raw, CHANGE_CAUSE):
        return []
    if cause and raw.mapping(current.raw, "metadata", "annotations"):
        return [{"op": "add", "path": _CAUSE_PATH, "value": cause}]
    return [] if cause else [{"op": "remove", "path": _CAUSE_PATH}]
