"""The look at logs: the sickest pods first, from before their last restart and from now.

A missing log is normal (a container that never started, never crashed, or is gone) and becomes a
line of the evidence. Text is decoded with replacement characters and cleaned before it is cut.
"""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes.client import LOG_BYTES_MAX, Cluster
from activities.kubernetes.evidence import Cleaner, Shelf, keep, tail
from activities.kubernetes.pods import (
    CRASH_LOOP,
    PodState,
    beyond_restart,
    containers_of,
    states_of,
)
from activities.kubernetes.raw import Object
from activities.kubernetes.workload import WITH_PODS, cluster_of, read_workload
from contracts.errors import NotFound, Rejected
from contracts.kubernetes import PodLogs
from contracts.redact import TEXT_CHARS_MAX
from contracts.step import BODY_BYTES_MAX, Evidence, StepCall

CONTAINERS_MAX = 4
_HEADING_BYTES = 512


class PodLogsLook:
    """`kubernetes.pod_logs`."""

    def __init__(self, clusters: Mapping[str, Cluster], shelf: Shelf) -> None:
        self._clusters = clusters
        self._shelf = shelf

    @activity.defn(name=PodLogs.activity)
    def look(self, call: StepCall[PodLogs]) -> Evidence:
        """Raises NotFound, Unavailable, Rejected, or InvalidInput for a kind without pods."""
        step, target = call.step, call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        workload = read_workload(cluster, target, WITH_PODS)
        pods = states_of(cluster, target.namespace, workload)
        chosen = pods[: step.pods_max]
        wanted = [w for pod in chosen for w in _wanted(pod)]
        bytes_max = BODY_BYTES_MAX // max(1, len(wanted)) - _HEADING_BYTES
        sections = [_section(cluster, step, w, bytes_max) for w in wanted]
        body = "\n".join(sections) or f"{target} has no pods."
        quoted = next((text for text in sections if not _is_empty(text)), body)
        title = f"Logs of {len(chosen)} of {len(pods)} pods of {target}"
        return keep(self._shelf, call, title, (body, quoted), _facts(pods, chosen))


Wanted = tuple[PodState, str, bool]


def _wanted(pod: PodState) -> list[Wanted]:
    """Which logs of a pod: the sick container first, and each from before its restart first."""
    names = sorted(containers_of(pod.raw), key=lambda name: name != pod.container)
    before = [True, False] if pod.restarts else [False]
    return [(pod, name, previous) for name in names[:CONTAINERS_MAX] for previous in before]


def _section(cluster: Cluster, step: PodLogs, wanted: Wanted, bytes_max: int) -> str:
    pod, container, previous = wanted
    when = "before its last restart" if previous else "now"
    heading = f"== {pod.name} {container}, {when} (restarts {pod.restarts}) =="
    try:
        text = cluster.logs(
            step.target.namespace, pod.name, container, previous=previous, lines=step.lines
        )
    except (NotFound, Rejected) as missing:
        return f"{heading}\n{_NO_LOG} {missing.message}\n"
    newest = tail(_whole_lines(text), TEXT_CHARS_MAX)
    return f"{heading}\n{tail(Cleaner([pod.raw])(newest), bytes_max)}\n"


_NO_LOG = "(no log)"


def _is_empty(section: str) -> bool:
    text = section.partition("\n")[2].strip()
    return not text or text.startswith(_NO_LOG)


def _whole_lines(text: str) -> str:
    """Without the last line when the server cut it at its limit: half a secret has no pattern."""
    if len(text.encode()) < LOG_BYTES_MAX:
        return text
    return text.rpartition("\n")[0]


def _facts(pods: list[PodState], chosen: list[PodState]) -> Object:
    return {
        "pods": [pod.facts() for pod in chosen],
        "pods_total": len(pods),
        "pods_ready": sum(pod.ready for pod in pods),
        "pods_crash_looping": sum(pod.reason == CRASH_LOOP for pod in pods),
        "beyond_restart": beyond_restart(pods),
    }
