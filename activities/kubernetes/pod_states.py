"""The look at what is wrong with a workload's pods, as causes that steer.

    cause          what it means                                            what may help
    image          the image cannot be pulled                               rollback
    config         the container cannot be made, or names what is missing   rollback
    oom            killed at its memory limit                               rollback
    unschedulable  no node takes it                                         a person
    quota          the namespace has no room: the pod was never created     a person
    crash_loop     it starts, and ends again                                restart
    probe          it runs, and fails its probes                            restart
    node           its node failed, or had no room                          nothing
    evicted        its node put it out                                      nothing

A restart makes new pods of the same template: it never mends an image, a configuration or a
limit. Pods of the last two kinds are replaced by their controller without anybody's help.
"""

from collections import Counter
from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.classify import (
    REMEDIES,
    Cause,
    cause_of,
    cause_of_refusal,
    needs_events,
    ranked,
)
from activities.kubernetes.client import Cluster
from activities.kubernetes.events import events_about
from activities.kubernetes.evidence import Cleaner, Shelf, head, keep
from activities.kubernetes.pods import PodState, states_of, statuses_of
from activities.kubernetes.raw import Object
from activities.kubernetes.refusals import refusal_of
from activities.kubernetes.workload import WITH_PODS, Workload, cluster_of, read_workload
from contracts.kubernetes import PodStates
from contracts.step import BODY_BYTES_MAX, EXCERPT_BYTES_MAX, Evidence, StepCall

# So many pods are asked for their events; the others are classified without.
ASKED_PODS_MAX = 10
SAID_CHARS_MAX = 300


class PodStatesLook:
    """`kubernetes.pod_states`."""

    def __init__(self, clusters: Mapping[str, Cluster], shelf: Shelf) -> None:
        self._clusters = clusters
        self._shelf = shelf

    @activity.defn(name=PodStates.activity)
    def look(self, call: StepCall[PodStates]) -> Evidence:
        """Raises NotFound, Unavailable, Rejected, or InvalidInput for a kind without pods."""
        step, target = call.step, call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        workload = read_workload(cluster, target, WITH_PODS)
        pods = states_of(cluster, target.namespace, workload)
        causes = _causes(cluster, call, pods)
        refusal = refusal_of(cluster, target.namespace, workload, len(pods))
        counted = Counter(causes)
        if refusal.pods:
            counted[cause_of_refusal(refusal.said)] += refusal.pods
        facts = _facts(list(zip(pods, causes, strict=True))[: step.pods_max], pods, ranked(counted))
        body = _body(workload, list(zip(pods, causes, strict=True)), refusal.said)
        cause = facts["cause"] or "nothing that explains itself"
        title = f"{facts['pods_ready']} of {len(pods)} pods of {target} ready: {cause}"
        return keep(self._shelf, call, title, (body, head(body, EXCERPT_BYTES_MAX)), facts)


def _causes(cluster: Cluster, call: StepCall[PodStates], pods: list[PodState]) -> list[Cause]:
    asked = [pod.uid for pod in pods if needs_events(pod)][:ASKED_PODS_MAX]
    namespace = call.step.target.namespace
    told = {uid: events_about(cluster, namespace, uid) for uid in asked}
    return [cause_of(pod, told.get(pod.uid, []), call.at) for pod in pods]


def _facts(
    shown: list[tuple[PodState, Cause]], pods: list[PodState], causes: dict[Cause, int]
) -> Object:
    cause: Cause = next(iter(causes), "")
    return {
        "pods_total": len(pods),
        "pods_ready": sum(pod.ready for pod in pods),
        "pods": [pod.facts() | {"cause": why} for pod, why in shown],
        "causes": dict(causes),
        "cause": cause,
        "remedy": REMEDIES[cause],
    }


def _body(workload: Workload, pods: list[tuple[PodState, Cause]], refusal: str) -> str:
    clean = Cleaner([workload.template, *(pod.raw for pod, _ in pods)])
    lines = [_line(pod, cause, clean) for pod, cause in pods]
    if refusal:
        lines.insert(0, f"pods were refused: {clean(refusal)[:SAID_CHARS_MAX]}")
    return head("\n".join(lines) or "No pods.", BODY_BYTES_MAX)


def _line(pod: PodState, cause: Cause, clean: Cleaner) -> str:
    node = raw.text(pod.raw, "spec", "nodeName") or "no node"
    words = [
        pod.name,
        "ready" if pod.ready else "not ready",
        f"on {node}",
        f"restarts {pod.restarts}",
        f"cause {cause}" if cause else "",
        f"{pod.container} {pod.reason}".strip() if pod.reason else "",
        f"last exit {pod.last_exit}" if pod.last_exit else "",
        clean(_said(pod))[:SAID_CHARS_MAX].replace("\n", " "),
    ]
    return ", ".join(word for word in words if word)


def _said(pod: PodState) -> str:
    """What the kubelet or the scheduler wrote about the sick container, or about the pod."""
    waiting = (raw.text(s, "state", "waiting", "message") for s in statuses_of(pod.raw))
    conditions = raw.items(pod.raw, "status", "conditions")
    scheduled = (raw.text(c, "message") for c in conditions if c.get("status") == "False")
    about = raw.text(pod.raw, "status", "message")
    return about or next((text for text in (*waiting, *scheduled) if text), "")
