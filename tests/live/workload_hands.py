"""The actions on workloads, in the hands of a worker, on a live cluster."""

from collections.abc import Iterator
from typing import Any

import pytest
from clusters import Live

from activities.kubernetes.ensure import Ensurer
from activities.kubernetes.health import RolloutHealthyCheck
from activities.kubernetes.pausing import PauseRolloutAction, ResumeRolloutAction
from activities.kubernetes.readiness import ReplicasReadyCheck
from activities.kubernetes.restart import RolloutRestartAction
from activities.kubernetes.restore import RestoreAction
from activities.kubernetes.rollback import RollbackDeploymentAction
from activities.kubernetes.rollback_set import RollbackSetAction
from activities.kubernetes.scale import ScaleAction
from activities.kubernetes.waiting import utc_now
from contracts.kubernetes import ReplicasReady, Restore, RolloutHealthy
from contracts.step import CheckResult, Receipt
from contracts.target import Target
from live.hands import FAULT, Hands, template

Object = dict[str, Any]

HPA = "HorizontalPodAutoscaler"
GOOD, BAD = "registry.example/main:1.0", "registry.example/main:2.0"
KINDS = ("Deployment", "StatefulSet", "DaemonSet")


class WorkloadHands(Hands):
    """Restarts, scales, rolls back, pauses and restores; and what a team does to its workloads."""

    def __init__(self, live: Live) -> None:
        super().__init__(live)
        served = {"lab": self.cluster}
        ensurer = Ensurer(served, self.brakes, utc_now, self.sleep)
        self.restart = RolloutRestartAction(served, ensurer)
        self.scale = ScaleAction(served, ensurer)
        self.rollback = RollbackDeploymentAction(served, ensurer)
        self.rollback_set = RollbackSetAction(served, ensurer)
        self.pause = PauseRolloutAction(served, ensurer)
        self.resume = ResumeRolloutAction(served, ensurer)
        self.restore = RestoreAction(served, ensurer)
        self.health = RolloutHealthyCheck(served, utc_now, self.sleep)
        self.readiness = ReplicasReadyCheck(served, utc_now, self.sleep)

    # What a worker does

    def take_back(self, receipt: Receipt) -> Receipt:
        """Plan and execute a restore."""
        return self.act(self.restore, Restore(target=receipt.target, receipt=receipt))

    def healthy(self, target: Target, after: Receipt | None = None, **options: Any) -> CheckResult:
        """Run the check of a rollout, with no steady window."""
        within_seconds = options.pop("within_seconds", 20)
        step = RolloutHealthy(target=target, **({"steady_seconds": 0} | options))
        return self.check(self.health, step, after, within_seconds)

    def ready(
        self, target: Target, after: Receipt | None = None, at_least: int | None = None
    ) -> CheckResult:
        """Run the check of ready pods."""
        return self.check(self.readiness, ReplicasReady(target=target, at_least=at_least), after)

    # What a team does

    def fit(self, kind: str, name: str = "web") -> Target:
        """A healthy workload of that kind; a DaemonSet on a node of its own."""
        node = {"node": self.live.add_node()} if kind == "DaemonSet" else {}
        replicas = 1 if kind == "DaemonSet" else 2
        target = self.workload(name, kind, replicas, **node)
        return self.settle(target)

    def settle(self, target: Target) -> Target:
        """Wait until the controllers have said what there is."""
        self.live.wait(lambda: self.seen(target))
        return target

    def seen(self, target: Target) -> bool:
        """Whether the status is of the newest spec, and all pods are ready."""
        found = self.object_of(target)
        status = found.get("status") or {}
        wanted = found["spec"].get("replicas", status.get("desiredNumberScheduled"))
        ready = status.get("readyReplicas", status.get("numberReady"))
        available = status.get("availableReplicas", status.get("numberAvailable"))
        newest = status.get("observedGeneration") == found["metadata"]["generation"]
        return bool(newest and wanted and ready == wanted and available == wanted)

    def object_of(self, target: Target) -> Object:
        """As it is now."""
        return self.team.read(target.kind, target.name)

    def image(self, target: Target) -> str:
        """The image that its template asks for."""
        container = self.object_of(target)["spec"]["template"]["spec"]["containers"][0]
        return str(container["image"])

    def change(self, target: Target, spec: Object) -> None:
        """Merge something into its spec."""
        self.team.patch(target.kind, target.name, {"spec": spec})

    def spoil(self, target: Target) -> Target:
        """Release a version that crash-loops, and wait until its first pod does."""
        made = template(target.name, fault="crash-loop")
        kept = self.object_of(target)["spec"]["template"]["spec"]
        made["spec"] = kept | {"containers": [kept["containers"][0] | {"image": BAD}]}
        self.change(target, {"template": made})
        self.live.wait(lambda: self.sick(target))
        return target

    def sick(self, target: Target) -> list[str]:
        """The names of its pods that crash-loop."""
        return [pod["metadata"]["name"] for pod in self.pods(target.name) if _crashes(pod)]

    def mend(self, target: Target) -> None:
        """Take the fault out of its template, as a person would."""
        labels = {"metadata": {"labels": {FAULT: None}}}
        self.change(target, {"template": labels})

    def autoscaler(self, target: Target, low: int, high: int) -> None:
        """Give it a HorizontalPodAutoscaler, and wait until it works."""
        reference = {"apiVersion": "apps/v1", "kind": target.kind, "name": target.name}
        resource = {
            "name": "cpu",
            "target": {"type": "Utilization", "averageUtilization": 80},
        }
        spec = {
            "scaleTargetRef": reference,
            "minReplicas": low,
            "maxReplicas": high,
            "metrics": [{"type": "Resource", "resource": resource}],
        }
        manifest = {"apiVersion": "autoscaling/v2", "kind": HPA}
        self.team.create(manifest | {"metadata": {"name": target.name}, "spec": spec})

    def replicas(self, target: Target) -> int:
        """How many it wants."""
        return int(self.object_of(target)["spec"]["replicas"])


def _crashes(pod: Object) -> bool:
    containers = (pod.get("status") or {}).get("containerStatuses") or []
    return any(not status["ready"] and status["restartCount"] for status in containers)


@pytest.fixture(name="hands")
def hands_fixture(live: Live) -> Iterator[WorkloadHands]:
    """On both clusters."""
    hands = WorkloadHands(live)
    yield hands
    hands.close()


@pytest.fixture(name="real_hands")
def real_hands_fixture(real_cluster: Live) -> Iterator[WorkloadHands]:
    """On the real control plane alone."""
    hands = WorkloadHands(real_cluster)
    yield hands
    hands.close()
