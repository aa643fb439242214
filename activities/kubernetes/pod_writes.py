"""One pod of a workload, pinned by its uid: found, judged fit to be replaced, and read again.

A StatefulSet's replacement has the name of the pod that it replaces, so a name alone says nothing:
whatever is done to a pod here is bound to the uid that was planned. Nothing here writes.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.plans import duration, kubectl, plan_of
from activities.kubernetes.pods import PodState, state_of
from activities.kubernetes.raw import Object
from activities.kubernetes.subject import Subject, generation_moved
from activities.kubernetes.surroundings import around
from activities.kubernetes.workload import WITH_PODS, Workload, owner_uids, read_workload
from contracts.errors import NotFound, PlanChanged, Refused
from contracts.kubernetes import DeletePod, EvictPod
from contracts.plan import BlastRadius, Plan, Surroundings
from contracts.step import Changed, StepCall
from contracts.target import Target
from contracts.words import counted

POD = "pod"
POD_UID = "pod_uid"
CONTROLLER_UID = "controller_uid"
MIRROR = "kubernetes.io/config.mirror"
CRITICAL_CLASSES = ("system-cluster-critical", "system-node-critical")
CRITICAL_PRIORITY_MIN = 2_000_000_000

OnePod = EvictPod | DeletePod


class Found(NamedTuple):
    """A pod that a workload controls, and the workload."""

    workload: Workload
    pod: Object
    state: PodState

    @property
    def options(self) -> Object:
        """The DeleteOptions that reach this very pod, or nothing."""
        return options_for(self.state.uid)


@dataclass(frozen=True)
class Pinned(Subject):
    """The pod of a plan as it is now; `pod` is empty once that very pod is gone.

    As a subject it is the *workload*: its generation is what later checks compare with. It is
    empty when the pod is gone and the workload, too.
    """

    pod: Object = field(default_factory=dict)

    @property
    def is_leaving(self) -> bool:
        """Whether nothing remains to be done: it is gone, or on its way out."""
        return not self.pod or is_terminating(self.pod)


def options_for(uid: str, resource_version: str = "") -> Object:
    """DeleteOptions for the object of that uid, with its own grace period: never by force. With a
    `resourceVersion` they reach it in that very state, or not at all.
    """
    state = {"resourceVersion": resource_version} if resource_version else {}
    return {"preconditions": {"uid": uid} | state, "propagationPolicy": "Background"}


def is_terminating(obj: Object) -> bool:
    """Whether somebody has deleted it already."""
    return bool(raw.text(obj, "metadata", "deletionTimestamp"))


def empty_dirs(pod: Object) -> list[str]:
    """The names of its volumes whose data goes away with it."""
    volumes = raw.items(pod, "spec", "volumes")
    return [raw.text(volume, "name") for volume in volumes if "emptyDir" in volume]


def find_pod(cluster: Cluster, call: StepCall[Any]) -> Found:
    """The pod that the step names, if its workload controls it.

    Raises NotFound; InvalidInput for a target without pods; Refused for somebody else's pod, a
    static pod, and one that the cluster itself needs.
    """
    target, name = call.step.target, call.step.pod
    workload = read_workload(cluster, target, WITH_PODS)
    pod = cluster.get("Pod", target.namespace, name).body
    if raw.controller_of(pod).get("uid") not in owner_uids(cluster, target.namespace, workload):
        fix = f"Name a pod of it: {kubectl(cluster, target, 'get', 'pods')}"
        raise Refused(f"pod {target.namespace}/{name} is not controlled by {target}", fix)
    why = untouchable(pod)
    if why:
        raise Refused(f"pod {target.namespace}/{name} {why}", "Handle it by hand.")
    return Found(workload, pod, state_of(pod))


def untouchable(pod: Object) -> str:
    """Why no runbook may touch this pod, or the empty string."""
    if raw.annotation(pod, MIRROR):
        return "is a static pod: its kubelet makes it, and would not let it go"
    priority = raw.text(pod, "spec", "priorityClassName")
    if priority in CRITICAL_CLASSES or raw.number(pod, "spec", "priority") >= CRITICAL_PRIORITY_MIN:
        return f"is critical for the cluster (priority {priority or 'of the system'})"
    return ""


def plan_for_pod(call: StepCall[Any], cluster: Cluster, found: Found, **words: Any) -> Plan:
    """A plan on this reading; `words` are the fields that differ between the actions."""
    state = found.state
    told = tuple(words.pop("findings", ()))
    return plan_of(
        call,
        cluster,
        found.workload,
        before=f"pod {state.name}, uid {state.uid}",
        after=f"another pod in place of {state.name}",
        blast=_blast(found),
        pins={
            POD: state.name,
            POD_UID: state.uid,
            CONTROLLER_UID: str(raw.controller_of(found.pod)["uid"]),
        },
        findings=(*_findings(call, found), *told),
        noop=is_terminating(found.pod),
        **words,
    )


def around_pod(
    cluster: Cluster, target: Target, found: Found, rehearsed: Literal["", "accepted"]
) -> Surroundings:
    """The workload's surroundings, and what the API server said to the rehearsal."""
    alone = found.state.ready and found.workload.ready <= 1
    outage = f"{found.state.name} is its only ready pod" if alone else ""
    known = around(cluster, target, found.workload)
    return known.model_copy(update={"outage": outage, "dry_run": rehearsed})


