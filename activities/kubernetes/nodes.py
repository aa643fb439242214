"""A Node as it was read, who closed it, and what closes and opens it.

A cordon is one boolean that anybody may have set; an annotation beside it says that it was ours,
so that nobody else's is ever taken back. Nothing here writes.
"""

from dataclasses import dataclass

from activities.kubernetes import raw
from activities.kubernetes.client import ANYWHERE, MERGE_PATCH, Cluster, Patch, Place
from activities.kubernetes.raw import Object
from activities.kubernetes.subject import Subject, require_same
from activities.kubernetes.surroundings import is_control_plane, node_is_ready
from contracts.errors import InvalidInput
from contracts.plan import Plan
from contracts.step import Changed
from contracts.target import Target

CORDONED_BY = "firebreak.dev/cordoned-by"
UNSCHEDULABLE_PATH = "/spec/unschedulable"
CORDONED_BY_PATH = "/metadata/annotations/" + CORDONED_BY.replace("/", "~1")


@dataclass(frozen=True)
class Node(Subject):
    """One reading of a Node."""

    @property
    def unschedulable(self) -> bool:
        """Whether it is cordoned."""
        return raw.dig(self.raw, "spec", "unschedulable") is True

    @property
    def cordoned_by(self) -> str:
        """The key of Firebreak's write that cordoned it last, or the empty string."""
        return raw.annotation(self.raw, CORDONED_BY)

    @property
    def control_plane(self) -> bool:
        """Whether the cluster's own programs run on it."""
        return is_control_plane(self.raw)

    @property
    def ready(self) -> bool:
        """Whether its kubelet says so, and lately."""
        return node_is_ready(self.raw)

    @property
    def closed(self) -> str:
        """How it is now, in words that change only with a cordon."""
        if not self.unschedulable:
            return "open for new pods"
        return f"cordoned by {self.cordoned_by}" if self.cordoned_by else "cordoned"


def read_node(cluster: Cluster, target: Target) -> Node:
    """Read it; raises InvalidInput for another kind, NotFound."""
    if target.kind != "Node":
        fix = "Name a node: --target with an empty namespace and the kind Node."
        raise InvalidInput(f"{target}: this is done to a Node, not to a {target.kind}", fix)
    return Node(*cluster.get("Node", ANYWHERE, target.name))


def read_planned_node(cluster: Cluster, plan: Plan) -> Node:
    """Read the node of a plan; raises PlanChanged when it is another one by now."""
    node = read_node(cluster, plan.target)
    require_same(plan, node)
    return node


def place_of(target: Target) -> Place:
    """Where a patch of the node goes."""
    return Place("Node", ANYWHERE, target.name)


def cordon_patch(node: Node, key: str) -> Patch:
    """Close it, and say who did."""
    return _patch(node, {"unschedulable": True}, {CORDONED_BY: key})


def uncordon_patch(node: Node) -> Patch:
    """Open it, and forget who closed it."""
    return _patch(node, {"unschedulable": None}, {CORDONED_BY: None})


def cordoned(node_uid: str, target: Target, key: str) -> tuple[Changed, ...]:
    """What a receipt says of a cordon that was ours, for `Restore`."""
    whole = {"kind": "Node", "name": target.name, "uid": node_uid}
    return (
        Changed(path=UNSCHEDULABLE_PATH, before=None, after=True, **whole),
        Changed(path=CORDONED_BY_PATH, before=None, after=key, **whole),
    )


def uncordoned(node_uid: str, target: Target, cordoned_by: str) -> tuple[Changed, ...]:
    """What a receipt says of an uncordon."""
    whole = {"kind": "Node", "name": target.name, "uid": node_uid}
    opened = (Changed(path=UNSCHEDULABLE_PATH, before=True, after=None, **whole),)
    if not cordoned_by:
        return opened
    return (*opened, Changed(path=CORDONED_BY_PATH, before=cordoned_by, after=None, **whole))


def _patch(node: Node, spec: Object, annotations: Object) -> Patch:
    return Patch({"metadata": node.guard | {"annotations": annotations}, "spec": spec}, MERGE_PATCH)
