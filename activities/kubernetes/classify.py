"""Why a pod is sick, in one word that steers: what may help depends on it, and a restart never
mends a wrong image, a bad configuration, or a limit that is too low.

Pure: objects and events in, a cause out. What is not understood has no cause, never a guess.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Literal

from activities.kubernetes import raw
from activities.kubernetes.pods import CRASH_LOOP, OOM_KILLED, PodState, last_end, statuses_of
from activities.kubernetes.raw import Object

Cause = Literal[
    "",
    "image",
    "config",
    "oom",
    "unschedulable",
    "quota",
    "crash_loop",
    "probe",
    "node",
    "evicted",
]
REMEDIES: dict[Cause, str] = {
    "": "",
    "image": "rollback",
    "config": "rollback",
    "oom": "rollback",
    "unschedulable": "person",
    "quota": "person",
    "crash_loop": "restart",
    "probe": "restart",
    "node": "none",
    "evicted": "none",
}
# Of equally frequent causes the one is told that a restart leaves, so the order above counts.
_ORDER = list(REMEDIES)
# Pods of the past: they may outnumber the living, and say nothing about them.
_PAST = ("node", "evicted")

_IMAGE = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "ImageInspectError",
    }
)
_CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_NEVER_RAN = frozenset({"StartError", "ContainerCannotRun"})
_UNSCHEDULABLE = frozenset({"Unschedulable", "SchedulingGated"})
_EVICTED = "Evicted"
_NODE = frozenset(
    {
        "NodeLost",
        "NodeShutdown",
        "Shutdown",
        "Terminated",
        "NodeAffinity",
        "Preempting",
        "UnexpectedAdmissionError",
    }
)
_NODE_PREFIX = "OutOf"  # OutOfcpu, OutOfmemory, OutOfpods: the kubelet had no room
UNHEALTHY = "Unhealthy"
FAILED_MOUNT = "FailedMount"
_KILLING_PROBES = ("Liveness probe", "Startup probe")
# A container that runs and is not ready fails a probe; before that it may just be starting.
STARTING_SECONDS = 60
# The kubelet forgets a container's back-off once it has run for ten minutes.
FLAPPING_SECONDS = 600
_FLAPPING_RESTARTS_MIN = 3


def cause_of(pod: PodState, warnings: Collection[Object], at: datetime) -> Cause:
    """Why a pod is sick, or the empty string. `warnings` are the pod's own events (none given
    makes the answer coarser, not wrong); `at` is now.
    """
    if raw.text(pod.raw, "status", "phase") == "Succeeded":
        return ""
    if pod.ready:
        return _cause_of_flapping(pod, at)
    return _of_pod(pod) or _of_container(pod, warnings) or _of_waiting(pod, warnings, at)


def needs_events(pod: PodState) -> bool:
    """Whether the pod's events could make its cause more exact."""
    return not pod.ready and pod.reason in ("", CRASH_LOOP) and not _of_pod(pod)


def ranked(causes: Counter[Cause]) -> dict[Cause, int]:
    """Each cause with its pods, most frequent first; pods of the past after the living."""
    known = [(cause, pods) for cause, pods in causes.items() if cause and pods]
    known.sort(key=lambda item: (item[0] in _PAST, -item[1], _ORDER.index(item[0])))
    return dict(known)


def cause_of_refusal(message: str) -> Cause:
    """Why the API server would not even create a pod."""
    return "quota" if "exceeded quota" in message else "config"


def _of_pod(pod: PodState) -> Cause:
    """What the pod says of itself."""
    reason, ready = raw.text(pod.raw, "status", "reason"), _condition(pod.raw, "Ready")
    if reason == _EVICTED:
        return "evicted"
    if reason in _NODE or reason.startswith(_NODE_PREFIX) or ready.get("status") == "Unknown":
        return "node"
    if pod.reason in _UNSCHEDULABLE:
        return "unschedulable"
    return "node" if _is_cut_off(pod.raw) else ""


def _of_container(pod: PodState, warnings: Collection[Object]) -> Cause:
    if pod.reason in _IMAGE:
        return "image"
    if pod.reason in _CONFIG or pod.last_reason in _NEVER_RAN:
        return "config"
    if pod.last_reason == OOM_KILLED:
        return "oom"
    if pod.reason == CRASH_LOOP:
        killed = any(_says(w, UNHEALTHY, _KILLING_PROBES) for w in warnings)
        return "probe" if killed else "crash_loop"
    return "crash_loop" if raw.text(pod.raw, "status", "phase") == "Failed" else ""


def _of_waiting(pod: PodState, warnings: Collection[Object], at: datetime) -> Cause:
    """Nothing has failed yet, but it does not become ready."""
    if any(_says(w, UNHEALTHY) for w in warnings):
        return "probe"
    if any(_says(w, FAILED_MOUNT) and "not found" in raw.text(w, "message") for w in warnings):
        return "config"
    # An init container is not ready while it works, however long that takes.
    running = [s for s in raw.items(pod.raw, "status", "containerStatuses") if not s.get("ready")]
    began = [raw.moment(s, "state", "running", "startedAt") for s in running]
    long = any(b and (at - b).total_seconds() >= STARTING_SECONDS for b in began)
    return "probe" if long else ""


def _cause_of_flapping(pod: PodState, at: datetime) -> Cause:
    """A container without a readiness probe is ready between its crashes."""
    for status in statuses_of(pod.raw):
        ended = raw.mapping(status, "lastState", "terminated")
        finished = raw.moment(ended, "finishedAt")
        lately = finished and (at - finished).total_seconds() < FLAPPING_SECONDS
        if lately and raw.number(status, "restartCount") >= _FLAPPING_RESTARTS_MIN:
            return "oom" if raw.text(last_end(status), "reason") == OOM_KILLED else "crash_loop"
    return ""


def _is_cut_off(pod: Object) -> bool:
    """Whether its node fell silent: then the pod is marked, without a reason, and its containers
    stay as they were last heard of.
    """
    statuses, ready = raw.items(pod, "status", "containerStatuses"), _condition(pod, "Ready")
    all_ready = bool(statuses) and all(s.get("ready") is True for s in statuses)
    return all_ready and ready.get("status") == "False" and not ready.get("reason")


def _condition(pod: Object, kind: str) -> Object:
    found = raw.items(pod, "status", "conditions")
    return next((c for c in found if c.get("type") == kind), {})


def _says(event: Object, reason: str, beginnings: tuple[str, ...] = ("",)) -> bool:
    said = raw.text(event, "message").startswith(beginnings)
    return said and raw.text(event, "reason") == reason
