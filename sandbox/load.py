"""What the load of a workload's pods asks for: the arithmetic of an autoscaler on cpu.

Pods without metrics, and pods that are not ready, do not count. It only reads.
"""

from fractions import Fraction
from math import ceil

from sandbox.objects import (
    Object,
    items_at,
    labels_of,
    mapping_at,
    name_of,
    namespace_of,
    number_at,
)
from sandbox.pods import is_ready
from sandbox.quantities import pod_total, quantity
from sandbox.resources import POD_METRICS, PODS
from sandbox.selectors import matches
from sandbox.store import Store

_TOLERANCE = Fraction(1, 10)


def wanted_by_load(store: Store, scaler: Object, workload: Object) -> int | None:
    """Replicas that would bring the average to its target; None when there is nothing to count."""
    target, current = _target_percent(scaler), number_at(workload, "spec", "replicas")
    used, asked = Fraction(0), Fraction(0)
    selector = mapping_at(workload, "spec", "selector")
    for pod in store.peek(PODS, namespace_of(workload)):
        metrics = store.find(POD_METRICS, namespace_of(pod), name_of(pod))
        if metrics and is_ready(pod) and matches(selector, labels_of(pod)):
            used += _used(metrics)
            asked += pod_total(pod, "requests", "cpu")
    if not asked or not target:
        return None
    ratio = used / asked * 100 / target
    return current if abs(ratio - 1) <= _TOLERANCE else ceil(current * ratio)


def _target_percent(scaler: Object) -> int:
    for metric in items_at(scaler, "spec", "metrics"):
        if mapping_at(metric, "resource").get("name") == "cpu":
            return number_at(metric, "resource", "target", "averageUtilization")
    return 0


def _used(metrics: Object) -> Fraction:
    containers = items_at(metrics, "containers")
    texts = [mapping_at(container, "usage").get("cpu", 0) for container in containers]
    return sum((quantity(text) for text in texts), Fraction(0))