def read_pinned(cluster: Cluster, plan: Plan) -> Pinned:
    """Read the workload, and last, right before anything is sent, the pod of the plan.

    Raises NotFound or PlanChanged only while that pod is still there.
    """
    workload, gone = _same_workload(cluster, plan)
    pod = _same_pod(cluster, plan)
    pinned = Pinned(workload.raw, workload.read_at, pod)
    if gone is not None and not pinned.is_leaving:
        raise gone
    return pinned


def moved_on(plan: Plan, current: Pinned) -> str:
    """Why the plan no longer holds, or the empty string."""
    if raw.controller_of(current.pod).get("uid") != plan.pins[CONTROLLER_UID]:
        return "the pod has another controller"
    return generation_moved(plan, current)


def pod_removed(plan: Plan) -> tuple[Changed, ...]:
    """What a receipt says of it: the whole object went away. Nothing can take that back."""
    name, uid = plan.pins[POD], plan.pins[POD_UID]
    return (Changed(kind="Pod", name=name, uid=uid, path="", before={"uid": uid}, after=None),)


def _same_workload(cluster: Cluster, plan: Plan) -> tuple[Subject, NotFound | PlanChanged | None]:
    """The workload of the plan, or an empty subject with the reason why it is not there."""
    try:
        workload = read_workload(cluster, plan.target, WITH_PODS)
    except NotFound as err:
        return Subject({}), err
    if workload.uid != plan.uid:
        return Subject({}), PlanChanged(f"{plan.target} was deleted and created again")
    return workload, None


def _same_pod(cluster: Cluster, plan: Plan) -> Object:
    try:
        pod = cluster.get("Pod", plan.target.namespace, plan.pins[POD]).body
    except NotFound:
        return {}
    return pod if raw.uid_of(pod) == plan.pins[POD_UID] else {}


def _blast(found: Found) -> BlastRadius:
    workload = found.workload
    lost = int(found.state.ready)
    return BlastRadius(pods=1, ready=workload.ready, desired=workload.replicas, lost=lost)


def _findings(call: StepCall[Any], found: Found) -> list[str]:
    pod, state = found.pod, found.state
    said = [f"pod {state.name}: {_health(state)}"]
    began = raw.moment(pod, "metadata", "creationTimestamp")
    if began is not None:
        age = duration(max(0, int((call.at - began).total_seconds())))
        said.append(f"it is {age} old")
    if empty_dirs(pod):
        said.append(f"the data in its emptyDir volumes is lost: {', '.join(empty_dirs(pod))}")
    if state.beyond_restart:
        said.append(f"a new pod does not repair {state.beyond_restart}")
    return said


def _health(state: PodState) -> str:
    words = [state.reason or ("ready" if state.ready else "not ready")]
    words += [counted(state.restarts, "restart")] if state.restarts else []
    words += [f"last exit {state.last_exit}"] if state.last_exit and not state.ready else []
    return ", ".join(words)
