"""Follow an object to the workload that controls it: pod -> ReplicaSet -> Deployment, and so on;
from an autoscaler to what it scales; from a disruption budget to whose pods it protects.

Each step must find, under the name in the reference, the very uid that the reference carries: a
namesake is not the owner. What cannot be followed gives no target and a reason, never a guess.
"""

from collections.abc import Mapping
from typing import NamedTuple

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.raw import Object
from activities.kubernetes.workload import cluster_of
from contracts.calls import OWNER, Owner, OwnerCall
from contracts.errors import NotFound
from contracts.target import Target

DEPTH_MAX = 5
PROTECTED_MAX = 20
HPA, BUDGET = "HorizontalPodAutoscaler", "PodDisruptionBudget"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
_GROUPS = {
    "Pod": "v1",
    "ReplicaSet": "apps/v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}


class Link(NamedTuple):
    """One object of the chain, as the one before it names it; an empty uid is not compared."""

    kind: str
    name: str
    uid: str

    def __str__(self) -> str:
        """`kind/name`."""
        return f"{self.kind}/{self.name}"


class OwnerLook:
    """`kubernetes.owner`."""

    def __init__(self, clusters: Mapping[str, Cluster]) -> None:
        self._clusters = clusters

    @activity.defn(name=OWNER)
    def find(self, call: OwnerCall) -> Owner:
        """Raises Unavailable, Rejected, or InvalidInput for a cluster that is not served."""
        cluster = cluster_of(self._clusters, call.cluster)
        kinds = {kind.lower(): kind for kind in (*_GROUPS, HPA, BUDGET)}
        kind = kinds.get(call.kind.lower())
        if kind == HPA:
            return _scaled(cluster, call)
        if kind == BUDGET:
            return _protected(cluster, call)
        if kind is None:
            return Owner(reason=f"a {call.kind} is not followed; name the workload in the alert")
        return _follow(cluster, call, Link(kind, call.name, call.uid))


def _follow(cluster: Cluster, call: OwnerCall, link: Link) -> Owner:
    chain: list[str] = []
    for _ in range(DEPTH_MAX):
        chain.append(str(link))
        try:
            found = cluster.get(link.kind, call.namespace, link.name).body
        except NotFound:
            return Owner(chain=tuple(chain), reason=f"{link} does not exist any more")
        if link.uid and raw.uid_of(found) != link.uid:
            return Owner(chain=tuple(chain), reason=f"{link} is another object (uid differs) now")
        reference = raw.controller_of(found)
        if not _is_followed(reference):
            return _end(call, link, tuple(chain), reference)
        link = _link(reference)
    return Owner(chain=tuple(chain), reason=f"more than {DEPTH_MAX} owners above one another")


def _scaled(cluster: Cluster, call: OwnerCall) -> Owner:
    """The workload that an autoscaler scales, or what is above that."""
    scaler = Link(HPA, call.name, "")
    try:
        found = cluster.get(HPA, call.namespace, call.name).body
    except NotFound:
        return Owner(reason=f"{scaler} does not exist any more")
    reference = raw.mapping(found, "spec", "scaleTargetRef")
    if not _is_followed(reference):
        what = f"{raw.text(reference, 'kind')}/{raw.text(reference, 'name')}"
        return Owner(chain=(str(scaler),), reason=f"{scaler} scales {what}, not followed")
    return _after(scaler, _follow(cluster, call, _link(reference)))


def _protected(cluster: Cluster, call: OwnerCall) -> Owner:
    """The one workload whose pods a disruption budget selects."""
    budget = Link(BUDGET, call.name, "")
    try:
        found = cluster.get(BUDGET, call.namespace, call.name).body
    except NotFound:
        return Owner(reason=f"{budget} does not exist any more")
    labels = raw.selector_text(raw.mapping(found, "spec", "selector"))
    pods = cluster.list_all("Pod", call.namespace, labels=labels)
    links = dict.fromkeys(_link(raw.controller_of(pod)) for pod in pods)
    if len(links) > PROTECTED_MAX:
        return Owner(chain=(str(budget),), reason=f"{budget} protects {len(links)} controllers")
    owners = [_follow(cluster, call, link) for link in links if link.kind in _GROUPS]
    targets = {owner.target for owner in owners}
    if len(targets) == 1 and len(owners) == len(links):
        return _after(budget, owners[0])
    names = ", ".join(sorted(map(str, links))) or "no pods"
    return Owner(chain=(str(budget),), reason=f"{budget} protects {names}: no one workload")


def _after(first: Link, owner: Owner) -> Owner:
    return owner.model_copy(update={"chain": (str(first), *owner.chain)})


def _link(reference: Object) -> Link:
    kind, name = raw.text(reference, "kind"), raw.text(reference, "name")
    return Link(kind, name, raw.text(reference, "uid"))


def _is_followed(reference: Object) -> bool:
    version = raw.text(reference, "apiVersion")
    return bool(reference) and _GROUPS.get(raw.text(reference, "kind")) == version


def _end(call: OwnerCall, link: Link, chain: tuple[str, ...], reference: Object) -> Owner:
    """The chain ends at `link`: at the top, or below an owner whose kind we do not know."""
    above = _unknown(reference)
    if link.kind not in WORKLOADS:
        return Owner(chain=chain, reason=f"{link} {above or 'has no controller'}")
    target = Target(cluster=call.cluster, namespace=call.namespace, kind=link.kind, name=link.name)
    return Owner(target=target, chain=chain, reason=f"{link} {above}" if above else "")


def _unknown(reference: Object) -> str:
    if not reference:
        return ""
    kind, name = raw.text(reference, "kind"), raw.text(reference, "name")
    return f"is controlled by {kind}/{name} ({raw.text(reference, 'apiVersion')}), not followed"
