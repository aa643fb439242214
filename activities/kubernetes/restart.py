"""Rollout restart: replace all pods of a Deployment, a few at a time.

The value written is the plan's own time, never the clock's: the same plan executed twice writes
the same value, which changes nothing. The value before is pinned, so that a restart by somebody
else meanwhile voids the plan.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from temporalio import activity

from activities.kubernetes.client import MERGE_PATCH, Cluster, Patch
from activities.kubernetes.deployment import Deployment, read_deployment, read_planned
from activities.kubernetes.ensure import Change, Ensurer
from activities.kubernetes.plans import common_findings, kubectl, plan_of, refuse_paused
from activities.kubernetes.pods import PodState, beyond_restart, pods_of
from activities.kubernetes.revisions import Revision, current_of, revisions_of
from activities.kubernetes.subject import generation_moved
from activities.kubernetes.workload import RESTARTED_AT, cluster_of, images_text, sending
from contracts.calls import EnsureCall
from contracts.errors import Refused
from contracts.kubernetes import RolloutRestart
from contracts.plan import Plan
from contracts.step import Receipt, StepCall
from contracts.target import Target

PREVIOUS = "restarted_at_before"
TEMPLATE = "template"


class RolloutRestartAction:
    """`kubernetes.rollout_restart.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{RolloutRestart.activity}.plan")
    def plan(self, call: StepCall[RolloutRestart]) -> Plan:
        """Raises Refused (paused, no pods), NotFound, InvalidInput, Unavailable, Rejected."""
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        deployment = read_deployment(cluster, target)
        _refuse(cluster, target, deployment)
        revisions = revisions_of(cluster, target.namespace, deployment)
        pods = pods_of(cluster, target.namespace, deployment, revisions)
        current = current_of(deployment, revisions)
        return plan_of(
            call,
            cluster,
            deployment,
            before=_before(deployment, current),
            after="the same template, every pod new",
            summary=f"Restart {target}: {deployment.replicas} pods, a few at a time",
            kubectl=kubectl(cluster, target, "rollout", "restart", f"deployment/{target.name}"),
            pins={PREVIOUS: deployment.restarted_at, TEMPLATE: deployment.template_digest},
            findings=tuple(_findings(deployment, current, pods, call.at)),
            noop=deployment.restarted_at == _value(call.at),
        )

    @activity.defn(name=f"{RolloutRestart.activity}.ensure")
    def ensure(self, call: EnsureCall[RolloutRestart]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        plan, value = call.plan, _value(call.plan.at)
        change = Change(
            read=lambda cluster: read_planned(cluster, plan),
            is_done=lambda current: current.restarted_at == value,
            moved=lambda current: _moved(plan, current),
            prepare=lambda cluster, current: sending(cluster, plan, _patch(current, value)),
        )
        return self._ensurer.bring_about(call, change)


def _value(at: datetime) -> str:
    """RFC 3339 in whole seconds, as kubectl writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refuse(cluster: Cluster, target: Target, deployment: Deployment) -> None:
    refuse_paused(cluster, target, deployment)
    if deployment.replicas == 0:
        scale = kubectl(cluster, target, "scale", f"deployment/{target.name}", "--replicas=N")
        raise Refused(f"{target} is scaled to 0: there is no pod to restart", f"Scale it: {scale}")


def _before(deployment: Deployment, current: Revision | None) -> str:
    revision = f"revision {current.number}, " if current and current.number else ""
    restarted = deployment.restarted_at
    last = f"restarted at {restarted}" if restarted else "never restarted"
    return f"{revision}{images_text(deployment.template)}, {last}"


def _findings(
    deployment: Deployment, current: Revision | None, pods: list[PodState], at: datetime
) -> list[str]:
    said = common_findings(deployment, current, pods, at)
    return said + [f"a restart does not repair {reason}" for reason in beyond_restart(pods)]


def _moved(plan: Plan, current: Deployment) -> str:
    if current.restarted_at != plan.pins[PREVIOUS]:
        return f"it was restarted at {current.restarted_at or 'no time'} by somebody else"
    if current.template_digest != plan.pins[TEMPLATE]:
        return "its template changed"
    return generation_moved(plan, current)


def _patch(current: Deployment, value: str) -> Patch:
    annotated = {"metadata": {"annotations": {RESTARTED_AT: value}}}
    return Patch({"metadata": current.guard, "spec": {"template": annotated}}, MERGE_PATCH)
