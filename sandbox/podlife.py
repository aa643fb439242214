"""What a kubelet would do: pods get scheduled, start, become ready, crash, end.

A fault is written into the template, as an annotation, so that it belongs to a revision and goes
when the revision goes. Times are compressed (`Pace`), states and their order are not.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.containers import (
    CRASH_BACK_OFF,
    PULL_BACK_OFF,
    PULL_FAILED,
    Container,
    Pace,
)
from sandbox.events import Recorder
from sandbox.logs import Line
from sandbox.objects import (
    Object,
    is_terminating,
    items_at,
    name_of,
    namespace_of,
    number_at,
    timestamp,
    uid_of,
)
from sandbox.profile import pace_of, script_of
from sandbox.resources import PODS
from sandbox.store import Store

NODE = "sandbox-node"
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
    """The kubelet of the only node; also the source of logs."""

    def __init__(self, store: Store, events: Recorder, pace: Pace) -> None:
        self._store = store
        self._events = events
        self._pace = pace
        self._lives: dict[str, Life] = {}
        self._addresses = 0

    def tick(self, now: datetime) -> None:
        """One pass over all pods; what was gone is forgotten."""
        pods = self._store.list(PODS)
        for pod in pods:
            self._live(pod, now)
        present = {uid_of(pod) for pod in pods}
        self._lives = {uid: life for uid, life in self._lives.items() if uid in present}

    def log(self, pod_uid: str, container: str, *, previous: bool) -> list[Line] | None:
        """The lines of the instance, or None when there was no such instance."""
        life = self._lives.get(pod_uid)
        found = [item for item in life.containers if item.name == container] if life else []
        return found[0].lines(previous=previous) if found else None

    def _live(self, pod: Object, now: datetime) -> None:
        life = self._lives.get(uid_of(pod))
        if life is None:
            life = self._lives[uid_of(pod)] = self._born(pod, now)
            self._tell(pod, ("Normal", "Scheduled", _scheduled(pod)), now)
        if is_terminating(pod):
            self._end(pod, life, now)
            return
        for container in life.containers:
            for transition in container.advance(now):
                for what in _told(pod, container, transition.reason):
                    self._tell(pod, what, transition.at)
        pod["spec"]["nodeName"] = NODE
        pod["status"] = _status(pod, life, now)
        self._store.replace_status(PODS, pod)

    def _born(self, pod: Object, now: datetime) -> Life:
        self._addresses += 1
        first, *others = items_at(pod, "spec", "containers")
        # The fault hits the first container; side-cars go on running, as they do in real life.
        seed, pace = uid_of(pod), pace_of(pod, self._pace)
        containers = [Container(first, seed, pace, now, script_of(pod))]
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
        source = "default-scheduler" if what[1] == "Scheduled" else "kubelet"
        self._events.record(pod, what, source, at)


def _told(pod: Object, container: Container, reason: str) -> list[tuple[str, str, str]]:
    """The events of a transition, as the kubelet words them: (type, reason, message)."""
    image = container.image
    subject = f"container {container.name} in pod {name_of(pod)}_{namespace_of(pod)}"
    events = {
        "Started": [("Normal", "Started", f"Started container {container.name}")],
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


def _scheduled(pod: Object) -> str:
    return f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {NODE}"


def _status(pod: Object, life: Life, now: datetime) -> Object:
    all_ready = all(item.is_ready for item in life.containers)
    started = any(item.has_started for item in life.containers)
    status: Object = {
        "phase": "Running" if started else "Pending",
        "conditions": _conditions(life, all_ready, now),
        "hostIP": _HOST_IP,
        "startTime": timestamp(life.born_at),
        "containerStatuses": [item.status() for item in life.containers],
        "qosClass": pod["status"].get("qosClass", "BestEffort"),
    }
    if started:
        status |= {"podIP": life.address, "podIPs": [{"ip": life.address}]}
    return status


def _conditions(life: Life, all_ready: bool, now: datetime) -> list[Object]:
    wanted = {
        "PodReadyToStartContainers": True,
        "Initialized": True,
        "Ready": all_ready,
        "ContainersReady": all_ready,
        "PodScheduled": True,
    }
    for kind, value in wanted.items():
        if life.conditions.get(kind, (None, ""))[0] != value:
            life.conditions[kind] = (value, timestamp(now))
    return [_condition(life, kind, *life.conditions[kind]) for kind in wanted]


def _condition(life: Life, kind: str, value: bool, since: str) -> Object:
    found: Object = {"type": kind, "status": "True" if value else "False"}
    found |= {"lastProbeTime": None, "lastTransitionTime": since}
    if not value:
        unready = " ".join(item.name for item in life.containers if not item.is_ready)
        message = f"containers with unready status: [{unready}]"
        found |= {"reason": "ContainersNotReady", "message": message}
    return found
