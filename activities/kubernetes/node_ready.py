"""The check of a Node: its kubelet says that it is ready, and keeps saying so."""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.nodes import Node, read_node
from activities.kubernetes.polling import Poller, Sight, steady_for
from activities.kubernetes.raw import Object
from activities.kubernetes.waiting import Clock, Sleep
from activities.kubernetes.workload import cluster_of
from contracts.errors import NotFound
from contracts.kubernetes import NodeReady
from contracts.step import CheckCall, CheckResult


class NodeReadyCheck:
    """`kubernetes.node_ready`."""

    def __init__(self, clusters: Mapping[str, Cluster], clock: Clock, sleep: Sleep) -> None:
        self._clusters = clusters
        self._poller = Poller(clock, sleep)

    @activity.defn(name=NodeReady.activity)
    def check(self, call: CheckCall[NodeReady]) -> CheckResult:
        """Raises InvalidInput, Rejected; Unavailable when this worker stops."""
        cluster = cluster_of(self._clusters, call.step.target.cluster)
        return self._poller.wait(call, lambda memory: self._look(cluster, call, memory))

    def _look(self, cluster: Cluster, call: CheckCall[NodeReady], memory: Object) -> Sight:
        try:
            node = read_node(cluster, call.step.target)
        except NotFound:
            return Sight("failed", "there is no such node any more")
        if not node.ready:
            return Sight("waiting", _unready(node))
        # A node that flaps between two looks shows it by the time of its last change.
        seen = f"{node.uid} {raw.text(_condition(node), 'lastTransitionTime')}"
        steady, memory = steady_for(memory, seen, self._poller.now)
        wanted = call.step.steady_seconds
        if steady < wanted:
            return Sight("waiting", f"ready, steady for {steady} of {wanted} s", memory)
        closed = ", but cordoned" if node.unschedulable else ""
        return Sight("complete", f"ready, steady for {steady} s{closed}", memory)


def _condition(node: Node) -> Object:
    conditions = raw.items(node.raw, "status", "conditions")
    return next((c for c in conditions if c.get("type") == "Ready"), {})


def _unready(node: Node) -> str:
    condition = _condition(node)
    status = raw.text(condition, "status") or "missing"
    why = raw.text(condition, "reason")
    return f"not ready (Ready is {status}{f': {why}' if why else ''})"
