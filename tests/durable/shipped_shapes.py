"""Every way through the runbooks that ship, as something to live through on a real server.

Each shape starts one runbook in a scripted world and gives the people's answer. Its name is the
name of the history that is recorded of it, once and for all.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from temporalio.client import WorkflowHandle

from contracts.kubernetes import (
    JobComplete,
    JobState,
    NodeConditions,
    NodeReady,
    PodReplaced,
    PodStates,
    ReplicasReady,
    RolloutHistory,
    Surroundings,
)
from contracts.plan import Reason, Verdict
from contracts.signals import AlertsResolved
from contracts.step import Changed
from durable.conftest import Bench
from runbooks._capacity import HELD
from runbooks.drain_sick_node import DrainSickNode
from runbooks.raise_hpa_maximum import RaiseHpaMaximum
from runbooks.relieve_service import RelieveService
from runbooks.replace_sick_pod import ReplaceSickPod
from runbooks.rerun_failed_job import RerunFailedJob
from runbooks.restart_crash_loop import RestartCrashLoop

Answer = Literal["approve", "deny", "silence", "refused", "unasked"]
Handle = WorkflowHandle[Any, Any]
Shape = Callable[[Bench], Awaitable[Handle]]
Facts = dict[str, dict[str, Any]]

DENIED = Verdict(
    ruling="deny", reasons=(Reason(rule="namespaces", ruling="deny", text="not on the list"),)
)
WELL: dict[str, Any] = {
    "pods_total": 3,
    "pods_ready": 3,
    "pods": [],
    "causes": {},
    "cause": "",
    "remedy": "",
}
OLD: dict[str, Any] = {"current_age_seconds": 999_999}
YOUNG: dict[str, Any] = {"current_age_seconds": 40, "older_revisions": [1]}
FULL: dict[str, Any] = {"replicas": 5, "autoscaler": {"name": "web", "max": 5, "at_max": True}}
FAILED: dict[str, Any] = {"failed": 1, "cron_job": "nightly", "reason": "BackoffLimitExceeded"}
WEB = {"kind": "Deployment", "namespace": "shop", "name": "web", "pods": 2}
DOWN: dict[str, Any] = {"ready": "False", "nodes_total": 3, "nodes_ready": 2, "workloads": [WEB]}
RAISED = Changed(kind="HorizontalPodAutoscaler", name="web", uid="u", path="/spec/maxReplicas")


def ill(cause: str, remedy: str, **more: Any) -> dict[str, Any]:
    """The facts of PodStates with one sick pod of three."""
    pods = [{"pod": "web-1", "ready": False, "cause": cause}]
    return WELL | {"pods": pods, "causes": {cause: 1}, "cause": cause, "remedy": remedy} | more


class Told(NamedTuple):
    """One shape: what the looks find, what people say, and which checks do not hold; `alone`: no
    alert fires, and a person started it.
    """

    runbook: Any
    facts: Facts
    answer: Answer = "approve"
    fails: tuple[str, ...] = ()
    held: bool = False
    alone: bool = False


LOOPING: Facts = {PodStates.activity: ill("crash_loop", "restart")}
BAD_IMAGE: Facts = {PodStates.activity: ill("image", "rollback"), RolloutHistory.activity: YOUNG}
BUSY: Facts = {PodStates.activity: WELL, Surroundings.activity: FULL, RolloutHistory.activity: OLD}
LACKING: Facts = LOOPING | {RolloutHistory.activity: OLD}
BROKEN_JOB: Facts = {JobState.activity: FAILED, PodStates.activity: WELL}
LOST: Facts = {NodeConditions.activity: DOWN}
SLOW_RELEASE: Facts = BUSY | {RolloutHistory.activity: YOUNG}

SHIPPED_SHAPES: dict[str, Told] = {
    "loop_restarted": Told(RestartCrashLoop, LOOPING),
    "loop_restarted_in_vain": Told(
        RestartCrashLoop, LOOPING, fails=("kubernetes.rollout_healthy",)
    ),
    "loop_rolled_back": Told(RestartCrashLoop, BAD_IMAGE),
    "loop_incurable": Told(
        RestartCrashLoop,
        {PodStates.activity: ill("oom", "rollback"), RolloutHistory.activity: OLD},
        "unasked",
    ),
    "loop_denied": Told(RestartCrashLoop, LOOPING, "deny"),
    "loop_expired": Told(RestartCrashLoop, LOOPING, "silence"),
    "loop_refused": Told(RestartCrashLoop, LOOPING, "refused"),
    "relieved_by_rollback": Told(RelieveService, SLOW_RELEASE),
    "relieved_in_vain": Told(RelieveService, SLOW_RELEASE, fails=("kubernetes.rollout_healthy",)),
    "relieved_by_pods": Told(RelieveService, BUSY),
    "relieved_by_nothing": Told(RelieveService, BUSY | {Surroundings.activity: {}}, "unasked"),
    "relieve_denied": Told(RelieveService, SLOW_RELEASE, "deny"),
    "relieve_expired": Told(RelieveService, SLOW_RELEASE, "silence"),
    "relieve_refused": Told(RelieveService, SLOW_RELEASE, "refused"),
    "hpa_raised_and_lowered": Told(RaiseHpaMaximum, BUSY),
    "hpa_held_without_alerts": Told(RaiseHpaMaximum, BUSY, held=True, alone=True),
    "hpa_raised_in_vain": Told(RaiseHpaMaximum, BUSY, fails=(AlertsResolved.activity,), held=True),
    "hpa_pods_do_not_come": Told(
        RaiseHpaMaximum,
        BUSY,
        fails=(ReplicasReady.activity, AlertsResolved.activity),
        held=True,
    ),
    "hpa_sick": Told(RaiseHpaMaximum, BUSY | LOOPING, "unasked"),
    "hpa_denied": Told(RaiseHpaMaximum, BUSY, "deny"),
    "hpa_expired": Told(RaiseHpaMaximum, BUSY, "silence"),
    "hpa_refused": Told(RaiseHpaMaximum, BUSY, "refused"),
    "pod_evicted": Told(ReplaceSickPod, LACKING),
    "pod_deleted": Told(
        ReplaceSickPod,
        LACKING | {Surroundings.activity: {"budgets": [{"name": "web", "allowed": 0}]}},
    ),
    "pod_replaced_in_vain": Told(ReplaceSickPod, LACKING, fails=(PodReplaced.activity,)),
    "pod_release_rolled_back": Told(ReplaceSickPod, BAD_IMAGE),
    "pod_incurable": Told(
        ReplaceSickPod, {PodStates.activity: ill("unschedulable", "person")}, "unasked"
    ),
    "pod_denied": Told(ReplaceSickPod, LACKING, "deny"),
    "pod_expired": Told(ReplaceSickPod, LACKING, "silence"),
    "pod_refused": Told(ReplaceSickPod, LACKING, "refused"),
    "job_rerun": Told(RerunFailedJob, BROKEN_JOB),
    "job_rerun_in_vain": Told(RerunFailedJob, BROKEN_JOB, fails=(JobComplete.activity,)),
    "job_without_cron_job": Told(
        RerunFailedJob, BROKEN_JOB | {JobState.activity: FAILED | {"cron_job": ""}}, "unasked"
    ),
    "job_denied": Told(RerunFailedJob, BROKEN_JOB, "deny"),
    "job_expired": Told(RerunFailedJob, BROKEN_JOB, "silence"),
    "job_refused": Told(RerunFailedJob, BROKEN_JOB, "refused"),
    "node_well_again": Told(
        DrainSickNode, {NodeConditions.activity: DOWN | {"ready": "True"}}, "unasked"
    ),
    "node_flaps": Told(
        DrainSickNode,
        {NodeConditions.activity: DOWN | {"ready": "True"}},
        fails=(NodeReady.activity,),
    ),
    "node_drained": Told(DrainSickNode, LOST),
    "node_pods_lost": Told(DrainSickNode, LOST, fails=(ReplicasReady.activity,)),
    "nodes_lost": Told(
        DrainSickNode, {NodeConditions.activity: DOWN | {"nodes_ready": 1}}, "unasked"
    ),
    "node_denied": Told(DrainSickNode, LOST, "deny"),
    "node_expired": Told(DrainSickNode, LOST, "silence"),
    "node_refused": Told(DrainSickNode, LOST, "refused"),
}


def shape_of(name: str) -> Shape:
    """What lives through the shape of that name."""
    told = SHIPPED_SHAPES[name]

    async def shape(bench: Bench) -> Handle:
        world = bench.world
        world.facts, world.facts_of, world.changed = {}, dict(told.facts), (RAISED,)
        world.holds = dict.fromkeys(told.fails, False)
        if told.answer == "refused":
            world.verdict = DENIED
        alerts = () if told.alone else (bench.alert(),)
        handle = await bench.start(told.runbook, alerts=alerts)
        await _answer(bench, handle, told.answer)
        if told.held:
            await bench.until(lambda: "escalated" in world.types)
            await bench.environment.fast_forward(handle, HELD)
        return handle

    shape.__name__ = name
    return shape


async def _answer(bench: Bench, handle: Handle, answer: Answer) -> None:
    """Say it once when asked, and yes to whatever is asked after a yes."""
    if answer in ("refused", "unasked"):
        return
    asked = await bench.asked()
    if answer == "silence":
        await bench.environment.fast_forward(handle, timedelta(minutes=16))
    elif answer == "deny":
        await bench.decide(asked, "ana", "deny", "not tonight")
    else:
        bench.world.verdict = Verdict(ruling="allow")
        await bench.decide(asked)
