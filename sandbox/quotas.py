"""ResourceQuotas: what the pods of a namespace use, and whether one more may be made.

A quota is asked when a pod is created and never when somebody scales: a scale-up is accepted and
its pods are refused later.
"""

from fractions import Fraction

from sandbox.objects import Object, items_at, mapping_at, name_of, namespace_of
from sandbox.pods import is_finished
from sandbox.quantities import asked, pod_total, quantity, shown_quantity
from sandbox.resources import PODS, QUOTAS
from sandbox.status import forbidden
from sandbox.store import Store

Usage = dict[str, Fraction]


class QuotaController:
    """Keeps `status.used`, and refuses the pod that is too much."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tick(self) -> None:
        """Write down what is used now."""
        for quota in self._store.list(QUOTAS):
            hard, used = mapping_at(quota, "spec", "hard"), self._used(quota)
            shown = {name: shown_quantity(name, value) for name, value in used.items()}
            quota["status"] = {"hard": dict(hard), "used": shown}
            self._store.replace_status(QUOTAS, quota)

    def admit(self, pod: Object) -> None:
        """Raises ApiError 403 when a quota of its namespace has no room for the pod."""
        for quota in self._store.list(QUOTAS, namespace_of(pod)):
            hard = mapping_at(quota, "spec", "hard")
            _check_told(quota, pod, hard)
            used, wanted = self._used(quota), _usage(hard, pod)
            over = [key for key in sorted(wanted) if used[key] + wanted[key] > quantity(hard[key])]
            if over:
                raise forbidden(PODS, name_of(pod), _exceeded(quota, over, wanted, used))

    def _used(self, quota: Object) -> Usage:
        hard = mapping_at(quota, "spec", "hard")
        used: Usage = {name: Fraction(0) for name in hard}
        for pod in self._store.peek(PODS, namespace_of(quota)):
            if not is_finished(pod):
                for name, value in _usage(hard, pod).items():
                    used[name] += value
        return used


def _exceeded(quota: Object, over: list[str], wanted: Usage, used: Usage) -> str:
    hard = mapping_at(quota, "spec", "hard")

    def listed(values: Usage) -> str:
        return ",".join(f"{key}={shown_quantity(key, values[key])}" for key in over)

    limits = listed({key: quantity(hard[key]) for key in over})
    return (
        f"exceeded quota: {name_of(quota)}, requested: {listed(wanted)}, used: {listed(used)}, "
        f"limited: {limits}"
    )


def _check_told(quota: Object, pod: Object, hard: Object) -> None:
    """A quota on cpu or memory takes no container that does not say how much it wants."""
    silent = []
    for name in sorted(hard):
        part, resource = _meaning(name)
        missing = [
            str(item.get("name"))
            for item in items_at(pod, "spec", "containers")
            if part and asked(item, part, resource) is None
        ]
        if missing:
            silent.append(f"{name} for: {','.join(missing)}")
    if silent:
        why = f"failed quota: {name_of(quota)}: must specify {'; '.join(silent)}"
        raise forbidden(PODS, name_of(pod), why)


def _usage(hard: Object, pod: Object) -> Usage:
    usage: Usage = {}
    for name in hard:
        part, resource = _meaning(name)
        if part:
            usage[name] = pod_total(pod, part, resource)
        elif name in {"pods", "count/pods"}:
            usage[name] = Fraction(1)
    return usage


def _meaning(name: str) -> tuple[str, str]:
    """(part, resource) of a name such as `requests.cpu` or `memory`; empty for a count."""
    part, _, resource = name.rpartition(".")
    if resource not in {"cpu", "memory"} or part not in {"", "requests", "limits"}:
        return "", ""
    return part or "requests", resource
