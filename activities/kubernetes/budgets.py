"""The disruption budgets over a workload's pods, found as the eviction API finds them.

A budget is matched with the labels of the pod template, never with a name. Only a reading: how
many pods may go is asked again, by a dry run, when one is to go.
"""

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.raw import Object
from activities.kubernetes.selectors import matches
from activities.kubernetes.served import list_served
from contracts.plan import Budget


def budgets_over(cluster: Cluster, namespace: str, labels: Object) -> tuple[Budget, ...]:
    """The budgets of the namespace that select these labels, by name.

    Raises Rejected (with the permission that is missing) or Unavailable: unknown is not none.
    """
    found = list_served(cluster, "PodDisruptionBudget", namespace)
    chosen = [budget for budget in found if matches(raw.dig(budget, "spec", "selector"), labels)]
    return tuple(sorted(map(_budget_of, chosen), key=lambda budget: budget.name))


def _budget_of(budget: Object) -> Budget:
    """A status older than the spec allows nothing: the API server would refuse, too."""
    seen = raw.number(budget, "status", "observedGeneration")
    current = seen >= raw.number(budget, "metadata", "generation")
    return Budget(
        name=raw.name_of(budget),
        allowed=raw.number(budget, "status", "disruptionsAllowed") if current else 0,
        healthy=raw.number(budget, "status", "currentHealthy"),
        desired=raw.number(budget, "status", "desiredHealthy"),
    )
