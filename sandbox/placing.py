"""Where a pod may run: taints, tolerations, node selectors, and the node that a DaemonSet chose.

Pure questions about one pod and one node.
"""

from sandbox.objects import Object, dig, items_at, labels_of, mapping_at, name_of, text_at

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_PRESSURES = ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")
_EVICT_SECONDS = 300


def _tolerates_all(key: str, effect: str) -> Object:
    return {"key": key, "operator": "Exists", "effect": effect}


DAEMON_TOLERATIONS = [
    *(_tolerates_all(key, "NoExecute") for key in (NOT_READY, UNREACHABLE)),
    *(_tolerates_all(f"node.kubernetes.io/{key}", "NoSchedule") for key in _PRESSURES),
]


def default_tolerations(spec: Object) -> None:
    """Every pod bears a node that is away for five minutes, as an admission plugin sees to."""
    present = items_at(spec, "tolerations")
    for key in (NOT_READY, UNREACHABLE):
        if not any(item.get("key") in {key, None} for item in present):
            wait = {"tolerationSeconds": _EVICT_SECONDS}
            present.append(_tolerates_all(key, "NoExecute") | wait)
    spec["tolerations"] = present


def tolerates(spec: Object, taint: Object) -> bool:
    """Whether one of the tolerations bears the taint."""
    return toleration_for(spec, taint) is not None


def toleration_for(spec: Object, taint: Object) -> Object | None:
    """The first toleration that bears the taint, or None."""
    for item in items_at(spec, "tolerations"):
        if item.get("effect") not in {None, "", taint.get("effect")}:
            continue
        if item.get("key") not in {None, "", taint.get("key")}:
            continue
        exists = item.get("operator") == "Exists"
        if exists or item.get("value", "") == taint.get("value", ""):
            return item
    return None


def refusal(pod: Object, node: Object) -> str:
    """Why the node cannot take the pod, as the scheduler words it, or the empty string."""
    spec = mapping_at(pod, "spec")
    wanted = bound_to(pod)
    if wanted and wanted != name_of(node):
        return "node(s) didn't match Pod's node affinity/selector"
    cordon = {"key": UNSCHEDULABLE, "effect": "NoSchedule"}
    if dig(node, "spec", "unschedulable") and not tolerates(spec, cordon):
        return "node(s) were unschedulable"
    for taint in items_at(node, "spec", "taints"):
        if taint.get("effect") != "PreferNoSchedule" and not tolerates(spec, taint):
            return "node(s) had untolerated taint(s)"
    selector = mapping_at(spec, "nodeSelector")
    if any(labels_of(node).get(key) != value for key, value in selector.items()):
        return "node(s) didn't match Pod's node affinity/selector"
    return ""


def bound_to(pod: Object) -> str:
    """The node that the pod is on, or the only one that it may go to, or the empty string."""
    if name := text_at(pod, "spec", "nodeName"):
        return name
    wanted = "requiredDuringSchedulingIgnoredDuringExecution"
    for term in items_at(pod, "spec", "affinity", "nodeAffinity", wanted, "nodeSelectorTerms"):
        for field in items_at(term, "matchFields"):
            if field.get("key") == "metadata.name" and len(field.get("values", ())) == 1:
                return str(field["values"][0])
    return ""


def fits_daemon(spec: Object, node: Object) -> bool:
    """Whether a DaemonSet with this pod spec wants a pod on the node."""
    bearing = items_at(spec, "tolerations") + DAEMON_TOLERATIONS
    bearing += [_tolerates_all(key, "NoSchedule") for key in (NOT_READY, UNREACHABLE)]
    return not refusal({"spec": dict(spec) | {"tolerations": bearing}}, node)
