"""Rollback to a revision that is pinned when it is planned.

`kubectl rollout undo` means "the one before"; done twice it goes back and forth. Here the plan
names one ReplicaSet by name, uid and the digest of its template, and the write makes the
deployment's template equal to it: once so, every repetition changes nothing.
"""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import JSON_PATCH, Cluster, Patch
from activities.kubernetes.deployment import Deployment, read_deployment, read_planned
from activities.kubernetes.ensure import Change, Ensurer
from activities.kubernetes.plans import common_findings, kubectl, plan_of, refuse_paused
from activities.kubernetes.pods import pods_of
from activities.kubernetes.raw import Object
from activities.kubernetes.revisions import (
    CHANGE_CAUSE,
    Revision,
    current_of,
    older_than,
    revision_of,
    revisions_of,
)
from activities.kubernetes.subject import generation_moved
from activities.kubernetes.templates import differences
from activities.kubernetes.workload import cluster_of, images_text, sending
from contracts.calls import EnsureCall
from contracts.errors import NotFound, PlanChanged, Refused, Unavailable
from contracts.kubernetes import RollbackDeployment
from contracts.plan import Plan
from contracts.step import Receipt, StepCall
from contracts.target import Target

REPLICA_SET = "replica_set"
REPLICA_SET_UID = "replica_set_uid"
REVISION = "revision"
TEMPLATE = "template"
TEMPLATE_BEFORE = "template_before"


class RollbackDeploymentAction:
    """`kubernetes.rollback_deployment.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{RollbackDeployment.activity}.plan")
    def plan(self, call: StepCall[RollbackDeployment]) -> Plan:
        """Raises Refused (paused, no such revision, nothing to change, returned to already),
        NotFound, InvalidInput, Rejected; Unavailable, also while the controller has not seen the
        newest template.
        """
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        deployment = read_deployment(cluster, target)
        refuse_paused(cluster, target, deployment)
        revisions = revisions_of(cluster, target.namespace, deployment)
        current = _current(target, deployment, revisions)
        _refuse_returned(cluster, call.step, current)
        wanted = _wanted(call.step, current, revisions)
        pods = pods_of(cluster, target.namespace, deployment, revisions)
        findings = common_findings(deployment, current, pods, call.at)
        return plan_of(
            call,
            cluster,
            deployment,
            before=_words(current),
            after=_words(wanted),
            summary=f"Roll {target} back from revision {current.number} to {wanted.number}",
            kubectl=_undo(cluster, target, str(wanted.number)),
            pins=_pins(deployment, wanted),
            findings=(*findings, _difference(current, wanted)),
        )

    @activity.defn(name=f"{RollbackDeployment.activity}.ensure")
    def ensure(self, call: EnsureCall[RollbackDeployment]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        plan = call.plan
        change = Change(
            read=lambda cluster: read_planned(cluster, plan),
            is_done=lambda current: current.template_digest == plan.pins[TEMPLATE],
            moved=lambda current: _moved(plan, current),
            prepare=lambda cluster, current: sending(cluster, plan, _patch(cluster, plan, current)),
        )
        return self._ensurer.bring_about(call, change)


def _current(target: Target, deployment: Deployment, revisions: list[Revision]) -> Revision:
    current = current_of(deployment, revisions)
    if current is None or not current.number:
        raise Unavailable(f"{target}: its newest template has no revision yet")
    return current


def _refuse_returned(cluster: Cluster, step: RollbackDeployment, current: Revision) -> None:
    """After a return the revision before is, as a rule, the very one that was fled from."""
    if step.to_revision is not None or not current.reused:
        return
    target = step.target
    undo = _undo(cluster, target, "N")
    raise Refused(
        f"revision {current.number} is itself a return to revision {current.number_before}; "
        "name the revision to go to",
        f"Deploy a fixed version, or choose a revision of {target} and return by hand: {undo}",
    )


def _wanted(step: RollbackDeployment, current: Revision, revisions: list[Revision]) -> Revision:
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


def _words(revision: Revision) -> str:
    return f"revision {revision.number}, {images_text(revision.template)}"


def _difference(current: Revision, wanted: Revision) -> str:
    return f"the templates differ in {', '.join(differences(current.template, wanted.template))}"


def _undo(cluster: Cluster, target: Target, number: str) -> str:
    revision = f"--to-revision={number}"
    return kubectl(cluster, target, "rollout", "undo", f"deployment/{target.name}", revision)


def _pins(deployment: Deployment, wanted: Revision) -> dict[str, str]:
    return {
        REPLICA_SET: wanted.name,
        REPLICA_SET_UID: wanted.uid,
        REVISION: str(wanted.number),
        TEMPLATE: wanted.digest,
        TEMPLATE_BEFORE: deployment.template_digest,
    }


def _moved(plan: Plan, current: Deployment) -> str:
    if current.template_digest != plan.pins[TEMPLATE_BEFORE]:
        return "it has another template than the one to be rolled back"
    return "it is paused" if current.paused else generation_moved(plan, current)


def _pinned(cluster: Cluster, plan: Plan) -> Revision:
    """The ReplicaSet of the plan as it is now; raises PlanChanged unless it is the very one."""
    name = plan.pins[REPLICA_SET]
    try:
        found = revision_of(cluster.get("ReplicaSet", plan.target.namespace, name).body)
    except NotFound:
        raise PlanChanged(f"replicaset {name} of the plan is gone") from None
    if found.uid != plan.pins[REPLICA_SET_UID] or found.digest != plan.pins[TEMPLATE]:
        raise PlanChanged(f"replicaset {name} has another template than the one planned")
    return found


def _patch(cluster: Cluster, plan: Plan, current: Deployment) -> Patch:
    pinned = _pinned(cluster, plan)
    body: list[Object] = [
        {"op": "test", "path": "/metadata/uid", "value": current.uid},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": current.resource_version},
        {"op": "replace", "path": "/spec/template", "value": pinned.template},
        *_change_cause(current, pinned),
    ]
    return Patch(body, JSON_PATCH)


def _change_cause(current: Deployment, pinned: Revision) -> list[Object]:
    """Give the deployment back the old revision's change cause, as kubectl does.

    The controller copies it from the deployment to the ReplicaSet; left alone, the good revision
    would carry the words of the bad one for ever.
    """
    path = "/metadata/annotations/" + CHANGE_CAUSE.replace("/", "~1")
    cause = raw.annotation(pinned.raw, CHANGE_CAUSE)
    if cause == raw.annotation(current.raw, CHANGE_CAUSE):
        return []
    if cause and raw.mapping(current.raw, "metadata", "annotations"):
        return [{"op": "add", "path": path, "value": cause}]
    return [] if cause else [{"op": "remove", "path": path}]
