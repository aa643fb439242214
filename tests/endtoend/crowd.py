"""One workload for each action, each with the state that its action mends."""

from collections.abc import Callable
from typing import Any, NamedTuple

from kubernetes.client import (
    ApiClient,
    AppsV1Api,
    AutoscalingV2Api,
    BatchV1Api,
    CoreV1Api,
    PolicyV1Api,
)

FAULT = "sandbox.firebreak/fault"
DEDICATED = "firebreak.test/dedicated"
WAIT = {"_preload_content": False}


class Deed(NamedTuple):
    """One action on one target: the runbook's params, the writes that it is worth, and whether
    the guardrails have a person asked although the runbook may act alone.
    """

    do: str
    kind: str
    name: str
    params: dict[str, Any]
    writes: tuple[str, ...]
    entries: int = 1
    asks: bool = False


class Stage:
    """Creates what the deeds are done to, in one namespace, as a team would."""

    def __init__(self, api: ApiClient, namespace: str, prefix: str) -> None:
        self._core: Any = CoreV1Api(api)
        self._apps: Any = AppsV1Api(api)
        self._batch: Any = BatchV1Api(api)
        self._scaling: Any = AutoscalingV2Api(api)
        self._policy: Any = PolicyV1Api(api)
        self.namespace = namespace
        self.prefix = prefix
        self._nodes: list[str] = []

    def name(self, word: str) -> str:
        """A name that no other run has."""
        return f"{self.prefix}-{word}"

    def deployment(self, word: str, replicas: int = 2, fault: str = "", node: str = "") -> str:
        """Create one; with `node`, all its pods are on that node."""
        name = self.name(word)
        body = _workload("Deployment", name, replicas, _template(name, "1.0", fault, node))
        self._apps.create_namespaced_deployment(self.namespace, body, **WAIT)
        return name

    def stateful_set(self, word: str) -> str:
        """Create one of two pods."""
        name = self.name(word)
        body = _workload("StatefulSet", name, 2, _template(name, "1.0", "", ""))
        body["spec"]["serviceName"] = name
        self._apps.create_namespaced_stateful_set(self.namespace, body, **WAIT)
        return name

    def change(self, kind: str, name: str) -> None:
        """A second revision."""
        container = {"name": "web", "image": "registry.example/web:2.0"}
        patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
        self.patch(kind, name, patch)

    def patch(self, kind: str, name: str, patch: dict[str, Any]) -> None:
        """Change a workload."""
        send = {
            "Deployment": self._apps.patch_namespaced_deployment,
            "StatefulSet": self._apps.patch_namespaced_stateful_set,
        }[kind]
        send(name, self.namespace, patch, **WAIT)

    def node(self, word: str, *, cordoned: bool = False) -> str:
        """A node that only its own pods tolerate, so that nobody else's are there."""
        name = self.name(word)
        taint = {"key": DEDICATED, "value": name, "effect": "NoSchedule"}
        room = {"cpu": "8", "memory": "16Gi", "pods": "50"}
        body = {
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "type": "kwok"}},
            "spec": {"taints": [taint], "unschedulable": cordoned},
            "status": {"allocatable": room, "capacity": room},
        }
        self._core.create_node(body, **WAIT)
        self._nodes.append(name)
        return name

    def remove_nodes(self) -> None:
        """A namespace takes its objects along; a node it does not."""
        for name in self._nodes:
            self._core.delete_node(name, **WAIT)

    def budget(self, name: str) -> None:
        """One pod at least stays."""
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": name}}}
        body = {"metadata": {"name": name}, "spec": spec}
        self._policy.create_namespaced_pod_disruption_budget(self.namespace, body, **WAIT)

    def autoscaler(self, name: str) -> None:
        """Two to ten pods, by a metric that nobody serves."""
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
        spec = {
            "minReplicas": 2,
            "maxReplicas": 10,
            "scaleTargetRef": target,
            "metrics": [{"type": "Resource", "resource": cpu}],
        }
        body = {"metadata": {"name": name}, "spec": spec}
        self._scaling.create_namespaced_horizontal_pod_autoscaler(self.namespace, body, **WAIT)

    def failed_job(self, word: str) -> str:
        """A job whose only pod never became ready in its second."""
        name = self.name(word)
        template = _template(name, "1.0", "never-ready", "")
        template["spec"]["restartPolicy"] = "Never"
        spec = {"backoffLimit": 0, "activeDeadlineSeconds": 1, "template": template}
        self._batch.create_namespaced_job(
            self.namespace, {"metadata": {"name": name}, "spec": spec}, **WAIT
        )
        return name

    def pod_of(self, name: str) -> str:
        """The first pod of a workload."""
        pods = self._core.list_namespaced_pod(self.namespace, label_selector=f"app={name}")
        return str(min(pod.metadata.name for pod in pods.items))

    def is_ready(self, kind: str, name: str, replicas: int) -> bool:
        """Whether so many pods of the newest template are ready."""
        read: Callable[..., Any] = {
            "Deployment": self._apps.read_namespaced_deployment_status,
            "StatefulSet": self._apps.read_namespaced_stateful_set_status,
        }[kind]
        status = read(name, self.namespace).status
        return (status.ready_replicas or 0) == replicas == (status.updated_replicas or 0)

    def has_failed(self, name: str) -> bool:
        """Whether a job says so."""
        found = self._batch.read_namespaced_job_status(name, self.namespace).status.conditions
        return any(c.type == "Failed" and c.status == "True" for c in found or [])

    def pods_on(self, node: str) -> int:
        """How many pods run there."""
        field = f"spec.nodeName={node},status.phase=Running"
        return len(self._core.list_pod_for_all_namespaces(field_selector=field).items)


def _template(name: str, version: str, fault: str, node: str) -> dict[str, Any]:
    labels = {"app": name} | ({FAULT: fault} if fault else {})
    image = f"registry.example/web:{version}"
    spec: dict[str, Any] = {"containers": [{"name": "web", "image": image}]}
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
        spec["tolerations"] = [{"key": DEDICATED, "operator": "Exists"}]
    return {"metadata": {"labels": labels}, "spec": spec}


def _workload(kind: str, name: str, replicas: int, template: dict[str, Any]) -> dict[str, Any]:
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": name}},
        "template": template,
    }
    metadata = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}
