"""From untrusted labels to one workload, or to what stands for it (a pod, an autoscaler, a
disruption budget), whose workload Triage will ask the cluster for.

Never a guess: a pod's name is not taken apart here, `job`, `service` and `endpoint` are labels of
the scrape and name nothing, and with no cluster there is no target. Whether the workload exists
and may be touched is decided later, by others.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import ValidationError

from contracts.policy import Policy, Service
from contracts.target import KINDS, Target

# The label that names a workload, in the order in which the more specific one wins.
_WORKLOADS = (
    ("statefulset", "StatefulSet"),
    ("daemonset", "DaemonSet"),
    ("deployment", "Deployment"),
    ("job_name", "Job"),
    ("cronjob", "CronJob"),
)
# What stands for a workload that only the cluster can name.
_STANDING_FOR = (
    ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
    ("poddisruptionbudget", "PodDisruptionBudget"),
)
_SUBJECTS = ("Pod", *(kind for _, kind in _STANDING_FOR))
# An object we cannot act on; where one is named, `pod` belongs to the exporter that told of it.
_OTHERS = ("persistentvolumeclaim",)
# These rules are about the node; a pod or workload in their labels is the exporter's.
_NODE_RULES = re.compile(r"KubeNode\w+")
# Exporters put their own pod on what they tell of others, unless they are told not to.
_EXPORTER = re.compile(r"(^|-)(kube-state-metrics|[a-z0-9-]*exporter)(-|$)")
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_KINDS = {kind.lower(): kind for kind in KINDS}


class Found(NamedTuple):
    """What the labels name: a workload or node, or a `subject` (a pod, an autoscaler, a budget)
    whose workload Triage asks for, or neither, with the reason.
    """

    service: Service | None
    target: Target | None = None
    subject: Target | None = None
    reason: str = ""


def find_target(labels: dict[str, str], cluster: str, policy: Policy) -> Found:
    """Service matchers first, where they name a target of this cluster; then the labels."""
    services = [s for s in policy.services if s.matches(labels)]
    named = next((s for s in services if s.target and s.target.cluster == cluster), None)
    if named is not None:
        return Found(named, named.target)
    target, reason = _by_labels(labels, cluster)
    service = policy.service_of(target, {}) or next(iter(services), None)
    if target is not None and target.kind in _SUBJECTS:
        return Found(service, subject=target)
    return Found(service, target, reason=reason)


def _by_labels(labels: dict[str, str], cluster: str) -> tuple[Target | None, str]:
    if not cluster:
        return None, "no cluster is known for this alert"
    try:
        return _named(labels, cluster)
    except ValidationError:
        return None, "the labels name no valid Kubernetes object"


def is_namespace(text: str) -> bool:
    """Whether Kubernetes could have a namespace of that name; `..` would be a way out of a URL."""
    return _NAMESPACE.fullmatch(text) is not None


def _named(labels: dict[str, str], cluster: str) -> tuple[Target | None, str]:
    asked = _asked_for(labels, cluster) or _by_rule(labels, cluster)
    if asked is not None:
        return asked, ""
    namespace = own(labels, "namespace")
    if namespace and not is_namespace(namespace):
        return None, "label namespace is no name of a namespace"
    for label, kind in (*_WORKLOADS, *_STANDING_FOR):
        name = own(labels, label)
        if name and not namespace:
            return None, f"label {label} without namespace"
        if name:
            return Target(cluster=cluster, namespace=namespace, kind=kind, name=name), ""
    if any(own(labels, label) for label in _OTHERS):
        return None, "the labels name an object that has no pods of its own"
    return _pod_or_node(labels, cluster, namespace)


def _asked_for(labels: dict[str, str], cluster: str) -> Target | None:
    """The rule's author may name the target outright: firebreak_kind, _name, _namespace."""
    kind = _KINDS.get(labels.get("firebreak_kind", "").lower())
    if kind is None or not labels.get("firebreak_name"):
        return None
    namespace = "" if kind == "Node" else labels.get("firebreak_namespace", "")
    if kind != "Node" and not is_namespace(namespace):
        return None
    return Target(cluster=cluster, namespace=namespace, kind=kind, name=labels["firebreak_name"])


def _by_rule(labels: dict[str, str], cluster: str) -> Target | None:
    """What some rules are always about, whatever else their labels name."""
    node = own(labels, "node")
    if node and _NODE_RULES.fullmatch(labels.get("alertname", "")):
        return Target(cluster=cluster, kind="Node", name=node)
    return None


def _pod_or_node(labels: dict[str, str], cluster: str, namespace: str) -> tuple[Target | None, str]:
    pod, node = own(labels, "pod"), own(labels, "node")
    if pod and namespace and not is_exporter(pod):
        return Target(cluster=cluster, namespace=namespace, kind="Pod", name=pod), ""
    if node:
        return Target(cluster=cluster, kind="Node", name=node), ""
    if pod:
        return None, "pod is an exporter's, or has no namespace"
    return None, "no label names a workload, a pod or a node"


def is_exporter(pod: str) -> bool:
    """Whether a pod of that name tells of others, so that it is not the one that is ill."""
    return _EXPORTER.search(pod) is not None


def own(labels: Mapping[str, str], name: str) -> str:
    """The value the series itself had: Prometheus moves it to `exported_<name>` when the scrape's
    own label took its place, and again when that happened twice.
    """
    for prefix in ("exported_exported_", "exported_"):
        if labels.get(prefix + name):
            return labels[prefix + name]
    return labels.get(name, "")
