"""The nodes of the sandbox: made, cordoned, and now and then not there.

What a node agent and the node controller do: conditions, taints, and pods that go when their node
has been away for longer than they bear. A node's fault is a label or an annotation, as a pod's is.
It must run under the store's lock.
"""

from datetime import datetime, timedelta

from sandbox.deletion import delete_pod
from sandbox.events import Recorder
from sandbox.objects import (
    Object,
    copied,
    dig,
    is_terminating,
    items_at,
    mapping_at,
    name_of,
    parse_timestamp,
    text_at,
    timestamp,
)
from sandbox.placing import NOT_READY, UNREACHABLE, UNSCHEDULABLE, toleration_for
from sandbox.pods import condition_of
from sandbox.profile import fault_of
from sandbox.resources import NODES, PODS
from sandbox.store import Store

NAMES = ("sandbox-node", "sandbox-node-2", "sandbox-node-3")
NOT_READY_FAULT, UNREACHABLE_FAULT = "not-ready", "unreachable"
_ROOM = {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "100Gi"}
_PRESSURES = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
}
_LOST = ("NodeStatusUnknown", "Kubelet stopped posting node status.")
_OWN_TAINTS = {NOT_READY, UNREACHABLE, UNSCHEDULABLE}


def new_node(name: str, *, control_plane: bool = False) -> Object:
    """A node as its agent registers it."""
    labels = {
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
    }
    spec: Object = {}
    if control_plane:
        labels["node-role.kubernetes.io/control-plane"] = ""
        effect = {"effect": "NoSchedule"}
        spec["taints"] = [{"key": "node-role.kubernetes.io/control-plane"} | effect]
    return {"metadata": {"name": name, "labels": labels}, "spec": spec, "status": {}}


def is_node_ready(node: Object) -> bool:
    """Whether the agent of the node says that it is well."""
    return condition_of(node, "Ready").get("status") == "True"


class NodeController:
    """The agents of all nodes, and the controller that watches them."""

    def __init__(self, store: Store, events: Recorder) -> None:
        self._store = store
        self._events = events

    def tick(self, now: datetime) -> None:
        """Conditions, then taints, then the pods that have borne enough."""
        for node in self._store.list(NODES):
            self._report(node, now)
            node = self._taint(node, now)  # noqa: PLW2901 - the newer version of the same
            self._evict(node, now)

    def _report(self, node: Object, now: datetime) -> None:
        before = condition_of(node, "Ready").get("status")
        node["status"] = _status(node, now)
        node.update(self._store.replace_status(NODES, node))
        after = condition_of(node, "Ready").get("status")
        if before not in {None, after}:
            word = "NodeReady" if after == "True" else "NodeNotReady"
            message = f"Node {name_of(node)} status is now: {word}"
            self._events.record(node, ("Normal", word, message), "node-controller", now)

    def _taint(self, node: Object, now: datetime) -> Object:
        present = items_at(node, "spec", "taints")
        wanted = _wanted_taints(node)
        kept = [
            item
            for item in present
            if item["key"] not in _OWN_TAINTS or (item["key"], item["effect"]) in wanted
        ]
        have = {(item["key"], item["effect"]) for item in kept}
        since = {"timeAdded": timestamp(now)}
        kept += [
            {"key": key, "effect": effect} | since
            for key, effect in wanted
            if (key, effect) not in have
        ]
        node["spec"].pop("taints", None)
        if kept:
            node["spec"]["taints"] = kept
        return self._store.replace(NODES, node)

    def _evict(self, node: Object, now: datetime) -> None:
        taints = [item for item in items_at(node, "spec", "taints") if _evicts(item)]
        if not taints:
            return
        for pod in self._store.peek(PODS):
            if text_at(pod, "spec", "nodeName") != name_of(node) or is_terminating(pod):
                continue
            if any(_is_over(pod, taint, now) for taint in taints):
                delete_pod(self._store, copied(pod), None, now)


def _evicts(taint: Object) -> bool:
    return taint.get("effect") == "NoExecute"


def _is_over(pod: Object, taint: Object, now: datetime) -> bool:
    bears = toleration_for(mapping_at(pod, "spec"), taint)
    if bears is None:
        return True
    seconds = bears.get("tolerationSeconds")
    if seconds is None:
        return False
    since = parse_timestamp(text_at(taint, "timeAdded"))
    return since + timedelta(seconds=seconds) <= now


def _wanted_taints(node: Object) -> list[tuple[str, str]]:
    wanted = [(UNSCHEDULABLE, "NoSchedule")] if dig(node, "spec", "unschedulable") else []
    status = condition_of(node, "Ready").get("status")
    key = {"False": NOT_READY, "Unknown": UNREACHABLE}.get(str(status))
    return wanted + ([(key, "NoSchedule"), (key, "NoExecute")] if key else [])


def _status(node: Object, now: datetime) -> Object:
    """Heartbeats are not counted: a condition changes only when something happens."""
    fault, status = fault_of(node), mapping_at(node, "status")
    room = dict(status.get("capacity") or _ROOM)
    conditions = []
    for kind, (reason, message) in _PRESSURES.items():
        lost = fault == UNREACHABLE_FAULT
        told = ("Unknown", *_LOST) if lost else ("False", reason, message)
        conditions.append(_condition(node, kind, told, now))
    conditions.append(_condition(node, "Ready", _readiness(fault), now))
    return status | {
        "capacity": room,
        "allocatable": dict(status.get("allocatable") or room),
        "conditions": conditions,
        "addresses": [
            {"type": "InternalIP", "address": "127.0.0.1"},
            {"type": "Hostname", "address": name_of(node)},
        ],
        "nodeInfo": _INFO,
    }


def _readiness(fault: str) -> tuple[str, str, str]:
    if fault == UNREACHABLE_FAULT:
        return "Unknown", *_LOST
    if fault == NOT_READY_FAULT:
        return "False", "KubeletNotReady", "container runtime network not ready"
    return "True", "KubeletReady", "kubelet is posting ready status"


def _condition(node: Object, kind: str, told: tuple[str, str, str], now: datetime) -> Object:
    status, reason, message = told
    before = condition_of(node, kind)
    same = before.get("status") == status
    since = before["lastTransitionTime"] if same else timestamp(now)
    beat = before["lastHeartbeatTime"] if same else timestamp(now)
    times = {"lastHeartbeatTime": beat, "lastTransitionTime": since}
    return {"type": kind, "status": status, "reason": reason, "message": message} | times


_INFO = {
    "architecture": "amd64",
    "bootID": "",
    "containerRuntimeVersion": "sandbox://1",
    "kernelVersion": "6.1.0",
    "kubeProxyVersion": "",
    "kubeletVersion": "v1.36.0",
    "machineID": "",
    "operatingSystem": "linux",
    "osImage": "Firebreak sandbox",
    "systemUUID": "",
}
