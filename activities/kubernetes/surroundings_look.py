"""The look at who else has a say in a workload: autoscaler, budgets, quotas, managers, owners."""

from collections.abc import Mapping
from decimal import Decimal

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.evidence import Shelf, head, keep
from activities.kubernetes.quantities import amount, plain
from activities.kubernetes.raw import Object
from activities.kubernetes.scaled_by import KEDA, Scaler, scaler_of
from activities.kubernetes.surroundings import around
from activities.kubernetes.workload import WITH_PODS, Workload, cluster_of, read_workload
from contracts.errors import NotFound
from contracts.kubernetes import Surroundings
from contracts.plan import Surroundings as Around
from contracts.redact import redact
from contracts.step import BODY_BYTES_MAX, EXCERPT_BYTES_MAX, Evidence, StepCall
from contracts.target import Target

BUDGETS_MAX = 10
QUOTAS_MAX = 30


class SurroundingsLook:
    """`kubernetes.surroundings`."""

    def __init__(self, clusters: Mapping[str, Cluster], shelf: Shelf) -> None:
        self._clusters = clusters
        self._shelf = shelf

    @activity.defn(name=Surroundings.activity)
    def look(self, call: StepCall[Surroundings]) -> Evidence:
        """Raises NotFound, Unavailable, Rejected (with the permission that is missing), or
        InvalidInput for a kind without pods.
        """
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        workload = read_workload(cluster, target, WITH_PODS)
        known = around(cluster, target, workload)
        scaler = scaler_of(cluster, target) if known.autoscaler else None
        quotas = quotas_of(cluster, target.namespace)
        facts: Object = {
            "replicas": workload.replicas,
            "ready": workload.ready,
            "paused": known.paused,
            "autoscaler": autoscaler_facts(scaler) if scaler else None,
            "budgets": [budget.model_dump() for budget in known.budgets[:BUDGETS_MAX]],
            "quotas": quotas[:QUOTAS_MAX],
            "managed_by": known.managed_by,
            "manager": known.manager,
            "owners": _owners(cluster, target, workload),
        }
        body = head(redact("\n".join(_lines(facts))), BODY_BYTES_MAX)
        title = f"Surroundings of {target}: {_summary(known)}"
        return keep(self._shelf, call, title, (body, head(body, EXCERPT_BYTES_MAX)), facts)


def autoscaler_facts(scaler: Scaler) -> Object:
    """Its bounds, and where it stands. A paused ScaledObject has bounds, but stands nowhere."""
    spec, status = raw.mapping(scaler.raw, "spec"), raw.mapping(scaler.hpa, "status")
    keda = scaler.kind == KEDA
    low, high = ("minReplicaCount", "maxReplicaCount") if keda else ("minReplicas", "maxReplicas")
    least, most = _count(spec, low, 0 if keda else 1), _count(spec, high, 100 if keda else 0)
    current = raw.number(status, "currentReplicas")
    return {
        "kind": scaler.kind,
        "name": scaler.name,
        "min": least,
        "max": most,
        "current": current,
        "desired": raw.number(status, "desiredReplicas"),
        "at_max": bool(status) and current >= most,
    }


def quotas_of(cluster: Cluster, namespace: str) -> list[Object]:
    """What the namespace may use and uses, the fullest first; in cores, bytes or pieces."""
    found = [
        (raw.name_of(quota), resource, amount(used.get(resource)), amount(limit))
        for quota in cluster.list_all("ResourceQuota", namespace)
        for used in (raw.mapping(quota, "status", "used"),)
        for resource, limit in raw.mapping(quota, "status", "hard").items()
    ]
    found.sort(key=lambda q: (-(q[2] / q[3] if q[3] else Decimal(1)), q[0], q[1]))
    return [
        {"name": name, "resource": resource, "used": plain(used), "hard": plain(hard)}
        for name, resource, used, hard in found
    ]


def _count(spec: Object, field: str, default: int) -> int:
    value = spec.get(field)
    return value if isinstance(value, int) else default


def _owners(cluster: Cluster, target: Target, workload: Workload) -> list[str]:
    """The controllers above it as `Kind/name`; only a CronJob's own are followed."""
    owner = raw.controller_of(workload.raw)
    owners = [owner] if owner else []
    if owner.get("kind") == "CronJob":
        try:
            above = cluster.get("CronJob", target.namespace, raw.text(owner, "name")).body
        except NotFound:
            above = {}
        owners += [raw.controller_of(above)] if raw.controller_of(above) else []
    return [f"{raw.text(one, 'kind')}/{raw.text(one, 'name')}" for one in owners]


def _summary(known: Around) -> str:
    said = [
        f"scaled by {known.autoscaler}" if known.autoscaler else "",
        f"{len(known.budgets)} disruption budgets" if known.budgets else "",
        f"managed by {known.managed_by} ({known.manager})" if known.managed_by else "",
        "paused" if known.paused else "",
    ]
    return ", ".join(text for text in said if text) or "nobody else has a say"


def _lines(facts: Object) -> list[str]:
    lines = [f"{name}: {facts[name]}" for name in ("replicas", "ready", "paused")]
    scaler = facts["autoscaler"]
    if scaler:
        lines.append(
            f"autoscaler {scaler['kind']}/{scaler['name']}: {scaler['min']} to {scaler['max']}, "
            f"now {scaler['current']}, wants {scaler['desired']}"
        )
    lines += [
        f"budget {b['name']}: {b['allowed']} may go, {b['healthy']} healthy, {b['desired']} needed"
        for b in facts["budgets"]
    ]
    lines += [
        f"quota {q['name']}: {q['resource']} {q['used']} of {q['hard']}" for q in facts["quotas"]
    ]
    lines.append(f"managed by: {facts['managed_by'] or 'nobody'} {facts['manager']}".rstrip())
    return [*lines, f"owners: {', '.join(facts['owners']) or 'none'}"]
