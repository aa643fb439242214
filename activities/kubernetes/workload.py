"""A workload as it was read: a Deployment, a StatefulSet, a DaemonSet or a Job, and its pods.

What differs between the kinds is told here once, so that looks and actions need not know. Two
templates are equal when they differ in nothing but what the controllers write into them. Nothing
here writes.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from activities.kubernetes import raw
from activities.kubernetes.client import Answer, Cluster, Patch, Place
from activities.kubernetes.raw import Object
from activities.kubernetes.subject import Subject, require_same
from contracts.errors import InvalidInput
from contracts.model import digest_of
from contracts.plan import Plan
from contracts.target import Target

HASH_LABEL = "pod-template-hash"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
WITH_PODS = (*WORKLOADS, "Job")


@dataclass(frozen=True)
class Workload(Subject):
    """One reading."""

    kind: str = "Deployment"

    @property
    def replicas(self) -> int:
        """How many pods are wanted; the API's default is 1. A DaemonSet wants one a node."""
        if self.kind == "DaemonSet":
            return self.status("desiredNumberScheduled")
        wanted = raw.dig(self.raw, "spec", "parallelism" if self.kind == "Job" else "replicas")
        return wanted if isinstance(wanted, int) else 1

    @property
    def ready(self) -> int:
        """How many pods are ready."""
        field = {"DaemonSet": "numberReady", "Job": "ready"}.get(self.kind, "readyReplicas")
        return self.status(field)

    @property
    def paused(self) -> bool:
        """Whether a Deployment's rollouts are paused (`kubectl rollout pause`)."""
        return raw.dig(self.raw, "spec", "paused") is True

    @property
    def selector(self) -> str:
        """Its selector as a query parameter."""
        return raw.selector_text(raw.mapping(self.raw, "spec", "selector"))

    @property
    def template(self) -> Object:
        """The pod template, without the hash label."""
        return bare_template(self.raw)

    @property
    def template_digest(self) -> str:
        """The digest of that template."""
        return digest_of(self.template)

    @property
    def restarted_at(self) -> str:
        """The value that the last rollout restart left, or the empty string."""
        return raw.annotation(self.template, RESTARTED_AT)

    def status(self, field: str) -> int:
        """A count of `status`, or 0."""
        return raw.number(self.raw, "status", field)

    def condition(self, kind: str) -> Object:
        """The condition of that type, or an empty object."""
        found = raw.items(self.raw, "status", "conditions")
        return next((c for c in found if c.get("type") == kind), {})


def bare_template(owner: Object) -> Object:
    """A copy of an object's pod template without the hash label and without nulls."""
    template = copy.deepcopy(raw.mapping(owner, "spec", "template"))
    metadata = {k: v for k, v in raw.mapping(template, "metadata").items() if v is not None}
    labels = {k: v for k, v in raw.mapping(metadata, "labels").items() if k != HASH_LABEL}
    return template | {"metadata": metadata | {"labels": labels}}


def digest_of_template(owner: Object) -> str:
    """The digest of an object's pod template, or the empty string for an object without one."""
    return digest_of(bare_template(owner)) if raw.mapping(owner, "spec", "template") else ""


def images_of(template: Object) -> list[str]:
    """The images of the containers, in their order."""
    return [raw.text(c, "image") for c in raw.items(template, "spec", "containers")]


def images_text(template: Object) -> str:
    """`image a:1`, or `images a:1, b:2`."""
    images = images_of(template)
    return f"image{'s' if len(images) > 1 else ''} {', '.join(images)}"


def cluster_of(clusters: Mapping[str, Cluster], name: str) -> Cluster:
    """The cluster of that name; raises InvalidInput when this worker does not serve it."""
    if name not in clusters:
        known = ", ".join(sorted(clusters)) or "none"
        fix = "Name a cluster of firebreak.toml, or run a worker with its kubeconfig context."
        raise InvalidInput(f"cluster '{name}' is not served here; served: {known}", fix)
    return clusters[name]


def read_workload(cluster: Cluster, target: Target, kinds: tuple[str, ...] = WORKLOADS) -> Workload:
    """Read it; raises InvalidInput for a kind that is not one of `kinds`, NotFound."""
    if target.kind not in kinds:
        raise InvalidInput(
            f"{target}: this is done to a {' or '.join(kinds)}, not to a {target.kind}",
            f"Handle the {target.kind} by hand; the incident keeps its evidence.",
        )
    return Workload(*cluster.get(target.kind, target.namespace, target.name), kind=target.kind)


def read_planned_workload(cluster: Cluster, plan: Plan) -> Workload:
    """Read the workload of a plan; raises PlanChanged when it is another one by now."""
    current = read_workload(cluster, plan.target)
    require_same(plan, current)
    return current


def owner_uids(cluster: Cluster, namespace: str, workload: Workload) -> set[str]:
    """The uids of what may control its pods: itself, or a Deployment's ReplicaSets."""
    if workload.kind != "Deployment":
        return {workload.uid}
    found = cluster.list_all("ReplicaSet", namespace, labels=workload.selector)
    return {raw.uid_of(rs) for rs in found if raw.controller_of(rs).get("uid") == workload.uid}


def raw_pods(cluster: Cluster, namespace: str, workload: Workload) -> list[Object]:
    """Its pods, those that are going away among them."""
    owners = owner_uids(cluster, namespace, workload)
    found = cluster.list_all("Pod", namespace, labels=workload.selector)
    return [pod for pod in found if raw.controller_of(pod).get("uid") in owners]


def sending(cluster: Cluster, plan: Plan, patch: Patch) -> Callable[[], Answer]:
    """What sends this patch to the target of the plan."""
    target = plan.target
    place = Place(target.kind, target.namespace, target.name)
    return lambda: cluster.patch(place, patch)
