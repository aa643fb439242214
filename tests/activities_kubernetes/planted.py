"""A cluster that holds exactly the objects a test plants, for what no controller would make."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.kubernetes import raw
from activities.kubernetes.client import ANYWHERE, Answer, Cluster
from activities.kubernetes.raw import Object
from activities.kubernetes.selectors import matches
from activities_kubernetes.shop import Shelf
from contracts.errors import FirebreakError, NotFound
from contracts.step import Evidence, Step, StepCall
from contracts.target import Target

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
NAMESPACE = "shop"
LABELS = {"app": "web"}
ADDONS = ("ScaledObject", "PodMetrics")


class Planted(Cluster):
    """Reads only. `broken` are kinds whose lists fail; add-ons are served once one is planted."""

    def __init__(self, *objects: Object, **broken: FirebreakError) -> None:
        self.objects = list(objects)
        self.broken = broken
        self.context = "lab"

    def get(self, kind: str, namespace: str, name: str) -> Answer:
        """The object of that name."""
        for obj in self._of(kind, namespace):
            if raw.name_of(obj) == name:
                return Answer(obj, NOW)
        raise NotFound(f"{kind} {name}")

    def list_all(
        self, kind: str, namespace: str, *, labels: str = "", fields: str = ""
    ) -> list[Object]:
        """Those with all of the equal labels, and all of the equal fields."""
        if kind in self.broken:
            raise self.broken[kind]
        found = list(self._of(kind, namespace))
        if kind in ADDONS and not found:
            raise NotFound(f"list {kind}: 404")
        equal = dict(pair.split("=") for pair in labels.split(",") if pair)
        wanted = [pair.split("=") for pair in fields.split(",") if pair]
        return [
            obj
            for obj in found
            if matches({"matchLabels": equal}, raw.mapping(obj, "metadata", "labels"))
            and all(raw.dig(obj, *path.split(".")) == value for path, value in wanted)
        ]

    def _of(self, kind: str, namespace: str) -> Iterator[Object]:
        for obj in self.objects:
            place = raw.text(obj, "metadata", "namespace")
            if obj["kind"] == kind and namespace in (ANYWHERE, place):
                yield obj


def look(cluster: Planted, looking: Any, step: Step) -> tuple[Evidence, str]:
    """Run a look on the cluster `lab`: what history keeps, and the body on the shelf."""
    shelf = Shelf()
    call: StepCall[Any] = StepCall(key="inc-1/1/1", incident="inc-1", at=NOW, step=step)
    evidence: Evidence = ActivityEnvironment().run(looking({"lab": cluster}, shelf).look, call)
    return evidence, shelf.body


def ago(seconds: int) -> str:
    """A time as the API writes it."""
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def target(kind: str = "Deployment", name: str = "web") -> Target:
    """What the objects below are about."""
    return Target(
        cluster="lab", namespace="" if kind == "Node" else NAMESPACE, kind=kind, name=name
    )


def thing(kind: str, name: str = "web", **parts: Any) -> Object:
    """Any object; `metadata` is added to its own."""
    metadata = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{kind}-{name}"}
    metadata |= parts.pop("metadata", {})
    return {"kind": kind, "metadata": metadata, **parts}


def owned_by(kind: str, name: str = "web", version: str = "apps/v1") -> Object:
    """Metadata with a controller reference."""
    reference = {"apiVersion": version, "kind": kind, "name": name, "controller": True}
    return {"ownerReferences": [reference | {"uid": f"uid-{kind}-{name}"}]}


def workload(kind: str = "Deployment", replicas: int = 2, **parts: Any) -> Object:
    """A workload `web` with its selector and template; `spec` is added to its own."""
    container = {"name": "main", "image": "web:1", "resources": {}}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    spec: Object = {"selector": {"matchLabels": LABELS}, "template": template}
    if kind != "DaemonSet":
        spec["parallelism" if kind == "Job" else "replicas"] = replicas
    return thing(kind, spec=spec | parts.pop("spec", {}), **parts)


def replica_set() -> Object:
    """The ReplicaSet between the Deployment `web` and its pods."""
    made = workload("ReplicaSet", metadata=owned_by("Deployment"))
    made["metadata"] |= {"labels": LABELS, "annotations": {}}
    return made


def pod(name: str = "web-1", owner: str = "ReplicaSet", **parts: Any) -> Object:
    """A pod of `web`; ready unless `status` says otherwise."""
    spec = {"containers": [{"name": "main", "image": "web:1"}], "nodeName": "node-1"}
    status = parts.pop("status", ready_status())
    metadata = owned_by(owner) | {"labels": LABELS} | parts.pop("metadata", {})
    return thing("Pod", name, metadata=metadata, spec=spec | parts.pop("spec", {}), status=status)


def ready_status(**container: Any) -> Object:
    """The status of a ready pod."""
    running = {"name": "main", "ready": True, "restartCount": 0, "state": {"running": {}}}
    return {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [running | container],
    }


def sick_status(phase: str = "Running", **container: Any) -> Object:
    """The status of a pod whose container is as told."""
    sick = {"name": "main", "ready": False, "restartCount": 0, "state": {}}
    return {
        "phase": phase,
        "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
        "containerStatuses": [sick | container],
    }


def waiting(reason: str, message: str = "") -> Object:
    """A container's state."""
    return {"state": {"waiting": {"reason": reason, "message": message}}}


def ended(reason: str, code: int = 1, seconds_ago: int = 30) -> Object:
    """How a container ended before."""
    finished = {"reason": reason, "exitCode": code, "finishedAt": ago(seconds_ago)}
    return {"lastState": {"terminated": finished}}


def event(about: Object, reason: str, message: str = "", seconds_ago: int = 10) -> Object:
    """An event about an object."""
    subject = {"kind": about["kind"], "name": raw.name_of(about), "uid": raw.uid_of(about)}
    return thing(
        "Event",
        f"{raw.name_of(about)}.{reason}",
        metadata={"namespace": raw.text(about, "metadata", "namespace") or "default"},
        involvedObject=subject,
        type="Warning",
        reason=reason,
        message=message,
        lastTimestamp=ago(seconds_ago),
    )
