"""Pause and resume a Deployment's rollouts.

A pause is signed with the key of the write, so that a retry knows its own, and a `Restore` never
resumes what somebody else has paused. A paused deployment still scales; it rolls nothing out, and
its progress deadline stands still.
"""

from collections.abc import Mapping
from typing import Any

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.ensure import Ensurer
from activities.kubernetes.fields import (
    at_pointer,
    changes_of,
    fields_patch,
    pinned,
    place_of,
    setting,
)
from activities.kubernetes.managers import field_managers
from activities.kubernetes.plans import kubectl, plan_of, slashed
from activities.kubernetes.rehearse import dry_run
from activities.kubernetes.rollout import updated_of
from activities.kubernetes.surroundings import around
from activities.kubernetes.workload import Workload, cluster_of, images_text, read_workload
from contracts.calls import EnsureCall
from contracts.kubernetes import PauseRollout, ResumeRollout
from contracts.plan import BlastRadius, Plan
from contracts.step import Changed, Receipt, StepCall

PAUSED_BY = "firebreak.dev/paused-by"
PAUSED_PATH = "/spec/paused"
PAUSED_BY_PATH = "/metadata/annotations/firebreak.dev~1paused-by"
KINDS = ("Deployment",)


class PauseRolloutAction:
    """`kubernetes.pause_rollout.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{PauseRollout.activity}.plan")
    def plan(self, call: StepCall[PauseRollout]) -> Plan:
        """Raises NotFound, InvalidInput, Refused (not accepted), Rejected, Unavailable."""
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        workload = read_workload(cluster, target, KINDS)
        changes = [_change(workload, PAUSED_PATH, after=True)]
        words = {
            "after": "paused: nothing rolls out until it is resumed",
            "summary": f"Pause the rollout of {target} where it is",
            "noop": workload.paused,
            "kubectl": kubectl(cluster, target, "rollout", "pause", slashed(target)),
        }
        return _plan(call, cluster, workload, changes, words)

    @activity.defn(name=f"{PauseRollout.activity}.ensure")
    def ensure(self, call: EnsureCall[PauseRollout]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        plan, changes = call.plan, changes_of(call.plan)
        if not plan.noop:
            before = plan.pins[PAUSED_BY] or None
            sign = changes[0].model_copy(
                update={"path": PAUSED_BY_PATH, "before": before, "after": call.key}
            )
            changes = (*changes, sign)
        return self._ensurer.bring_about(call, setting(plan, changes))


class ResumeRolloutAction:
    """`kubernetes.resume_rollout.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{ResumeRollout.activity}.plan")
    def plan(self, call: StepCall[ResumeRollout]) -> Plan:
        """Raises as `PauseRolloutAction.plan` does."""
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        workload = read_workload(cluster, target, KINDS)
        paths = (PAUSED_PATH, PAUSED_BY_PATH) if workload.paused else (PAUSED_PATH,)
        changes = [_change(workload, path, after=None) for path in paths]
        words = {
            "after": f"not paused; it rolls out {images_text(workload.template)}",
            "summary": f"Resume the rollout of {target}",
            "noop": not workload.paused,
            "kubectl": kubectl(cluster, target, "rollout", "resume", slashed(target)),
        }
        return _plan(call, cluster, workload, changes, words)

    @activity.defn(name=f"{ResumeRollout.activity}.ensure")
    def ensure(self, call: EnsureCall[ResumeRollout]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        return self._ensurer.bring_about(call, setting(call.plan, changes_of(call.plan)))


def paused_by(workload: Workload) -> str:
    """Who paused it, as far as the object tells, or the empty string when it is not paused."""
    if not workload.paused:
        return ""
    key = raw.annotation(workload.raw, PAUSED_BY)
    if key:
        return f"paused by Firebreak ({key})"
    tools = field_managers(workload.raw, "spec", "paused")
    return f"paused with {', '.join(tools)}" if tools else "paused; it is not known by whom"


def _change(workload: Workload, path: str, *, after: bool | None) -> Changed:
    identity = {"kind": workload.kind, "name": raw.name_of(workload.raw), "uid": workload.uid}
    before = at_pointer(workload.raw, path)
    return Changed(**identity, path=path, before=before, after=after)


def _plan(
    call: StepCall[PauseRollout] | StepCall[ResumeRollout],
    cluster: Cluster,
    workload: Workload,
    changes: list[Changed],
    words: dict[str, Any],
) -> Plan:
    target = call.step.target
    values = [(change.path, change.after) for change in changes]
    place = place_of(target, changes)
    said = around(cluster, target, workload)
    if not words["noop"]:
        accepted = dry_run(cluster, place, fields_patch(workload, values))
        said = said.model_copy(update={"dry_run": accepted})
    updated, wanted = updated_of(workload)
    return plan_of(
        call,
        cluster,
        workload,
        before=paused_by(workload) or "not paused",
        pins=pinned(changes) | {PAUSED_BY: raw.annotation(workload.raw, PAUSED_BY)},
        blast=BlastRadius(ready=workload.ready, desired=workload.replicas, lost=0),
        findings=(f"{updated} of {wanted} pods have the newest template",),
        around=said,
        **words,
    )
