"""Pods get a node: the fittest with the fewest pods, or a condition that says why none.

It must run under the store's lock.
"""

from collections import Counter
from datetime import datetime
from fractions import Fraction

from sandbox.events import Recorder
from sandbox.objects import (
    Object,
    copied,
    is_terminating,
    items_at,
    mapping_at,
    name_of,
    namespace_of,
    number_at,
    text_at,
    timestamp,
)
from sandbox.placing import refusal
from sandbox.pods import condition_of, is_finished
from sandbox.profile import script_of
from sandbox.quantities import pod_total, quantity
from sandbox.resources import NODES, PODS
from sandbox.store import Store

_SOURCE = "default-scheduler"


class Scheduler:
    """Binds what is not bound yet."""

    def __init__(self, store: Store, events: Recorder) -> None:
        self._store = store
        self._events = events

    def tick(self, now: datetime) -> None:
        """One pass over all pods without a node."""
        pods = self._store.peek(PODS)
        waiting = [copied(pod) for pod in pods if not _node_of(pod) and not is_terminating(pod)]
        if not waiting:
            return
        nodes = self._store.peek(NODES)
        placed = [pod for pod in pods if _node_of(pod) and not is_finished(pod)]
        for pod in waiting:
            if self._place(pod, nodes, placed, now):
                placed.append(pod)

    def _place(self, pod: Object, nodes: list[Object], placed: list[Object], now: datetime) -> bool:
        reasons = {name_of(node): _reason(pod, node, placed) for node in nodes}
        fit = [name for name, reason in reasons.items() if not reason]
        if not fit:
            self._refuse(pod, Counter(reasons.values()), now)
            return False
        load = Counter(_node_of(other) for other in placed)
        pod["spec"]["nodeName"] = min(fit, key=lambda name: (load[name], name))
        _set_scheduled(pod, {"status": "True"}, now)
        pod.update(self._store.replace_status(PODS, pod))
        subject = f"{namespace_of(pod)}/{name_of(pod)}"
        message = f"Successfully assigned {subject} to {_node_of(pod)}"
        self._events.record(pod, ("Normal", "Scheduled", message), _SOURCE, now)
        return True

    def _refuse(self, pod: Object, reasons: Counter[str], now: datetime) -> None:
        message = _explained(reasons)
        if condition_of(pod, "PodScheduled").get("message") == message:
            return
        told = {"status": "False", "reason": "Unschedulable", "message": message}
        _set_scheduled(pod, told, now)
        self._store.replace_status(PODS, pod)
        self._events.record(pod, ("Warning", "FailedScheduling", message), _SOURCE, now)


def _node_of(pod: Object) -> str:
    return text_at(pod, "spec", "nodeName")


def _reason(pod: Object, node: Object, placed: list[Object]) -> str:
    if not script_of(pod).placed:
        return "Insufficient memory"
    return refusal(pod, node) or _shortage(pod, node, placed)


def _shortage(pod: Object, node: Object, placed: list[Object]) -> str:
    there = [other for other in placed if _node_of(other) == name_of(node)]
    room = mapping_at(node, "status", "allocatable")
    if len(there) >= quantity(room.get("pods", 110)):
        return "Too many pods"
    for name in ("cpu", "memory"):
        wanted = pod_total(pod, "requests", name)
        used = sum((pod_total(other, "requests", name) for other in there), Fraction(0))
        if wanted and used + wanted > quantity(room.get(name, 0)):
            return f"Insufficient {name}"
    return ""


def _explained(reasons: Counter[str]) -> str:
    total = sum(reasons.values())
    if not total:
        return "no nodes available to schedule pods"
    told = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
    helpless = "Preemption is not helpful for scheduling."
    return (
        f"0/{total} nodes are available: {told}. no new claims to deallocate, preemption: "
        f"0/{total} nodes are available: {total} {helpless}"
    )


def _set_scheduled(pod: Object, told: Object, now: datetime) -> None:
    others = [item for item in items_at(pod, "status", "conditions") if not _is_scheduling(item)]
    fresh: Object = {"type": "PodScheduled", "lastProbeTime": None}
    fresh["lastTransitionTime"] = timestamp(now)
    fresh["observedGeneration"] = number_at(pod, "metadata", "generation")
    pod["status"]["conditions"] = [*others, fresh | told]


def _is_scheduling(condition: Object) -> bool:
    return bool(condition["type"] == "PodScheduled")
