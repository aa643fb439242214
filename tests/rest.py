"""Kubernetes objects as the JSON that they are, for tests that create, look and compare.

The typed client has an opinion on every field, which changes from one release to the next.
"""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tools.controlplane.attach import address_of

Json = dict[str, Any]

CALL_SECONDS_MAX = 20.0
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
_API = {
    "Namespace": ("api/v1", "namespaces"),
    "Node": ("api/v1", "nodes"),
    "Pod": ("api/v1", "pods"),
    "ConfigMap": ("api/v1", "configmaps"),
    "Event": ("api/v1", "events"),
    "ResourceQuota": ("api/v1", "resourcequotas"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "ReplicaSet": ("apis/apps/v1", "replicasets"),
    "StatefulSet": ("apis/apps/v1", "statefulsets"),
    "DaemonSet": ("apis/apps/v1", "daemonsets"),
    "Job": ("apis/batch/v1", "jobs"),
    "CronJob": ("apis/batch/v1", "cronjobs"),
    "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets"),
    "HorizontalPodAutoscaler": ("apis/autoscaling/v2", "horizontalpodautoscalers"),
    "PodMetrics": ("apis/metrics.k8s.io/v1beta1", "pods"),
    "ScaledObject": ("apis/keda.sh/v1alpha1", "scaledobjects"),
    "Role": ("apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "ClusterRoleBinding": ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"),
}
_WITHOUT_NAMESPACE = {"Namespace", "Node", "ClusterRoleBinding"}


class Rest:
    """Calls in one namespace; each raises httpx.HTTPStatusError for an answer that is an error."""

    def __init__(self, kubeconfig: Path, namespace: str, user_agent: str) -> None:
        address = address_of(kubeconfig)
        self.namespace = namespace
        self._http = httpx.Client(
            base_url=address.url,
            verify=address.context or False,
            headers={**dict(address.headers), "User-Agent": user_agent},
            timeout=CALL_SECONDS_MAX,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def create(self, manifest: Json, **query: str) -> Json:
        """The object as it was created."""
        return self._call("POST", self._path(manifest["kind"]), json=manifest, params=query)

    def read(self, kind: str, name: str) -> Json:
        """The object."""
        return self._call("GET", self._path(kind, name))

    def items(self, kind: str, **query: str) -> list[Json]:
        """The objects of the namespace."""
        found: list[Json] = self._call("GET", self._path(kind), params=query)["items"]
        return found

    def patch(self, kind: str, name: str, body: Any, media: str = MERGE, **query: str) -> Json:
        """The object as patched; `name` may end in a subresource, as in `web/scale`."""
        headers = {"Content-Type": media}
        return self._call("PATCH", self._path(kind, name), json=body, headers=headers, params=query)

    def delete(self, kind: str, name: str, options: Json | None = None) -> Json:
        """What the server says; the options travel in the body."""
        return self._call("DELETE", self._path(kind, name), json=options)

    def evict(self, pod: str, options: Json | None = None) -> Json:
        """What the server says of an eviction with these delete options."""
        metadata = {"name": pod, "namespace": self.namespace}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
        more = {"deleteOptions": options} if options else {}
        return self._call("POST", self._path("Pod", f"{pod}/eviction"), json=body | more)

    def _path(self, kind: str, name: str = "") -> str:
        version, plural = _API[kind]
        inside = "" if kind in _WITHOUT_NAMESPACE else f"namespaces/{self.namespace}/"
        return f"/{version}/{inside}{plural}" + (f"/{name}" if name else "")

    def _call(self, method: str, path: str, **more: Any) -> Json:
        answer: Json = self._http.request(method, path, **more).raise_for_status().json()
        return answer
