"""The workloads whose pods run on a node: what a drain locks besides the node, and what it asks.

A pod is followed to the workload as far as the owners are known and there, by uid; the last link
that is known is what is locked. Each object is read once. Nothing here writes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from activities.kubernetes import raw
from activities.kubernetes.budgets import budgets_over
from activities.kubernetes.client import Cluster
from activities.kubernetes.consent import Consent, consent_of
from activities.kubernetes.pods import state_of
from activities.kubernetes.raw import Object
from activities.kubernetes.surroundings import pod_labels
from activities.kubernetes.workload import WITH_PODS, Workload
from contracts.errors import NotFound
from contracts.plan import BlastRadius, Budget
from contracts.target import Target

_ABOVE = {"ReplicaSet": "apps/v1", "Deployment": "apps/v1", "StatefulSet": "apps/v1"}
_ABOVE |= {"DaemonSet": "apps/v1", "Job": "batch/v1"}
_LINKS_MAX = 2


@dataclass
class Affected:
    """One workload: its lock key's target, its reading (empty for a kind whose pods nobody counts
    here), its pods on the node, and the object itself (empty for a kind that is not followed, and
    for one that is gone).
    """

    target: Target
    workload: Workload
    pods: list[Object] = field(default_factory=list)
    obj: Object = field(default_factory=dict)

    @property
    def ready_here(self) -> int:
        """How many of its ready pods are on the node."""
        return sum(state_of(pod).ready for pod in self.pods)

    @property
    def share(self) -> float:
        """The part of its ready pods that is on the node; 1 where nobody knows."""
        return self.ready_here / max(self.workload.ready, self.ready_here, 1)


class Owners:
    """Follows pods to their workloads in one cluster."""

    def __init__(self, cluster: Cluster, cluster_name: str) -> None:
        self._cluster = cluster
        self._name = cluster_name
        self._read: dict[tuple[str, str, str], Object] = {}

    def affected(self, pods: Iterable[Object]) -> list[Affected]:
        """The workloads of these pods, by lock key. Raises Unavailable, Rejected."""
        found: dict[str, Affected] = {}
        for pod in pods:
            target, obj = self._workload_of(pod)
            counted = obj if target.kind in WITH_PODS else {}
            known = Affected(target, Workload(counted, kind=target.kind), obj=obj)
            found.setdefault(target.key, known).pods.append(pod)
        return [found[key] for key in sorted(found)]

    def daemon_sets(self, pods: Iterable[Object]) -> set[str]:
        """The uids of those DaemonSets above these pods that still exist."""
        above = [raw.controller_of(pod) | {"in": _namespace(pod)} for pod in pods]
        sets = [ref for ref in above if ref.get("kind") == "DaemonSet"]
        return {str(ref["uid"]) for ref in sets if self._owner(ref["in"], ref)}

    def consent(self, node: Target, obj: Object, affected: Iterable[Affected]) -> Consent:
        """Of the node and of each of them: one no is a no. Of an owner that nobody could read only
        the namespace has a say.
        """
        said = [consent_of(self._cluster, one.target, one.obj) for one in affected]
        return consent_of(self._cluster, node, obj).and_of(*said)

    def budgets(self, affected: Iterable[Affected]) -> tuple[Budget, ...]:
        """The disruption budgets over these pods, named `namespace/name`."""
        found: dict[str, Budget] = {}
        for one in affected:
            namespace = one.target.namespace
            for budget in budgets_over(self._cluster, namespace, pod_labels(one.pods[0])):
                name = f"{namespace}/{budget.name}"
                found[name] = budget.model_copy(update={"name": name})
        return tuple(found[name] for name in sorted(found))

    def _workload_of(self, pod: Object) -> tuple[Target, Object]:
        namespace = _namespace(pod)
        reference, obj = raw.controller_of(pod), Object()
        for _ in range(_LINKS_MAX):
            obj = self._owner(namespace, reference)
            above = raw.controller_of(obj)
            if reference.get("kind") != "ReplicaSet" or not self._owner(namespace, above):
                break
            reference = above
        kind, name = raw.text(reference, "kind"), raw.text(reference, "name")
        target = Target(cluster=self._name, namespace=namespace, kind=kind, name=name)
        return target, obj

    def _owner(self, namespace: str, reference: Object) -> Object:
        """The object of a controller reference, or an empty one: unknown, gone, or a namesake."""
        kind, name = raw.text(reference, "kind"), raw.text(reference, "name")
        if not reference or _ABOVE.get(kind) != reference.get("apiVersion"):
            return {}
        place = (kind, namespace, name)
        if place not in self._read:
            try:
                self._read[place] = self._cluster.get(*place).body
            except NotFound:
                self._read[place] = {}
        found = self._read[place]
        return found if raw.uid_of(found) == reference.get("uid") else {}


def worst_of(affected: list[Affected], pods: int) -> BlastRadius:
    """The radius of the workload that loses the largest share of its ready pods."""
    worst = max(affected, key=lambda one: one.share, default=None)
    if worst is None:
        return BlastRadius(pods=pods, lost=0)
    ready = max(worst.workload.ready, worst.ready_here)
    wanted = worst.workload.replicas if worst.workload.raw else ready
    return BlastRadius(pods=pods, ready=ready, desired=wanted, lost=worst.ready_here)


def _namespace(pod: Object) -> str:
    return raw.text(pod, "metadata", "namespace")
