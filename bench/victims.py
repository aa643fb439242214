"""Deployments whose second revision crash-loops, one a namespace, as a pipeline leaves them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from kubernetes.client import AppsV1Api, CoreV1Api

from bench.common import until
from sandbox.profile import FAULT
from sandbox.scenario import connect, create_namespace, is_healthy, raw

NAME = "web"


class Victims:
    """The deployments of one cluster, made and broken by somebody who may do all."""

    def __init__(self, kubeconfig: Path) -> None:
        self._client = connect(kubeconfig)
        self._apps: Any = AppsV1Api(self._client)
        self._core: Any = CoreV1Api(self._client)

    def create_namespaces(self, namespaces: Sequence[str]) -> None:
        """The namespaces, without anything in them."""
        for namespace in namespaces:
            create_namespace(self._client, namespace)

    async def break_all(self, namespaces: Sequence[str]) -> None:
        """A good revision, then a bad one, until its pods are seen to crash."""
        for namespace in namespaces:
            raw(self._apps.create_namespaced_deployment, namespace, _deployment("1.0", {}))
        await _each(namespaces, lambda namespace: is_healthy(self._read(namespace)))
        bad = {"spec": _deployment("2.0", {FAULT: "crash-loop"})["spec"]}
        for namespace in namespaces:
            raw(self._apps.patch_namespaced_deployment, NAME, namespace, bad)
        await _each(namespaces, self._crashes)

    def pods(self, namespace: str) -> list[str]:
        """The names of its pods, those that crash first."""
        found = raw(self._core.list_namespaced_pod, namespace)["items"]
        ordered = sorted(found, key=lambda pod: (not _is_crashing(pod), pod["metadata"]["name"]))
        return [pod["metadata"]["name"] for pod in ordered]

    def _crashes(self, namespace: str) -> bool:
        found = raw(self._core.list_namespaced_pod, namespace)["items"]
        return any(map(_is_crashing, found))

    def _read(self, namespace: str) -> dict[str, Any]:
        return raw(self._apps.read_namespaced_deployment, NAME, namespace)


async def _each(namespaces: Sequence[str], holds: Callable[[str], bool]) -> None:
    for namespace in namespaces:
        await until(partial(holds, namespace))


def _is_crashing(pod: dict[str, Any]) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return any(it.get("restartCount", 0) > 0 for it in statuses)


def _deployment(version: str, annotations: dict[str, str]) -> dict[str, Any]:
    container = {"name": NAME, "image": f"registry.example/web:{version}"}
    return {
        "metadata": {"name": NAME, "labels": {"app": NAME}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": NAME}},
            "template": {
                "metadata": {"labels": {"app": NAME}, "annotations": annotations},
                "spec": {"containers": [container]},
            },
        },
    }
