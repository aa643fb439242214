"""The pods of a workload, and how sick each of them is.

`CrashLoopBackOff` flaps with `Running`, so a container that was restarted, is not ready and has a
last exit also counts as crash-looping. Of several sick containers the one is told whose sickness a
restart leaves. Containers for debugging make no pod sick. Nothing here repairs anything.
"""

from collections import Counter
from dataclasses import dataclass

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.raw import Object
from activities.kubernetes.revisions import Revision
from activities.kubernetes.workload import Workload, raw_pods

CRASH_LOOP = "CrashLoopBackOff"
OOM_KILLED = "OOMKilled"
UNREPAIRED_BY_RESTART = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "Unschedulable",
    }
)
UNREPAIRED_ENDS = frozenset({OOM_KILLED, "StartError", "ContainerCannotRun"})
_STARTING = frozenset({"ContainerCreating", "PodInitializing"})
_CRASHED_RESTARTS_MIN = 2


@dataclass(frozen=True)
class PodState:
    """One pod. `reason` is empty for a healthy one; `container` is the container it is about."""

    raw: Object
    name: str
    uid: str
    ready: bool
    restarts: int
    reason: str = ""
    container: str = ""
    last_reason: str = ""
    last_exit: str = ""

    @property
    def beyond_restart(self) -> str:
        """Why a new pod of the same template would be as sick, or the empty string. Exit code 137
        alone proves no lack of memory: the kubelet kills with it, too.
        """
        if self.ready:
            return ""
        if self.last_reason in UNREPAIRED_ENDS:
            return self.last_reason
        return self.reason if self.reason in UNREPAIRED_BY_RESTART else ""

    @property
    def rank(self) -> tuple[int, int, str]:
        """Sickest first: crash loops, then other reasons, then unready ones, then restarts."""
        severity = 0 if self.reason == CRASH_LOOP else 1 if self.reason else 2 if self.ready else 1
        return (severity, -self.restarts, self.name)

    def facts(self) -> Object:
        """What history may keep of it."""
        return {
            "pod": self.name,
            "ready": self.ready,
            "restarts": self.restarts,
            "reason": self.reason,
            "container": self.container,
            "last_reason": self.last_reason,
            "last_exit": self.last_exit,
        }


def pods_of(
    cluster: Cluster, namespace: str, workload: Workload, revisions: list[Revision]
) -> list[PodState]:
    """The pods that these revisions control and that are not going away, sickest first."""
    owners = {revision.uid for revision in revisions}
    found = cluster.list_all("Pod", namespace, labels=workload.selector)
    return _by_sickness([pod for pod in found if raw.controller_of(pod).get("uid") in owners])


def states_of(cluster: Cluster, namespace: str, workload: Workload) -> list[PodState]:
    """All pods of a workload that are not going away, sickest first."""
    return _by_sickness(raw_pods(cluster, namespace, workload))


def _by_sickness(pods: list[Object]) -> list[PodState]:
    staying = [pod for pod in pods if not raw.text(pod, "metadata", "deletionTimestamp")]
    return sorted((state_of(pod) for pod in staying), key=lambda state: state.rank)


def state_of(pod: Object) -> PodState:
    """Read one pod."""
    statuses = statuses_of(pod)
    worst = min((s for s in statuses if _reason(s)), key=_hope, default={})
    restarted = [status for status in statuses if _restarts(status)]
    crashed = worst or max(restarted, key=_restarts, default={})
    return PodState(
        raw=pod,
        name=raw.name_of(pod),
        uid=raw.uid_of(pod),
        ready=_is_ready(pod),
        restarts=sum(_restarts(s) for s in statuses),
        reason=_reason(worst) or _pod_reason(pod),
        container=raw.text(crashed, "name"),
        last_reason=raw.text(last_end(crashed), "reason"),
        last_exit=_last_exit(crashed),
    )


def beyond_restart(pods: list[PodState]) -> list[str]:
    """The reasons, sorted, for which a restart would leave some of these pods as sick as now."""
    return sorted({pod.beyond_restart for pod in pods} - {""})


def findings_of(pods: list[PodState]) -> list[str]:
    """Sentences about what is wrong, most frequent first; none for healthy pods."""
    reasons = Counter(pod.reason for pod in pods if pod.reason)
    said = [f"{_counted(n, len(pods))} in {reason}" for reason, n in reasons.most_common()]
    exits = Counter(pod.last_exit for pod in pods if pod.last_exit and not pod.ready)
    said += [f"last exit of {n} pod{'s' * (n > 1)}: {text}" for text, n in exits.most_common()]
    waiting = sum(1 for pod in pods if not pod.ready and not pod.reason)
    return said + ([f"{_counted(waiting, len(pods))} not ready"] if waiting else [])


def containers_of(pod: Object) -> list[str]:
    """The names of its containers, init containers and those for debugging last."""
    kinds = ("containers", "initContainers", "ephemeralContainers")
    containers = [container for kind in kinds for container in raw.items(pod, "spec", kind)]
    return [raw.text(container, "name") for container in containers]


def _counted(count: int, total: int) -> str:
    return f"{count} of {total} pods {'is' if count == 1 else 'are'}"


def statuses_of(pod: Object) -> list[Object]:
    """The states of its init containers and containers."""
    kinds = ("initContainerStatuses", "containerStatuses")
    return [status for kind in kinds for status in raw.items(pod, "status", kind)]


def _hope(status: Object) -> bool:
    """Whether a restart could mend what this container suffers from: such a one is told last."""
    hopeless = raw.text(last_end(status), "reason") in UNREPAIRED_ENDS
    return not (hopeless or _reason(status) in UNREPAIRED_BY_RESTART)


def _restarts(status: Object) -> int:
    return raw.number(status, "restartCount")


def _is_ready(pod: Object) -> bool:
    conditions = raw.items(pod, "status", "conditions")
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _reason(status: Object) -> str:
    """Why a container does not run, or the empty string."""
    waiting = raw.text(status, "state", "waiting", "reason")
    if waiting and waiting not in _STARTING:
        return waiting
    crashed = bool(_last_exit(status)) and not status.get("ready")
    return CRASH_LOOP if crashed and _restarts(status) >= _CRASHED_RESTARTS_MIN else ""


def _pod_reason(pod: Object) -> str:
    """What the pod itself says: evicted, or no node takes it."""
    conditions = raw.items(pod, "status", "conditions")
    scheduled = next((c for c in conditions if c.get("type") == "PodScheduled"), {})
    unschedulable = raw.text(scheduled, "reason") if scheduled.get("status") == "False" else ""
    return raw.text(pod, "status", "reason") or unschedulable


def last_end(status: Object) -> Object:
    """How a container ended last: now, before its last restart, or (an empty object) never."""
    ended = raw.mapping(status, "state", "terminated")
    return ended or raw.mapping(status, "lastState", "terminated")


def _last_exit(status: Object) -> str:
    """`OOMKilled (exit code 137)`."""
    ended = last_end(status)
    reason = raw.text(ended, "reason") or "Error"
    return f"{reason} (exit code {raw.number(ended, 'exitCode')})" if ended else ""
