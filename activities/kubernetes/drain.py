"""Drain a Node: close it, then evict the pods that were planned, a few at a time.

A drain is many writes. Each goes the way of every single one (`ensure.py`), with the kill switch,
the storms and the lock asked right before it, and is bound to a pod's uid: an attempt that follows
a killed one finds what is gone, and goes on with the rest.
"""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes.affected import Affected, Owners, worst_of
from activities.kubernetes.client import Cluster
from activities.kubernetes.cordon import state_pins
from activities.kubernetes.drain_filter import NAMED_MAX, Sorted, few, shown, sort_pods
from activities.kubernetes.draining import Draining, Tools, pods_on
from activities.kubernetes.ensure import Ensurer
from activities.kubernetes.evict import rehearse_eviction
from activities.kubernetes.nodes import Node, cordon_patch, place_of, read_node
from activities.kubernetes.plans import kubectl, plan_of
from activities.kubernetes.raw import Object, name_of, text, uid_of
from activities.kubernetes.rehearse import ACCEPTED, dry_run
from activities.kubernetes.surroundings import around
from activities.kubernetes.waiting import Clock, Sleep
from activities.kubernetes.workload import cluster_of
from contracts.calls import EnsureCall
from contracts.errors import Refused
from contracts.kubernetes import AWAITED_KINDS, AWAITED_MAX, Drain
from contracts.plan import Plan
from contracts.step import Receipt, StepCall
from contracts.target import Target
from contracts.words import counted

PODS_MAX = 250


class DrainAction:
    """`kubernetes.drain.plan` and `.ensure`."""

    def __init__(
        self, clusters: Mapping[str, Cluster], ensurer: Ensurer, clock: Clock, sleep: Sleep
    ) -> None:
        self._clusters = clusters
        self._tools = Tools(ensurer, clock, sleep)

    @activity.defn(name=f"{Drain.activity}.plan")
    def plan(self, call: StepCall[Drain]) -> Plan:
        """Raises Refused (control plane, pods without a controller or with data of their own, more
        than `PODS_MAX`, an eviction that can never be), NotFound, InvalidInput, Unavailable,
        Rejected.
        """
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        node = read_node(cluster, target)
        _refuse_control_plane(cluster, target, node)
        owners = Owners(cluster, target.cluster)
        found = _sorted(cluster, owners, call.step)
        _refuse_pods(cluster, call.step, found)
        affected = owners.affected(found.of("evict"))
        rehearsed, said = _rehearsed(cluster, call, node, found.of("evict"))
        surroundings = around(cluster, target, node)
        more = {"dry_run": rehearsed, "budgets": owners.budgets(affected)}
        return plan_of(
            call,
            cluster,
            node,
            **_words(cluster, call.step, node, found, affected),
            findings=(*drain_findings(node, found, affected), *said),
            around=surroundings.model_copy(update=more),
            also_locks=tuple(one.target.key for one in affected),
            consent=owners.consent(target, node.raw, affected),
        )

    @activity.defn(name=f"{Drain.activity}.ensure")
    def ensure(self, call: EnsureCall[Drain]) -> Receipt:
        """Raises as `Ensurer.bring_about` does; once a part of it is done, nothing that promises
        that nothing was written.
        """
        cluster = cluster_of(self._clusters, call.step.target.cluster)
        return Draining(self._tools, cluster, call).run()


def _sorted(cluster: Cluster, owners: Owners, step: Drain) -> Sorted:
    pods = pods_on(cluster, step.target.name)
    daemons = owners.daemon_sets(pods)
    return sort_pods(pods, daemons, lose_empty_dirs=step.lose_empty_dirs)


def _refuse_control_plane(cluster: Cluster, target: Target, node: Node) -> None:
    if node.control_plane:
        fix = f"Drain it by hand, if at all: {_by_hand(cluster, target)}"
        raise Refused(f"{target} runs the control plane", fix)


