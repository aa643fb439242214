"""The actions on pods, nodes and jobs, in the hands of a worker, on a live cluster."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
from clusters import Live
from temporalio.testing import ActivityEnvironment

from activities.kubernetes import Cluster, open_cluster
from activities.kubernetes.cordon import CordonAction, UncordonAction
from activities.kubernetes.delete_pod import DeletePodAction
from activities.kubernetes.drain import DrainAction
from activities.kubernetes.ensure import Brakes, Ensurer
from activities.kubernetes.evict import EvictPodAction
from activities.kubernetes.job_complete import JobCompleteCheck
from activities.kubernetes.jobs import DeleteJobAction
from activities.kubernetes.node_ready import NodeReadyCheck
from activities.kubernetes.pod_replaced import PodReplacedCheck
from activities.kubernetes.rerun import RerunJobAction
from activities.kubernetes.restore import RestoreAction
from activities.kubernetes.waiting import utc_now
from contracts.calls import EnsureCall
from contracts.plan import Plan
from contracts.step import CheckCall, CheckResult, Receipt, Step, StepCall
from contracts.target import Target
from guardrails import Storm
from sandbox import Fault
from toil.views import Pause

FAULT = "sandbox.firebreak/fault"
STARTING = ("", "ContainerCreating", "PodInitializing")
HOST = "kubernetes.io/hostname"
KEY = "inc-1/1/1"
BUDGET = "PodDisruptionBudget"
# A lock that no test outlives.
LATE = datetime(2100, 1, 1, tzinfo=UTC)
Object = dict[str, Any]


class WorkerKilled(BaseException):
    """Nothing in an activity catches it."""


@dataclass
class Switches:
    """Kill switches in memory. They are asked right before each write, and `on_ask` hears of it."""

    on: list[Pause] = field(default_factory=list)
    on_ask: Callable[[], object] = lambda: None

    def blocking(self, scopes: tuple[str, ...]) -> tuple[Pause, ...]:
        """Those that are on."""
        self.on_ask()
        return tuple(pause for pause in self.on if pause.scope in scopes)


@dataclass
class Sky:
    """The weather, in memory: the storm that is on, if one is. `on_ask` hears of each question."""

    on: Storm | None = None
    on_ask: Callable[[], object] = lambda: None

    def storm(self, cluster: str, incident: str, now: datetime) -> Storm | None:
        """What is on."""
        assert cluster
        assert incident
        assert now.tzinfo is not None
        self.on_ask()
        return self.on


class Hands:
    """Plans and ensures as a worker would, with the actor's rights; creates as a team would."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.namespace = live.namespace
        self.cluster: Cluster = open_cluster(live.kubeconfig_as("actor"), None)
        self.switches, self.sky = Switches(), Sky()
        self.brakes = Brakes(self.switches, self.sky)
        self.naps: list[float] = []
        self.heartbeats: list[Any] = []
        self.environment = ActivityEnvironment()
        self.environment.on_heartbeat = lambda *details: self.heartbeats.append(details)
        served = {"lab": self.cluster}
        ensurer = Ensurer(served, self.brakes, utc_now, self.sleep)
        self.evict = EvictPodAction(served, ensurer, self.sleep)
        self.delete = DeletePodAction(served, ensurer)
        self.cordon = CordonAction(served, ensurer)
        self.uncordon = UncordonAction(served, ensurer)
        self.drain = DrainAction(served, ensurer, utc_now, self.sleep)
        self.delete_job = DeleteJobAction(served, ensurer)
        self.rerun = RerunJobAction(served, ensurer)
        self.restore = RestoreAction(served, ensurer)
        self.replaced = PodReplacedCheck(served, utc_now, self.sleep)
        self.node_ready = NodeReadyCheck(served, utc_now, self.sleep)
        self.complete = JobCompleteCheck(served, utc_now, self.sleep)
        self.team = live.rest

    def sleep(self, seconds: float) -> None:
        """Remember how long was asked for, and wait no longer than a controller needs."""
        self.naps.append(seconds)
        Event().wait(min(seconds, 0.2))

    def close(self) -> None:
        """Close the connections."""
        self.cluster.close()

    # What a worker does

    def plan(self, action: Any, step: Step, key: str = KEY) -> Plan:
        """Plan a step now."""
        call: StepCall[Any] = StepCall(key=key, incident="inc-1", at=utc_now(), step=step)
        plan: Plan = self.environment.run(action.plan, call)
        return plan

    def ensure(
        self, action: Any, step: Step, plan: Plan, *, key: str = KEY, until: datetime = LATE
    ) -> Receipt:
        """Execute a plan."""
        call: EnsureCall[Any] = EnsureCall(
            key=key, incident="inc-1", runbook="any", step=step, plan=plan, expires_at=until
        )
        receipt: Receipt = self.environment.run(action.ensure, call)
        return receipt

    def act(self, action: Any, step: Step) -> Receipt:
        """Plan and execute."""
        return self.ensure(action, step, self.plan(action, step))

    def check(
        self, check: Any, step: Step, after: Receipt | None = None, within_seconds: int = 20
    ) -> CheckResult:
        """Run a check."""
        call: CheckCall[Any] = CheckCall(
            key=KEY,
            incident="inc-1",
            at=utc_now(),
            within_seconds=within_seconds,
            step=step,
            after=after,
        )
        result: CheckResult = self.environment.run(check.check, call)
        return result

    def retry(self) -> None:
        """From now on activities run as the second attempt of theirs, in a new worker."""
        self.environment = ActivityEnvironment()
        self.environment.info = replace(self.environment.info, attempt=2)

    def die_at_heartbeat(self, number: int) -> None:
        """Have the worker killed at that heartbeat from now."""
        left = [number]

        def beat(*_details: Any) -> None:
            left[0] -= 1
            if not left[0]:
                raise WorkerKilled

        self.environment.on_heartbeat = beat

    def fail(self, path_regex: str, kind: Any, verb: str = "create", **more: Any) -> None:
        """Arm a fault for what the actor sends."""
        times = more.pop("times", 1)
        fault = Fault(verb=verb, path_regex=path_regex, times=times, kind=kind, **more)
        self.live.faults.add(fault)

    def written(self) -> list[str]:
        """The effective writes in order, as `verb resource/subresource`."""
        done = [write for write in self.live.writes() if write.effective and not write.dry_run]
        return [
            f"{w.verb} {w.resource}{f'/{w.subresource}' if w.subresource else ''}" for w in done
        ]

    # What a team does

    def target(self, name: str, kind: str = "Deployment") -> Target:
        """A target in the test's namespace; a Node in none."""
        namespace = "" if kind == "Node" else self.namespace
        return Target(cluster="lab", namespace=namespace, kind=kind, name=name)

    def workload(
        self, name: str, kind: str = "Deployment", replicas: int = 2, **pod: Any
    ) -> Target:
        """Create one and wait for its pods; `pod` are fields of `template`."""
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template(name, **pod),
        } | ({"serviceName": name} if kind == "StatefulSet" else {})
        if kind == "DaemonSet":
            del spec["replicas"]
        self.team.create({"kind": kind, "metadata": {"name": name}, "spec": spec})
        self.live.wait(lambda: len(self.settled(name, pod.get("fault", ""))) >= replicas)
        self.live.wait(lambda: pod.get("fault") or self.counts(kind, name) == replicas)
        return self.target(name, kind)

    def pod(self, name: str, **pod: Any) -> str:
        """Create a pod without a controller."""
        made = template(name, **pod)
        metadata = {"name": name} | made["metadata"]
        self.team.create({"kind": "Pod", "metadata": metadata, "spec": made["spec"]})
        self.live.wait(lambda: self.settled(name))
        return name

    def settled(self, name: str, fault: str = "") -> list[Object]:
        """The pods that are as ready, or as sick, as they will be."""
        return [pod for pod in self.pods(name) if (is_sick(pod, fault) if fault else is_ready(pod))]

    def counts(self, kind: str, name: str) -> int:
        """How many pods its controller has counted as ready."""
        field = "numberReady" if kind == "DaemonSet" else "readyReplicas"
        status = self.team.read(kind, name).get("status") or {}
        return int(status.get(field) or 0)

    def pods(self, name: str) -> list[Object]:
        """The workload's pods that stay."""
        found = self.team.items("Pod", labelSelector=f"app={name}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def pod_of(self, target: Target) -> Object:
        """The first of its pods."""
        return min(self.pods(target.name), key=lambda pod: str(pod["metadata"]["name"]))

    def uids(self, target: Target) -> set[str]:
        """The uids of its pods."""
        return {pod["metadata"]["uid"] for pod in self.pods(target.name)}

    def budget(self, name: str, **rule: Any) -> None:
        """Create a disruption budget, and wait until its controller has counted."""
        spec = rule | {"selector": {"matchLabels": {"app": name}}}
        self.team.create({"kind": BUDGET, "metadata": {"name": name}, "spec": spec})
        self.live.wait(lambda: self.allowed(name) is not None)

    def allowed(self, name: str) -> int | None:
        """How many disruptions the budget allows now."""
        found = self.team.read(BUDGET, name)
        status = found.get("status") or {}
        counted = status.get("observedGeneration") == found["metadata"]["generation"]
        return status.get("disruptionsAllowed") if counted else None

    def remove_pod(self, name: str) -> None:
        """Delete a pod at once, as a person would."""
        self.team.delete("Pod", name, {"gracePeriodSeconds": 0})

    def fail_node(self, name: str) -> None:
        """Have a node's kubelet say that it is not ready."""
        self.team.patch("Node", name, {"metadata": {"labels": {FAULT: "not-ready"}}})
        self.live.wait(lambda: not is_ready(self.team.read("Node", name)))

    def heal(self, pod: str) -> None:
        """Have a pod report itself as ready, as its kubelet would; a real cluster only."""
        ready = [{"type": "Ready", "status": "True"}]
        self.team.patch("Pod", f"{pod}/status", {"status": {"conditions": ready}})

    def job(
        self, name: str, fault: str = "", owners: list[Object] | None = None, **spec: Any
    ) -> Target:
        """Create a job."""
        made = template(name, fault=fault)
        made["spec"]["restartPolicy"] = "Never"
        whole = {"backoffLimit": 0, "template": made} | spec
        metadata = {"name": name, "ownerReferences": owners or []}
        self.team.create({"kind": "Job", "metadata": metadata, "spec": whole})
        return self.target(name, "Job")

    def failed_job(self, name: str) -> Target:
        """Create a job and wait until it has failed."""
        target = self.job(name, fault="crash-loop")
        self.live.wait(lambda: self.has_failed(name))
        return target

    def has_failed(self, name: str) -> bool:
        """Whether a job says so."""
        return self._says(name, "Failed")

    def has_completed(self, name: str) -> bool:
        """Whether a job says so."""
        return self._says(name, "Complete")

    def _says(self, job: str, kind: str) -> bool:
        conditions = (self.team.read("Job", job).get("status") or {}).get("conditions") or []
        return any(c["type"] == kind and c["status"] == "True" for c in conditions)

    def jobs(self) -> list[Object]:
        """All jobs of the namespace that stay."""
        found = self.team.items("Job")
        return [job for job in found if "deletionTimestamp" not in job["metadata"]]

    def cron_job(self, name: str, **spec: Any) -> Target:
        """Create a CronJob that never starts by itself."""
        made = template(name)
        made["spec"]["restartPolicy"] = "Never"
        job = {"spec": {"backoffLimit": 0, "template": made}}
        whole = {"schedule": "0 0 31 2 *", "suspend": True, "jobTemplate": job} | spec
        self.team.create({"kind": "CronJob", "metadata": {"name": name}, "spec": whole})
        return self.target(name, "CronJob")


def template(
    name: str, *, fault: str = "", node: str = "", volumes: bool = False, priority: str = ""
) -> Object:
    """A pod template; `fault` as the clusters know it, `node` the only one that fits."""
    labels = {"app": name} | ({FAULT: fault} if fault else {})
    container: Object = {"name": "main", "image": "registry.example/main:1.0"}
    spec: Object = {"containers": [container], "terminationGracePeriodSeconds": 1}
    if node:
        spec["nodeSelector"] = {HOST: node}
    if volumes:
        spec["volumes"] = [{"name": "scratch", "emptyDir": {}}]
    if priority:
        spec["priorityClassName"] = priority
    return {"metadata": {"labels": labels}, "spec": spec}


def is_ready(pod: Object) -> bool:
    """Whether its kubelet says so."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def is_sick(pod: Object, fault: str) -> bool:
    """Whether its fault shows: a container says why it does not run, or that it runs unready."""
    found = (pod.get("status") or {}).get("containerStatuses") or [{}]
    state = found[0].get("state") or {}
    if fault == "never-ready":
        return not is_ready(pod) and "running" in state
    return (state.get("waiting") or {}).get("reason", "") not in STARTING


def name_of(pod: Object) -> str:
    """Its name."""
    return str(pod["metadata"]["name"])


@pytest.fixture(name="hands")
def hands_fixture(live: Live) -> Iterator[Hands]:
    """On both clusters."""
    hands = Hands(live)
    yield hands
    hands.close()


@pytest.fixture(name="real_hands")
def real_hands_fixture(real_cluster: Live) -> Iterator[Hands]:
    """On the real cluster, for what a team cannot do to the sandbox."""
    hands = Hands(real_cluster)
    yield hands
    hands.close()
