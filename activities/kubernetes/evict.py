"""Evict one pod of a workload, as far as its disruption budget allows.

An eviction with a wrong uid hits nothing, but the API server has then spent the budget for two
minutes: the uid is read right before, and a 409 is never answered by another request.
"""

from collections.abc import Mapping
from json import dumps
from shlex import quote
from typing import Literal

from temporalio import activity

from activities.kubernetes.client import Answer, Cluster
from activities.kubernetes.ensure import Change, Ensurer
from activities.kubernetes.failures import BudgetSpent
from activities.kubernetes.patience import within_budget
from activities.kubernetes.plans import kubectl
from activities.kubernetes.pod_writes import (
    POD,
    POD_UID,
    Found,
    Pinned,
    around_pod,
    find_pod,
    moved_on,
    options_for,
    plan_for_pod,
    pod_removed,
    read_pinned,
)
from activities.kubernetes.rehearse import rehearse
from activities.kubernetes.waiting import Sleep
from activities.kubernetes.workload import cluster_of
from contracts.calls import EnsureCall
from contracts.kubernetes import EvictPod
from contracts.plan import Plan
from contracts.step import Receipt, StepCall
from contracts.target import Target

Rehearsed = Literal["", "accepted"]


class EvictPodAction:
    """`kubernetes.evict_pod.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer, sleep: Sleep) -> None:
        self._clusters = clusters
        self._ensurer = ensurer
        self._sleep = sleep

    @activity.defn(name=f"{EvictPod.activity}.plan")
    def plan(self, call: StepCall[EvictPod]) -> Plan:
        """Raises Refused (not its pod, static, critical, more than one budget), NotFound,
        InvalidInput, Unavailable, Rejected.
        """
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        found = find_pod(cluster, call)
        rehearsed, said = rehearse_eviction(
            cluster, target.namespace, found.state.name, found.state.uid
        )
        return plan_for_pod(
            call,
            cluster,
            found,
            summary=f"Evict pod {found.state.name} of {target}, within its disruption budget",
            kubectl=_by_hand(cluster, target, found),
            findings=said,
            around=around_pod(cluster, target, found, rehearsed),
        )

    @activity.defn(name=f"{EvictPod.activity}.ensure")
    def ensure(self, call: EnsureCall[EvictPod]) -> Receipt:
        """Raises as `Ensurer.bring_about` does; Refused when the budget stays spent."""
        plan = call.plan
        change = Change(
            read=lambda cluster: read_pinned(cluster, plan),
            is_done=lambda current: current.is_leaving,
            moved=lambda current: moved_on(plan, current),
            prepare=lambda cluster, current: lambda: _evict(cluster, plan, current),
            changed=pod_removed(plan),
            conflicts_end=True,
        )
        return within_budget(lambda: self._ensurer.bring_about(call, change), self._sleep)


def rehearse_eviction(
    cluster: Cluster, namespace: str, pod: str, uid: str
) -> tuple[Rehearsed, list[str]]:
    """What the API server says to this eviction, and what a person should know of it. It counts
    the budgets as it would for the true one, and spends nothing.

    Raises Refused where it would never be accepted.
    """
    options = options_for(uid)
    try:
        accepted = rehearse(
            f"eviction of pod {namespace}/{pod}",
            lambda: cluster.evict(namespace, pod, options, dry_run=True),
        )
    except BudgetSpent as err:
        return "", [f"not now: {err.message}"]
    return accepted, []


def _evict(cluster: Cluster, plan: Plan, current: Pinned) -> Answer:
    """The answer is a Status; the receipt is to carry the workload's generation."""
    options = options_for(plan.pins[POD_UID])
    sent = cluster.evict(plan.target.namespace, plan.pins[POD], options)
    return Answer(current.raw, sent.at)


def _by_hand(cluster: Cluster, target: Target, found: Found) -> str:
    """There is no word of kubectl for it, so it posts the very object that is sent."""
    identity = {"name": found.state.name, "namespace": target.namespace}
    head = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": identity}
    body = dumps(head | {"deleteOptions": found.options})
    path = f"/api/v1/namespaces/{target.namespace}/pods/{found.state.name}/eviction"
    return f"echo {quote(body)} | {kubectl(cluster, target, 'create', '--raw', path, '-f', '-')}"