def _refuse_pods(cluster: Cluster, step: Drain, found: Sorted) -> None:
    unmanaged, kept = found.of("unmanaged"), found.of("empty_dir")
    if unmanaged:
        said = f"{step.target}: nothing would start these pods elsewhere: {_named(unmanaged)}"
        raise Refused(said, "Move them by hand, or put them under a controller.")
    if kept:
        said = f"{step.target}: the data in emptyDir volumes would be lost: {_named(kept)}"
        raise Refused(said, "Set lose_empty_dirs if that data is worth nothing.")
    if len(found.of("evict")) > PODS_MAX:
        lost = counted(len(found.of("evict")), "pod")
        said = f"{step.target}: {lost}; at most {PODS_MAX} are evicted"
        raise Refused(said, f"Drain it by hand: {_by_hand(cluster, step.target)}")


def _rehearsed(
    cluster: Cluster, call: StepCall[Drain], node: Node, pods: list[Object]
) -> tuple[str, list[str]]:
    """Accepted when the cordon and every eviction would be, now; and why not."""
    dry_run(cluster, place_of(call.step.target), cordon_patch(node, call.key))
    said: list[str] = []
    for pod in pods:
        namespace = text(pod, "metadata", "namespace")
        said += rehearse_eviction(cluster, namespace, name_of(pod), uid_of(pod))[1]
    more = [f"and {len(said) - NAMED_MAX} more evictions not now"] if said[NAMED_MAX:] else []
    return "" if said else ACCEPTED, said[:NAMED_MAX] + more


def _words(
    cluster: Cluster, step: Drain, node: Node, found: Sorted, affected: list[Affected]
) -> Object:
    """What the plan says besides its findings; the pods are pinned by their uids."""
    pods = found.of("evict")
    flags = ["--delete-emptydir-data"] if step.lose_empty_dirs else []
    lost = f"{counted(len(pods), 'pod')} of {counted(len(affected), 'workload')}"
    return {
        "before": f"{node.closed}, {lost}",
        "after": "cordoned, and these pods elsewhere",
        "summary": f"Drain {step.target}: {lost}, within their disruption budgets",
        "kubectl": _by_hand(cluster, step.target, *flags),
        "pins": state_pins(node) | {f"pod/{shown(pod)}": uid_of(pod) for pod in pods},
        "blast": worst_of(affected, len(pods)),
        "noop": node.unschedulable and not pods,
    }


def drain_findings(node: Node, found: Sorted, affected: list[Affected]) -> list[str]:
    """What a person should know before saying yes, besides what the API server said."""
    said = [
        f"{one.target}: {counted(len(one.pods), 'pod')}, {one.ready_here} ready" for one in affected
    ]
    if len(said) > NAMED_MAX:
        said = [*said[:NAMED_MAX], f"and {counted(len(said) - NAMED_MAX, 'more workload')}"]
    if not node.ready:
        said.append("the node is not ready: its kubelet may not end what it still runs")
    jobs = [str(one.target) for one in affected if one.target.kind == "Job"]
    if jobs:
        said.append(f"these start over: {', '.join(jobs[:NAMED_MAX])}")
    awaited = sum(one.target.kind in AWAITED_KINDS for one in affected)
    if awaited > AWAITED_MAX:
        said.append(f"afterwards only {AWAITED_MAX} of its {awaited} workloads are looked at")
    unread = [str(one.target) for one in affected if not one.obj]
    if unread:
        named = ", ".join(unread[:NAMED_MAX])
        said.append(f"not read, so that only its namespace's annotations count: {named}")
    if stay := len(found.of("daemon", "static", "finished")):
        said.append(f"left there, of DaemonSets, static or finished: {counted(stay, 'pod')}")
    return said


def _by_hand(cluster: Cluster, target: Target, *flags: str) -> str:
    return kubectl(cluster, target, "drain", target.name, "--ignore-daemonsets", *flags)


def _named(pods: list[Object]) -> str:
    return few(map(shown, pods))
