"""The look at a node: whether it is ready, what presses it, and what runs there."""

from collections.abc import Mapping
from datetime import datetime

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.affected import Affected, Owners
from activities.kubernetes.client import ANYWHERE, Cluster
from activities.kubernetes.evidence import Shelf, head, keep
from activities.kubernetes.nodes import Node, read_node
from activities.kubernetes.raw import Object
from activities.kubernetes.surroundings import node_is_ready
from activities.kubernetes.workload import cluster_of
from contracts.kubernetes import NodeConditions
from contracts.redact import redact
from contracts.step import BODY_BYTES_MAX, EXCERPT_BYTES_MAX, Evidence, StepCall
from contracts.words import counted

WORKLOADS_MAX = 50
_ENDED = ("Succeeded", "Failed")


class NodeConditionsLook:
    """`kubernetes.node_conditions`."""

    def __init__(self, clusters: Mapping[str, Cluster], shelf: Shelf) -> None:
        self._clusters = clusters
        self._shelf = shelf

    @activity.defn(name=NodeConditions.activity)
    def look(self, call: StepCall[NodeConditions]) -> Evidence:
        """Raises NotFound, Unavailable, Rejected, or InvalidInput for another kind."""
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        node, nodes = read_node(cluster, target), cluster.list_all("Node", ANYWHERE)
        pods = cluster.list_all("Pod", ANYWHERE, fields=f"spec.nodeName={target.name}")
        living = [pod for pod in pods if raw.text(pod, "status", "phase") not in _ENDED]
        controlled = [pod for pod in living if raw.controller_of(pod)]
        affected = Owners(cluster, target.cluster).affected(controlled)
        facts = _of_node(node, call.at) | {
            "pods": len(living),
            "workloads": _workloads(affected)[:WORKLOADS_MAX],
            "workloads_total": len(affected),
            "nodes_total": len(nodes),
            "nodes_ready": sum(node_is_ready(other) for other in nodes),
        }
        body = head(redact("\n".join(_lines(node, facts))), BODY_BYTES_MAX)
        title = f"{target}: Ready is {facts['ready']}, {counted(len(living), 'pod')}"
        return keep(self._shelf, call, title, (body, head(body, EXCERPT_BYTES_MAX)), facts)


def _of_node(node: Node, at: datetime) -> Object:
    conditions = raw.items(node.raw, "status", "conditions")
    ready = next((c for c in conditions if c.get("type") == "Ready"), {})
    since = raw.moment(ready, "lastTransitionTime")
    return {
        "ready": raw.text(ready, "status") or "Unknown",
        "ready_since_seconds": max(0, int((at - since).total_seconds())) if since else 0,
        "pressures": [c["type"] for c in conditions if _presses(c)],
        "unschedulable": node.unschedulable,
        "control_plane": node.control_plane,
    }


def _presses(condition: Object) -> bool:
    """Every condition but Ready is bad when it is true."""
    kind = raw.text(condition, "type")
    return condition.get("status") == "True" and kind not in ("", "Ready")


def _workloads(affected: list[Affected]) -> list[Object]:
    """The workloads with pods there, the most pods first."""
    found = [
        {
            "kind": one.target.kind,
            "namespace": one.target.namespace,
            "name": one.target.name,
            "pods": len(one.pods),
        }
        for one in affected
    ]
    return sorted(found, key=lambda one: (-one["pods"], one["namespace"], one["name"]))


def _lines(node: Node, facts: Object) -> list[str]:
    conditions = [
        f"{raw.text(c, 'type')} is {raw.text(c, 'status')} since "
        f"{raw.text(c, 'lastTransitionTime')}: {raw.text(c, 'reason')} {raw.text(c, 'message')}"
        for c in raw.items(node.raw, "status", "conditions")
    ]
    taints = [
        f"taint {raw.text(t, 'key')}:{raw.text(t, 'effect')}"
        for t in raw.items(node.raw, "spec", "taints")
    ]
    workloads = [
        f"{counted(w['pods'], 'pod')} of {w['kind'].lower()} {w['namespace']}/{w['name']}"
        for w in facts["workloads"]
    ]
    cluster = f"{facts['nodes_ready']} of {facts['nodes_total']} nodes are ready"
    return [*conditions, node.closed, *taints, cluster, *workloads]
