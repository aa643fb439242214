"""Whether the namespace's quotas leave room for more pods of a workload.

A quota is enforced when a pod is created, never when a workload is scaled: the API server accepts
the write, and the pods do not come. What nothing here understands (a quota for storage, another
scope) is not counted. Nothing here writes.
"""

from decimal import Decimal

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.quantities import amount
from activities.kubernetes.raw import Object
from activities.kubernetes.workload import Workload

# Scopes that a long-running pod which asks for resources falls under.
_SCOPES = frozenset({"NotTerminating", "NotBestEffort"})
_NAMES = {"cpu": "requests.cpu", "memory": "requests.memory", "count/pods": "pods"}


def short_of(cluster: Cluster, namespace: str, workload: Workload, more: int) -> str:
    """What the quotas lack for so many more pods, such as `quota team: pods 9 of 10 used, 3 more
    needed`, or the empty string. Raises Rejected, Unavailable: unknown is not enough room.
    """
    if more <= 0:
        return ""
    need = {name: one * more for name, one in needed_of(workload.template).items()}
    quotas = cluster.list_all("ResourceQuota", namespace)
    return "; ".join(text for quota in quotas for text in lacking(quota, need))


def needed_of(template: Object) -> dict[str, Decimal]:
    """What one pod of a template counts: `pods`, `requests.cpu`, `limits.memory`, and so on. An
    init container counts where it asks for more than the containers together.
    """
    need = {"pods": Decimal(1)}
    for group in ("requests", "limits"):
        for resource in ("cpu", "memory"):
            at_work = _asked(raw.items(template, "spec", "containers"), group, resource)
            before = _asked(raw.items(template, "spec", "initContainers"), group, resource)
            need[f"{group}.{resource}"] = max([sum(at_work, Decimal(0)), *before])
    return need


def lacking(quota: Object, need: dict[str, Decimal]) -> list[str]:
    """A sentence for each resource of which a quota has too little."""
    if not _applies(quota):
        return []
    hard, used = raw.mapping(quota, "status", "hard"), raw.mapping(quota, "status", "used")
    said = []
    for name, limit in hard.items():
        wanted = need.get(_NAMES.get(name, name), Decimal(0))
        taken = used.get(name, "0")
        if wanted and amount(taken) + wanted > amount(limit):
            more = format(wanted.normalize(), "f")
            said.append(
                f"quota {raw.name_of(quota)}: {name} {taken} of {limit} used, {more} more needed"
            )
    return said


def _applies(quota: Object) -> bool:
    scopes = raw.dig(quota, "spec", "scopes") or []
    return set(scopes) <= _SCOPES and not raw.mapping(quota, "spec", "scopeSelector")


def _asked(containers: list[Object], group: str, resource: str) -> list[Decimal]:
    """A request that is left out is as large as the limit."""
    asked = []
    for container in containers:
        resources = raw.mapping(container, "resources")
        value = raw.mapping(resources, group).get(resource)
        if value is None and group == "requests":
            value = raw.mapping(resources, "limits").get(resource)
        asked.append(amount(value) if value is not None else Decimal(0))
    return asked
