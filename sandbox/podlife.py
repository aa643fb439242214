"""What a kubelet would do: pods that have a node start, become ready, crash, end.

A fault is written into the template, as an annotation, so that it belongs to a revision and goes
when the revision goes. Times are compressed (`Pace`), states and their order are not.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.containers import (
    CONFIG_ERROR,
    CRASH_BACK_OFF,
    PULL_BACK_OFF,
    PULL_FAILED,
    Container,
    Pace,
)
from sandbox.events import Recorder
from sandbox.logs import Line
from sandbox.nodes import UNREACHABLE_FAULT, is_node_ready
from sandbox.objects import (
    Object,
    is_terminating,
    items_at,
    name_of,
    namespace_of,
    number_at,
    text_at,
    timestamp,
    uid_of,
)
from sandbox.pods import condition_of, is_finished
from sandbox.profile import fault_of, pace_of, script_of
from sandbox.resources import NODES, PODS
from sandbox.store import Store

_KEPT = ("PodScheduled", "DisruptionTarget")
_HOST_IP = "127.0.0.1"


@dataclass
class Life:
    """What is remembered of a pod beyond its object."""

    born_at: datetime
    address: str
    containers: list[Container]
    conditions: dict[str, tuple[bool, str]] = field(default_factory=dict)
    ending_at: datetime | None = None


class PodLife:
    """The kubelets of all nodes; also the source of logs."""

    def __init__(self, store: Store, events: Recorder, pace: Pace) -> None:
        self._store = store
        self._events = events
        self._pace = pace
        self._lives: dict[str, Life] = {}
        self._addresses = 0

    def tick(self, now: datetime) -> None:
        """One pass over all pods; what was gone is forgotten."""
        pods = self._store.list(PODS)
        nodes = {name_of(node): node for node in self._store.peek(NODES)}
        for pod in pods:
            node = nodes.get(text_at(pod, "spec", "nodeName"))
            # A node that nobody hears of starts nothing and ends nothing.
            if node is not None and fault_of(node) != UNREACHABLE_FAULT:
                self._live(pod, now, node_ready=is_node_ready(node))
            elif node is not None and not is_terminating(pod):
                self._lose(pod, now)
        present = {uid_of(pod) for pod in pods}
        self._lives = {uid: life for uid, life in self._lives.items() if uid in present}

    def log(self, pod_uid: str, container: str, *, previous: bool) -> list[Line] | None:
        """The lines of the instance, or None when there was no such instance."""
        life = self._lives.get(pod_uid)
        found = [item for item in life.containers if item.name == container] if life else []
        return found[0].lines(previous=previous) if found else None

    def _lose(self, pod: Object, now: datetime) -> None:
        """What the node controller writes about pods that it cannot ask."""
        life = self._lives.get(uid_of(pod))
        if life is not None and not is_finished(pod):
            pod["status"]["conditions"] = _conditions(pod, life, now, all_ready=False)
            self._store.replace_status(PODS, pod)

    def _live(self, pod: Object, now: datetime, *, node_ready: bool) -> None:
        life = self._lives.get(uid_of(pod))
        if life is None:
            life = self._lives[uid_of(pod)] = self._born(pod, now)
        if is_terminating(pod):
            self._end(pod, life, now)
            return
        # A fault may also come over a pod that was well.
        life.containers[0].follow(script_of(pod))
        for container in life.containers:
            for transition in container.advance(now):
                for what in _told(pod, container, transition.reason):
                    self._tell(pod, what, transition.at)
        pod["status"] = _status(pod, life, now, node_ready=node_ready)
        self._store.replace_status(PODS, pod)

    def _born(self, pod: Object, now: datetime) -> Life:
        self._addresses += 1
        first, *others = items_at(pod, "spec", "containers")
        # The fault hits the first container; side-cars go on running, as they do in real life.
        seed, pace = uid_of(pod), pace_of(pod, self._pace)
        restarts = text_at(pod, "spec", "restartPolicy")
        containers = [Container(first, seed, pace, now, script_of(pod), restarts=restarts)]
        containers += [Container(item, seed, pace, now) for item in others]
        high, low = divmod(self._addresses, 250)
        return Life(now, f"10.244.{high % 250}.{low + 2}", containers)

    def _end(self, pod: Object, life: Life, now: datetime) -> None:
        if life.ending_at is None:
            grace = number_at(pod, "metadata", "deletionGracePeriodSeconds")
            seconds = min(float(grace), self._pace.terminate_seconds)
            life.ending_at = now + timedelta(seconds=seconds)
            names = ", ".join(item.name for item in life.containers)
            self._tell(pod, ("Normal", "Killing", f"Stopping container {names}"), now)
        if now >= life.ending_at:
            self._store.remove(PODS, namespace_of(pod), name_of(pod))

    def _tell(self, pod: Object, what: tuple[str, str, str], at: datetime) -> None:
        self._events.record(pod, what, "kubelet", at)


def _told(pod: Object, container: Container, reason: str) -> list[tuple[str, str, str]]:
    """The events of a transition, as the kubelet words them: (type, reason, message)."""
    image = container.image
    subject = f"container {container.name} in pod {name_of(pod)}_{namespace_of(pod)}"
    events = {
        "Started": [("Normal", "Started", f"Started container {container.name}")],
        "Ended": [],
        CONFIG_ERROR: [("Warning", "Failed", f"Error: {container.config_error}")],
        CRASH_BACK_OFF: [
            ("Warning", "BackOff", f"Back-off restarting failed {subject}({uid_of(pod)})")
        ],
        "Unhealthy": [
            (
                "Warning",
                "Unhealthy",
                "Readiness probe failed: HTTP probe failed with statuscode: 503",
            )
        ],
        PULL_FAILED: [
            ("Normal", "Pulling", f'Pulling image "{image}"'),
            ("Warning", "Failed", f'Failed to pull image "{image}": {container.pull_error}'),
            ("Warning", "Failed", f"Error: {PULL_FAILED}"),
        ],
        PULL_BACK_OFF: [
            ("Normal", "BackOff", f'Back-off pulling image "{image}"'),
            ("Warning", "Failed", f"Error: {PULL_BACK_OFF}"),
        ],
    }
    return events[reason]


def _status(pod: Object, life: Life, now: datetime, *, node_ready: bool) -> Object:
    all_ready = node_ready and all(item.is_ready for item in life.containers)
    started = any(item.has_started for item in life.containers)
    status: Object = {
        "phase": _phase(life, started=started),
        "conditions": _conditions(pod, life, now, all_ready=all_ready),
        "hostIP": _HOST_IP,
        "startTime": timestamp(life.born_at),
        "containerStatuses": [item.status() for item in life.containers],
        "qosClass": pod["status"].get("qosClass", "BestEffort"),
    }
    if started:
        status |= {"podIP": life.address, "podIPs": [{"ip": life.address}]}
    return status


def _phase(life: Life, *, started: bool) -> str:
    """A pod is over when its first container is: side-cars of a Job are not played."""
    code = life.containers[0].exit_code
    if code is not None:
        return "Failed" if code else "Succeeded"
    return "Running" if started else "Pending"


def _conditions(pod: Object, life: Life, now: datetime, *, all_ready: bool) -> list[Object]:
    """Those of the kubelet, and those that others set."""
    wanted = {
        "PodReadyToStartContainers": True,
        "Initialized": True,
        "Ready": all_ready,
        "ContainersReady": all_ready,
    }
    for kind, value in wanted.items():
        if life.conditions.get(kind, (None, ""))[0] != value:
            life.conditions[kind] = (value, timestamp(now))
    own = [_condition(life, kind, *life.conditions[kind]) for kind in wanted]
    return own + [found for kind in _KEPT if (found := condition_of(pod, kind))]


def _condition(life: Life, kind: str, value: bool, since: str) -> Object:
    found: Object = {"type": kind, "status": "True" if value else "False"}
    found |= {"lastProbeTime": None, "lastTransitionTime": since}
    if not value:
        unready = " ".join(item.name for item in life.containers if not item.is_ready)
        message = f"containers with unready status: [{unready}]"
        found |= {"reason": "ContainersNotReady", "message": message}
    return found
