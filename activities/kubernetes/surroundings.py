"""Who else has a say in a target, as every plan tells it to the guardrails.

What the guardrails need and this identity may not read fails the plan, with the permission that
is missing: unknown is not none. Nothing here judges, and nothing here writes.
"""

from activities.kubernetes import raw
from activities.kubernetes.budgets import budgets_over
from activities.kubernetes.client import ANYWHERE, Cluster
from activities.kubernetes.managers import Managed, manager_of
from activities.kubernetes.raw import Object
from activities.kubernetes.scaled_by import scaler_of
from activities.kubernetes.subject import Subject
from contracts.errors import NotFound
from contracts.plan import Surroundings
from contracts.target import Target

POOL_LABELS = (
    "karpenter.sh/nodepool",
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "alpha.eksctl.io/nodegroup-name",
    "kubernetes.azure.com/agentpool",
    "doks.digitalocean.com/node-pool",
    "kops.k8s.io/instancegroup",
    "node.kubernetes.io/pool",
)
CONTROL_PLANE = (
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master",
    "node-role.kubernetes.io/controlplane",
    "node-role.kubernetes.io/etcd",
)


def around(cluster: Cluster, target: Target, subject: Subject) -> Surroundings:
    """What surrounds a workload, or a Node. `subject` is the target as it was read.

    Raises Rejected (with the permission that is missing), Unavailable.
    """
    if target.kind == "Node":
        return _around_node(cluster, target, subject.raw)
    managed = manager_above(cluster, target, subject.raw)
    scaler = scaler_of(cluster, target)
    return Surroundings(
        managed_by=managed.by,
        manager=managed.name,
        autoscaler=str(scaler) if scaler else "",
        budgets=budgets_over(cluster, target.namespace, pod_labels(subject.raw)),
        paused=raw.dig(subject.raw, "spec", "paused") is True,
    )


def manager_above(cluster: Cluster, target: Target, obj: Object) -> Managed:
    """What manages an object, or the CronJob above a Job."""
    managed = manager_of(obj)
    owner = raw.controller_of(obj)
    if managed.by or owner.get("kind") != "CronJob":
        return managed
    try:
        return manager_of(cluster.get("CronJob", target.namespace, raw.text(owner, "name")).body)
    except NotFound:
        return managed


def pod_labels(obj: Object) -> Object:
    """The labels of a workload's pods; a Pod's own."""
    template = raw.mapping(obj, "spec", "template")
    return raw.mapping(template or obj, "metadata", "labels")


def pool_of(node: Object) -> str:
    """The node pool, by the label of a provider that is known here, or the empty string."""
    labels = raw.mapping(node, "metadata", "labels")
    return next((str(labels[key]) for key in POOL_LABELS if labels.get(key)), "")


def is_control_plane(node: Object) -> bool:
    """Whether the cluster's own programs run on the node, by the labels that installers set."""
    return any(label in raw.mapping(node, "metadata", "labels") for label in CONTROL_PLANE)


def node_is_ready(node: Object) -> bool:
    """Whether the node's kubelet says so, and lately: a silent one is Unknown."""
    conditions = raw.items(node, "status", "conditions")
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def node_is_out(node: Object) -> bool:
    """Whether no new pod starts on it: it is not ready, or somebody cordoned it."""
    return not node_is_ready(node) or raw.dig(node, "spec", "unschedulable") is True


def _around_node(cluster: Cluster, target: Target, node: Object) -> Surroundings:
    """The target's own cordon does not count: it is what the plan is about, and a drain would
    otherwise stop at the cordon before it.
    """
    nodes = cluster.list_all("Node", ANYWHERE)
    others = [other for other in nodes if raw.name_of(other) != target.name]
    return Surroundings(
        nodes=len(nodes),
        unhealthy_nodes=sum(map(node_is_out, others)) + (not node_is_ready(node)),
        pool=pool_of(node),
        control_plane=is_control_plane(node),
    )
