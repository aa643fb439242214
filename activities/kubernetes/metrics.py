"""The look at what a workload's pods use, where the cluster serves metrics.

Metrics are a second program beside the API server: absent, broken or forbidden (as an API server
answers, too, where they are absent), they must not stop an investigation. The look then says that
nothing is served, and why.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.evidence import Shelf, head, keep
from activities.kubernetes.pods import states_of
from activities.kubernetes.quantities import amount
from activities.kubernetes.raw import Object
from activities.kubernetes.workload import WITH_PODS, Workload, cluster_of, read_workload
from contracts.errors import NotFound, Rejected, Unavailable
from contracts.kubernetes import Metrics
from contracts.step import BODY_BYTES_MAX, EXCERPT_BYTES_MAX, Evidence, StepCall

MILLI = 1000
MEBI = 1_048_576


class Used(NamedTuple):
    """What one container uses, in cores and bytes, and its limits; None without one."""

    pod: str
    container: str
    cpu: Decimal
    memory: Decimal
    cpu_limit: Decimal | None
    memory_limit: Decimal | None


class MetricsLook:
    """`kubernetes.metrics`."""

    def __init__(self, clusters: Mapping[str, Cluster], shelf: Shelf) -> None:
        self._clusters = clusters
        self._shelf = shelf

    @activity.defn(name=Metrics.activity)
    def look(self, call: StepCall[Metrics]) -> Evidence:
        """Raises NotFound, Unavailable, Rejected, or InvalidInput for a kind without pods."""
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        workload = read_workload(cluster, target, WITH_PODS)
        measured, why_not = _measured(cluster, target.namespace, workload)
        used = list(_used(cluster, target.namespace, workload, measured))
        facts = _facts(used, served=not why_not)
        lines = sorted(_line(one) for one in used)
        body = head("\n".join(lines) or why_not or "Nothing is measured.", BODY_BYTES_MAX)
        title = f"Usage of {target}: " + _summary(facts)
        return keep(self._shelf, call, title, (body, head(body, EXCERPT_BYTES_MAX)), facts)


def _measured(cluster: Cluster, namespace: str, workload: Workload) -> tuple[list[Object], str]:
    """What the metrics API says of the pods that are selected, or why it says nothing."""
    try:
        return cluster.list_all("PodMetrics", namespace, labels=workload.selector), ""
    except (NotFound, Rejected, Unavailable) as err:
        return [], f"No metrics are served: {err.message}"


def _used(
    cluster: Cluster, namespace: str, workload: Workload, measured: list[Object]
) -> Iterator[Used]:
    """Of the workload's own pods only: others may carry the same labels."""
    pods = states_of(cluster, namespace, workload) if measured else []
    specs = {
        (pod.name, raw.text(container, "name")): raw.mapping(container, "resources", "limits")
        for pod in pods
        for container in raw.items(pod.raw, "spec", "containers")
    }
    for pod in measured:
        for container in raw.items(pod, "containers"):
            place = (raw.name_of(pod), raw.text(container, "name"))
            if place in specs:
                yield _one(place, raw.mapping(container, "usage"), specs[place])


def _one(place: tuple[str, str], usage: Object, limits: Object) -> Used:
    cpu, memory = amount(usage.get("cpu")), amount(usage.get("memory"))
    return Used(*place, cpu, memory, _limit(limits, "cpu"), _limit(limits, "memory"))


def _limit(limits: Object, resource: str) -> Decimal | None:
    return amount(limits.get(resource)) or None


def _facts(used: list[Used], *, served: bool) -> Object:
    cpu = [one.cpu / one.cpu_limit for one in used if one.cpu_limit]
    memory = [one.memory / one.memory_limit for one in used if one.memory_limit]
    return {
        "served": served,
        "cpu_millicores": int(sum(one.cpu for one in used) * MILLI),
        "memory_bytes": int(sum(one.memory for one in used)),
        "cpu_of_limit": _share(cpu),
        "memory_of_limit": _share(memory),
    }


def _share(shares: list[Decimal]) -> float | None:
    """The largest; a sample may lie a little above the limit."""
    return round(min(1.0, float(max(shares))), 3) if shares else None


def _summary(facts: Object) -> str:
    if not facts["served"]:
        return "no metrics are served"
    return f"{facts['cpu_millicores']}m CPU, {facts['memory_bytes'] // MEBI} MiB"


def _line(one: Used) -> str:
    cpu = f"{int(one.cpu * MILLI)}m CPU" + _of(one.cpu, one.cpu_limit)
    memory = f"{int(one.memory) // MEBI} MiB" + _of(one.memory, one.memory_limit)
    return f"{one.pod} {one.container}: {cpu}, {memory}"


def _of(used: Decimal, limit: Decimal | None) -> str:
    return f" ({used / limit:.0%} of its limit)" if limit else " (no limit)"
