"""Delete one sick pod of a workload. It asks no disruption budget, so a ready one is never touched.

The deletion is bound to the state in which the pod was found sick: one that changes meanwhile is
read again. It keeps its grace period: what is killed by force may still run where nobody sees it,
and a StatefulSet would then have two of a name.
"""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Answer, Cluster, Place
from activities.kubernetes.ensure import Change, Ensurer
from activities.kubernetes.plans import kubectl
from activities.kubernetes.pod_writes import (
    POD,
    POD_UID,
    Found,
    Pinned,
    around_pod,
    find_pod,
    moved_on,
    options_for,
    plan_for_pod,
    pod_removed,
    read_pinned,
)
from activities.kubernetes.pods import state_of
from activities.kubernetes.rehearse import rehearse
from activities.kubernetes.workload import cluster_of
from contracts.calls import EnsureCall
from contracts.errors import Refused
from contracts.kubernetes import DeletePod
from contracts.plan import Plan
from contracts.step import Receipt, StepCall


class DeletePodAction:
    """`kubernetes.delete_pod.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{DeletePod.activity}.plan")
    def plan(self, call: StepCall[DeletePod]) -> Plan:
        """Raises Refused (ready, not its pod, static, critical), NotFound, InvalidInput,
        Unavailable, Rejected.
        """
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        found = find_pod(cluster, call)
        _refuse_ready(call, found)
        place = Place("Pod", target.namespace, found.state.name)
        rehearsed = rehearse(
            f"delete {place}", lambda: cluster.delete(place, found.options, dry_run=True)
        )
        return plan_for_pod(
            call,
            cluster,
            found,
            summary=f"Delete pod {found.state.name} of {target}, which is not ready",
            kubectl=kubectl(cluster, target, "delete", "pod", found.state.name, "--wait=false"),
            around=around_pod(cluster, target, found, rehearsed),
        )

    @activity.defn(name=f"{DeletePod.activity}.ensure")
    def ensure(self, call: EnsureCall[DeletePod]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        plan = call.plan
        change = Change(
            read=lambda cluster: read_pinned(cluster, plan),
            is_done=lambda current: current.is_leaving,
            moved=lambda current: _moved(plan, current),
            prepare=lambda cluster, current: lambda: _delete(cluster, plan, current),
            changed=pod_removed(plan),
        )
        return self._ensurer.bring_about(call, change)


def _refuse_ready(call: StepCall[DeletePod], found: Found) -> None:
    if found.state.ready:
        raise Refused(
            f"pod {found.state.name} of {call.step.target} is ready: deleting it asks no budget",
            "Evict it instead, or restart the workload.",
        )


def _moved(plan: Plan, current: Pinned) -> str:
    return "the pod is ready by now" if state_of(current.pod).ready else moved_on(plan, current)


def _delete(cluster: Cluster, plan: Plan, current: Pinned) -> Answer:
    """The answer is the pod; the receipt is to carry the workload's generation."""
    place = Place("Pod", plan.target.namespace, plan.pins[POD])
    read = raw.text(current.pod, "metadata", "resourceVersion")
    return Answer(current.raw, cluster.delete(place, options_for(plan.pins[POD_UID], read)).at)
