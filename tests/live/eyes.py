"""The looks, in the eyes of a worker with the reader's rights, on a live cluster."""

from collections.abc import Iterator
from typing import Any

import pytest
from activities_kubernetes.shop import Shelf
from clusters import Live
from temporalio.testing import ActivityEnvironment

from activities.kubernetes import Cluster, open_cluster
from activities.kubernetes.waiting import utc_now
from contracts.step import Evidence, Look, StepCall
from contracts.target import Target

FAULT = "sandbox.firebreak/fault"
Object = dict[str, Any]
API = {"Job": "batch/v1", "ResourceQuota": "v1", "HorizontalPodAutoscaler": "autoscaling/v2"}
API |= {"PodDisruptionBudget": "policy/v1", "PodMetrics": "metrics.k8s.io/v1beta1"}
API |= {"ScaledObject": "keda.sh/v1alpha1"}


class Eyes:
    """Looks as a worker would; creates as a team would."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.cluster: Cluster = open_cluster(live.kubeconfig_as("reader"), None)
        self.environment = ActivityEnvironment()
        self.body = ""

    def close(self) -> None:
        """Close the connections."""
        self.cluster.close()

    def look(self, looking: Any, step: Look) -> Evidence:
        """Look once; `body` is what lies on the shelf then."""
        shelf = Shelf()
        call: StepCall[Any] = StepCall(key="inc-1/1/1", incident="inc-1", at=utc_now(), step=step)
        look = looking({"lab": self.cluster}, shelf).look
        evidence: Evidence = self.environment.run(look, call)
        self.body = shelf.body
        return evidence

    def facts(self, looking: Any, step: Look) -> Object:
        """What a look found."""
        return self.look(looking, step).facts

    def target(self, kind: str = "Deployment", name: str = "web") -> Target:
        """A target in the test's namespace; a Node in none."""
        namespace = "" if kind == "Node" else self.live.namespace
        return Target(cluster="lab", namespace=namespace, kind=kind, name=name)

    def create(self, kind: str, name: str = "web", **parts: Any) -> Object:
        """Create any object."""
        head = {"apiVersion": API.get(kind, "apps/v1"), "kind": kind}
        metadata = {"name": name} | parts.pop("metadata", {})
        return self.live.rest.create(head | {"metadata": metadata} | parts)

    def workload(
        self, kind: str = "Deployment", *, fault: str = "", replicas: int = 1, **pod: Any
    ) -> Target:
        """Create `web` and wait for the pods' states; `pod` are fields of their spec."""
        labels = {"app": "web"} | ({FAULT: fault} if fault else {})
        container = {"name": "main", "image": "registry.example/web:1.0"} | pod.pop("container", {})
        spec: Object = {"containers": [container], "terminationGracePeriodSeconds": 1} | pod
        body: Object = {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        }
        if kind != "DaemonSet":
            body["replicas"] = replicas
        if kind == "StatefulSet":
            body["serviceName"] = "web"
        self.create(kind, spec=body)
        return self.target(kind)

    def pods(self) -> list[Object]:
        """The pods of `web` that stay."""
        found = self.live.rest.items("Pod", labelSelector="app=web")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


@pytest.fixture(name="eyes")
def eyes_fixture(live: Live) -> Iterator[Eyes]:
    """On both clusters."""
    eyes = Eyes(live)
    yield eyes
    eyes.close()


@pytest.fixture(name="real_eyes")
def real_eyes_fixture(real_cluster: Live) -> Iterator[Eyes]:
    """On the real one alone."""
    eyes = Eyes(real_cluster)
    yield eyes
    eyes.close()
