"""Cordon and uncordon a Node.

Both are one boolean, so repeating them changes nothing. What the node was when it was planned is
pinned: a cordon that somebody else set meanwhile voids the plan, and is never called ours.
"""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes.client import Cluster
from activities.kubernetes.ensure import Change, Ensurer
from activities.kubernetes.nodes import (
    Node,
    cordon_patch,
    cordoned,
    place_of,
    read_node,
    read_planned_node,
    uncordon_patch,
    uncordoned,
)
from activities.kubernetes.plans import kubectl, plan_of
from activities.kubernetes.rehearse import dry_run
from activities.kubernetes.surroundings import around
from activities.kubernetes.workload import cluster_of, sending
from contracts.calls import EnsureCall
from contracts.kubernetes import Cordon, Uncordon
from contracts.plan import Plan
from contracts.step import Receipt, StepCall

UNSCHEDULABLE = "unschedulable"
CORDONED_BY_BEFORE = "cordoned_by"
YES, NO = "true", "false"


class CordonAction:
    """`kubernetes.cordon.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{Cordon.activity}.plan")
    def plan(self, call: StepCall[Cordon]) -> Plan:
        """Raises Refused (the API server would not accept it), NotFound, InvalidInput,
        Unavailable, Rejected.
        """
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        node = read_node(cluster, target)
        accepted = dry_run(cluster, place_of(target), cordon_patch(node, call.key))
        surroundings = around(cluster, target, node)
        return plan_of(
            call,
            cluster,
            node,
            before=node.closed,
            after="cordoned: no new pod starts on it",
            summary=f"Cordon {target}: its pods stay, no new one starts",
            kubectl=kubectl(cluster, target, "cordon", target.name),
            pins=state_pins(node),
            findings=() if node.ready else ("it is not ready",),
            noop=node.unschedulable,
            around=surroundings.model_copy(update={"dry_run": accepted}),
        )

    @activity.defn(name=f"{Cordon.activity}.ensure")
    def ensure(self, call: EnsureCall[Cordon]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        return self._ensurer.bring_about(call, cordon_change(call.plan, call.key))


class UncordonAction:
    """`kubernetes.uncordon.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{Uncordon.activity}.plan")
    def plan(self, call: StepCall[Uncordon]) -> Plan:
        """Raises as `CordonAction.plan` does."""
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        node = read_node(cluster, target)
        accepted = dry_run(cluster, place_of(target), uncordon_patch(node))
        surroundings = around(cluster, target, node)
        return plan_of(
            call,
            cluster,
            node,
            before=node.closed,
            after="open for new pods",
            summary=f"Uncordon {target}: new pods start on it again",
            kubectl=kubectl(cluster, target, "uncordon", target.name),
            pins=state_pins(node),
            findings=_doubts(node),
            noop=not node.unschedulable,
            around=surroundings.model_copy(update={"dry_run": accepted}),
        )

    @activity.defn(name=f"{Uncordon.activity}.ensure")
    def ensure(self, call: EnsureCall[Uncordon]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        plan, before = call.plan, call.plan.pins[CORDONED_BY_BEFORE]
        did = uncordoned(plan.uid, plan.target, before)
        change = Change(
            read=lambda cluster: read_planned_node(cluster, plan),
            is_done=lambda node: not node.unschedulable,
            moved=lambda node: _recordoned(plan, node),
            prepare=lambda cluster, node: sending(cluster, plan, uncordon_patch(node)),
            changed=did if plan.pins[UNSCHEDULABLE] == YES else (),
        )
        return self._ensurer.bring_about(call, change)


def state_pins(node: Node) -> dict[str, str]:
    """Whether it is closed, and by which write of ours."""
    closed = YES if node.unschedulable else NO
    return {UNSCHEDULABLE: closed, CORDONED_BY_BEFORE: node.cordoned_by}


def cordon_change(plan: Plan, key: str, begun: str = "") -> Change[Node]:
    """Close the node of this plan, and sign it with `key`; a node that was closed when it was
    planned stays as it is. `begun` is what `Change.begun` says.
    """
    was_closed = plan.pins[UNSCHEDULABLE] == YES
    return Change(
        read=lambda cluster: read_planned_node(cluster, plan),
        is_done=lambda node: node.unschedulable and (was_closed or node.cordoned_by == key),
        moved=lambda node: _moved(plan, key, node),
        prepare=lambda cluster, node: sending(cluster, plan, cordon_patch(node, key)),
        changed=() if was_closed else cordoned(plan.uid, plan.target, key),
        begun=begun,
    )


def _moved(plan: Plan, key: str, node: Node) -> str:
    if node.unschedulable:
        return "somebody else cordoned it"
    if node.cordoned_by == key or plan.pins[UNSCHEDULABLE] == YES:
        return "somebody uncordoned it"
    return ""


def _recordoned(plan: Plan, node: Node) -> str:
    if plan.pins[UNSCHEDULABLE] == NO:
        return "somebody cordoned it"
    if node.cordoned_by != plan.pins[CORDONED_BY_BEFORE]:
        return "it was cordoned once more"
    return ""


def _doubts(node: Node) -> tuple[str, ...]:
    said = [] if node.ready else ["it is not ready"]
    if node.unschedulable and not node.cordoned_by:
        said.append("it was not Firebreak that cordoned it")
    return tuple(said)
