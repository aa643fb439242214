"""Workloads that these tests create, as a team's pipeline would."""

from collections.abc import Mapping

from rest import Json

IMAGE = "registry.example/web:1"
NOTHING: Mapping[str, str] = {}


def deployment(
    name: str = "web",
    *,
    labels: Mapping[str, str] = NOTHING,
    annotations: Mapping[str, str] = NOTHING,
    node_selector: Mapping[str, str] = NOTHING,
    cpu: str = "",
) -> Json:
    """A Deployment of one pod; labels, annotations and the request of CPU are the pod's."""
    matched = {"app": name}
    container: Json = {"name": name, "image": IMAGE}
    if cpu:
        container["resources"] = {"requests": {"cpu": cpu}}
    metadata = {"labels": matched | dict(labels), "annotations": dict(annotations)}
    pod = {"containers": [container], "nodeSelector": dict(node_selector)}
    spec = {"selector": {"matchLabels": matched}, "template": {"metadata": metadata, "spec": pod}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": spec,
    }


def job(name: str = "work", *, labels: Mapping[str, str] = NOTHING) -> Json:
    """A Job that is not tried again."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "work", "image": IMAGE}]}
    template = {"metadata": {"labels": dict(labels)}, "spec": pod}
    spec = {"backoffLimit": 0, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
