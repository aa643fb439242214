"""PodDisruptionBudgets: how many pods may go now, computed anew in every pass.

A pod that somebody was allowed to evict counts as gone for two minutes, even when the eviction
failed afterwards: that is how a budget gets spent for nothing. It must run under the store's lock.
"""

from datetime import datetime, timedelta

from sandbox.objects import (
    Object,
    controller_uid,
    is_terminating,
    labels_of,
    mapping_at,
    name_of,
    namespace_of,
    number_at,
    parse_timestamp,
    timestamp,
    uid_of,
)
from sandbox.pods import condition_of, is_ready
from sandbox.resources import BUDGETS, DEPLOYMENTS, PODS, REPLICA_SETS, STATEFUL_SETS
from sandbox.rollout import resolve
from sandbox.selectors import matches
from sandbox.store import Store

DELETION_TIMEOUT = timedelta(minutes=2)


def budgets_of(store: Store, pod: Object) -> list[Object]:
    """The budgets that select the pod."""
    return [item for item in store.list(BUDGETS, namespace_of(pod)) if _selects(item, pod)]


def _selects(budget: Object, pod: Object) -> bool:
    return matches(mapping_at(budget, "spec", "selector"), labels_of(pod))


def set_allowed(budget: Object, allowed: int, now: datetime) -> None:
    """Write the number of disruptions into the status, and the condition that goes with it."""
    status, before = budget["status"], condition_of(budget, "DisruptionAllowed")
    status["disruptionsAllowed"] = allowed
    value = "True" if allowed else "False"
    since = before.get("lastTransitionTime") if before.get("status") == value else None
    condition = {
        "type": "DisruptionAllowed",
        "status": value,
        "observedGeneration": status["observedGeneration"],
        "lastTransitionTime": since or timestamp(now),
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
    }
    status["conditions"] = [condition]


class BudgetController:
    """The loop body over every budget."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tick(self, now: datetime) -> None:
        """One pass over all of them."""
        for budget in self._store.list(BUDGETS):
            pods = [
                pod for pod in self._store.peek(PODS, namespace_of(budget)) if _selects(budget, pod)
            ]
            self._report(budget, pods, now)

    def _report(self, budget: Object, pods: list[Object], now: datetime) -> None:
        expected, wanted = self._expected(budget, pods)
        disrupted = _still_disrupted(budget, pods, now)
        healthy = sum(
            is_ready(pod) and not is_terminating(pod) and name_of(pod) not in disrupted
            for pod in pods
        )
        allowed = max(0, healthy - wanted) if expected > 0 else 0
        conditions = mapping_at(budget, "status").get("conditions", [])
        budget["status"] = {
            "observedGeneration": number_at(budget, "metadata", "generation"),
            **({"disruptedPods": disrupted} if disrupted else {}),
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": wanted,
            "expectedPods": expected,
            "conditions": conditions,
        }
        set_allowed(budget, allowed, now)
        self._store.replace_status(BUDGETS, budget)

    def _expected(self, budget: Object, pods: list[Object]) -> tuple[int, int]:
        """(expected pods, desired healthy ones); percentages are of what the owners want."""
        least = budget["spec"].get("minAvailable")
        if isinstance(least, int):
            return len(pods), least
        total = self._scale_of(budget, pods)
        if least is not None:
            return total, resolve(least, total, up=True)
        most = budget["spec"].get("maxUnavailable", 0)
        return total, max(0, total - resolve(most, total, up=True))

    def _scale_of(self, budget: Object, pods: list[Object]) -> int:
        namespace, sizes = namespace_of(budget), dict[str, int]()
        known = {
            uid_of(item): item
            for resource in (DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS)
            for item in self._store.peek(resource, namespace)
        }
        for pod in pods:
            owner = known.get(controller_uid(pod), {})
            top = known.get(controller_uid(owner), owner)
            if top:
                sizes[uid_of(top)] = number_at(top, "spec", "replicas")
        return sum(sizes.values())


def _still_disrupted(budget: Object, pods: list[Object], now: datetime) -> dict[str, str]:
    """Pods that somebody was allowed to evict lately, and that are still untouched."""
    noted = mapping_at(budget, "status", "disruptedPods")
    staying = {name_of(pod) for pod in pods if not is_terminating(pod)}
    return {
        name: at
        for name, at in noted.items()
        if name in staying and parse_timestamp(at) + DELETION_TIMEOUT > now
    }
