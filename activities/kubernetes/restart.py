"""Rollout restart: replace all pods of a workload, a few at a time.

The value written is the plan's own time, never the clock's: the same plan executed twice writes
the same value, which changes nothing. The value before is pinned, so that a restart by somebody
else meanwhile voids the plan. Where a restart would do nothing, it is refused instead of written.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from temporalio import activity

from activities.kubernetes.client import MERGE_PATCH, Cluster, Patch, Place
from activities.kubernetes.drift import drift_findings
from activities.kubernetes.ensure import Change, Ensurer
from activities.kubernetes.plans import (
    around_rollout,
    common_findings,
    kubectl,
    plan_of,
    refuse_held_back,
    refuse_on_delete,
    refuse_paused,
    rollout_blast,
    slashed,
)
from activities.kubernetes.pods import PodState, beyond_restart, states_of
from activities.kubernetes.rehearse import dry_run
from activities.kubernetes.revisions import Revision, current_of, release_of, revisions_of
from activities.kubernetes.strategy import strategy_of
from activities.kubernetes.subject import generation_moved
from activities.kubernetes.workload import (
    RESTARTED_AT,
    Workload,
    cluster_of,
    images_text,
    read_planned_workload,
    read_workload,
    sending,
)
from contracts.calls import EnsureCall
from contracts.errors import Refused
from contracts.kubernetes import RolloutRestart
from contracts.plan import Plan, Surroundings
from contracts.step import Receipt, StepCall
from contracts.target import Target

PREVIOUS = "restarted_at_before"
TEMPLATE = "template"
FLUX_FINDING = (
    "Flux takes the restart's annotation away again, and thereby replaces the pods a second time"
)


class RolloutRestartAction:
    """`kubernetes.rollout_restart.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{RolloutRestart.activity}.plan")
    def plan(self, call: StepCall[RolloutRestart]) -> Plan:
        """Raises Refused (paused, no pods, nothing would be replaced, not accepted), NotFound,
        InvalidInput, Unavailable, Rejected.
        """
        target, value = call.step.target, _value(call.at)
        cluster = cluster_of(self._clusters, target.cluster)
        workload = read_workload(cluster, target)
        pods = states_of(cluster, target.namespace, workload)
        noop = workload.restarted_at == value
        if not noop:
            _refuse(cluster, target, workload, pods)
        revisions = revisions_of(cluster, target.namespace, workload)
        current = current_of(workload, revisions)
        release = release_of(current, revisions) if current else []
        said = around_rollout(cluster, target, workload)
        accepted = "" if noop else dry_run(cluster, _place(target), _patch(workload, value))
        strategy = strategy_of(workload)
        return plan_of(
            call,
            cluster,
            workload,
            before=_before(workload, current),
            after="the same template, every pod new",
            summary=f"Restart {target}: {_pods(workload)}, {strategy.pace}",
            kubectl=kubectl(cluster, target, "rollout", "restart", slashed(target)),
            pins={PREVIOUS: workload.restarted_at, TEMPLATE: workload.template_digest},
            blast=rollout_blast(workload),
            findings=(*_findings(workload, release, pods, call.at), *_flux(said)),
            around=said.model_copy(update={"dry_run": accepted}),
            noop=noop,
        )

    @activity.defn(name=f"{RolloutRestart.activity}.ensure")
    def ensure(self, call: EnsureCall[RolloutRestart]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        plan, value = call.plan, _value(call.plan.at)
        change = Change(
            read=lambda cluster: read_planned_workload(cluster, plan),
            is_done=lambda current: current.restarted_at == value,
            moved=lambda current: _moved(plan, current),
            prepare=lambda cluster, current: sending(cluster, plan, _patch(current, value)),
        )
        return self._ensurer.bring_about(call, change)


def _value(at: datetime) -> str:
    """RFC 3339 in whole seconds, as kubectl writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _place(target: Target) -> Place:
    return Place(target.kind, target.namespace, target.name)


def _pods(workload: Workload) -> str:
    pods = workload.replicas - strategy_of(workload).held_back
    return f"{pods} pod{'' if pods == 1 else 's'}"


def _refuse(cluster: Cluster, target: Target, workload: Workload, pods: list[PodState]) -> None:
    refuse_paused(cluster, target, workload)
    refuse_on_delete(cluster, target, workload)
    if workload.replicas == 0:
        _refuse_without_pods(cluster, target)
    refuse_held_back(target, workload)
    if strategy_of(workload).ordered:
        _refuse_stuck(cluster, target, pods)


def _refuse_without_pods(cluster: Cluster, target: Target) -> None:
    if target.kind == "DaemonSet":
        fix = "Look at its nodeSelector, its tolerations and the nodes' taints."
        raise Refused(f"no node takes the pods of {target}: there is no pod to restart", fix)
    scale = kubectl(cluster, target, "scale", slashed(target), "--replicas=N")
    raise Refused(f"{target} is scaled to 0: there is no pod to restart", f"Scale it: {scale}")


def _refuse_stuck(cluster: Cluster, target: Target, pods: list[PodState]) -> None:
    """The controller of an ordered set waits for each pod before it replaces any."""
    sick = [pod.name for pod in pods if not pod.ready]
    if sick:
        delete = kubectl(cluster, target, "delete", "pod", *sick)
        raise Refused(
            f"{target} starts its pods in order and waits for {', '.join(sick)}: "
            "a restart would replace nothing",
            f"Have that pod replaced instead (evict it or delete it): {delete}",
        )


def _before(workload: Workload, current: Revision | None) -> str:
    revision = f"revision {current.number}, " if current and current.number else ""
    restarted = workload.restarted_at
    last = f"restarted at {restarted}" if restarted else "never restarted"
    return f"{revision}{images_text(workload.template)}, {last}"


def _findings(
    workload: Workload, release: list[Revision], pods: list[PodState], at: datetime
) -> list[str]:
    said = common_findings(workload, release, pods, at)
    said += [f"a restart does not repair {reason}" for reason in beyond_restart(pods)]
    return said + drift_findings(workload.template, [pod.raw for pod in pods])


def _flux(surroundings: Surroundings) -> list[str]:
    return [FLUX_FINDING] if surroundings.managed_by == "flux" else []


def _moved(plan: Plan, current: Workload) -> str:
    if current.restarted_at != plan.pins[PREVIOUS]:
        return f"it was restarted at {current.restarted_at or 'no time'} by somebody else"
    if current.template_digest != plan.pins[TEMPLATE]:
        return "its template changed"
    if current.paused:
        return "it is paused"
    return generation_moved(plan, current)


def _patch(current: Workload, value: str) -> Patch:
    annotated = {"metadata": {"annotations": {RESTARTED_AT: value}}}
    return Patch({"metadata": current.guard, "spec": {"template": annotated}}, MERGE_PATCH)
