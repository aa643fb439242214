"""What the API does to objects that bound others before it keeps them: disruption budgets,
autoscalers, quotas, scaled objects, nodes. Defaults, then validation; it never writes.
"""

import json

from sandbox.objects import Object, copied, mapping_at, name_of
from sandbox.status import Cause, bad_value, required
from sandbox.templates import is_count, name_problems, negative_problems

SCALER_INTEGERS = ("minReplicas", "maxReplicas")


def budget_problems(budget: Object, current: Object | None = None) -> list[Cause]:
    """Field errors of a PodDisruptionBudget; those of an update are the same."""
    del current
    spec, found = budget.setdefault("spec", {}), name_problems(budget)
    for key in ("minAvailable", "maxUnavailable"):
        if spec.get(key) is not None and not is_count(spec[key]):
            why = "must be an integer or percentage (e.g '5%')"
            found.append(bad_value(f"spec.{key}", json.dumps(spec[key]), why))
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        why = "minAvailable and maxUnavailable cannot be both set"
        found.append(bad_value("spec", _in_go(spec), why))
    return found


def _in_go(spec: Object) -> str:
    shown = {
        "MinAvailable": spec.get("minAvailable"),
        "Selector": spec.get("selector"),
        "MaxUnavailable": spec.get("maxUnavailable"),
        "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
    }
    return json.dumps(shown, separators=(",", ":"))


def scaler_problems(scaler: Object, current: Object | None = None) -> list[Cause]:
    """Fill in the defaults of a HorizontalPodAutoscaler; its field errors."""
    del current
    spec = scaler.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
        spec["metrics"] = [{"type": "Resource", "resource": cpu}]
    found, least = name_problems(scaler), spec["minReplicas"]
    most = spec.get("maxReplicas", 0)
    if most < 1:
        found.append(bad_value("spec.maxReplicas", str(most), "must be greater than 0"))
    if least < 1:
        found += _no_zero(least)
    if 1 <= most < least:
        why = "must be greater than or equal to `minReplicas`"
        found.append(bad_value("spec.maxReplicas", str(most), why))
    target = mapping_at(spec, "scaleTargetRef")
    missing = [key for key in ("kind", "name") if not target.get(key)]
    return found + [required(f"spec.scaleTargetRef.{key}") for key in missing]


def _no_zero(least: int) -> list[Cause]:
    why = (
        "Forbidden: must specify at least one Object or External metric to support scaling to "
        "zero replicas"
    )
    return [
        bad_value("spec.minReplicas", str(least), "must be greater than or equal to 1"),
        Cause("spec.metrics", "FieldValueForbidden", why),
    ]


def quota_problems(quota: Object, current: Object | None = None) -> list[Cause]:
    """Field errors of a ResourceQuota."""
    del current
    quota.setdefault("spec", {}).setdefault("hard", {})
    return name_problems(quota)


def custom_problems(custom: Object, current: Object | None = None) -> list[Cause]:
    """A custom resource without a schema takes everything that has a name."""
    del current
    return name_problems(custom)


def node_problems(node: Object, current: Object | None = None) -> list[Cause]:
    """Field errors of a Node; a new one gets room for pods and the label of its name."""
    spec = node.setdefault("spec", {})
    if spec.get("unschedulable") is False:
        del spec["unschedulable"]
    if current is None:
        labels = node["metadata"].setdefault("labels", {})
        labels.setdefault("kubernetes.io/hostname", name_of(node))
    return name_problems(node) + negative_problems(spec, ())


def initial_status(kind: str) -> Object | None:
    """What a new object's status is before any controller saw it; None where there is none."""
    counts = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    daemons = (
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
    )
    table: dict[str, Object] = {
        "StatefulSet": {"replicas": 0, "availableReplicas": 0},
        "DaemonSet": dict.fromkeys(daemons, 0),
        "PodDisruptionBudget": dict.fromkeys(counts, 0),
        "HorizontalPodAutoscaler": {"desiredReplicas": 0, "currentMetrics": None},
        "Deployment": {},
        "Pod": {"phase": "Pending", "qosClass": "BestEffort"},
        "Job": {},
        "CronJob": {},
        "ResourceQuota": {},
        "Node": {},
    }
    return copied(table.get(kind))
