"""The steps that touch a Kubernetes cluster. Semantics live in `activities/kubernetes`.

A `target` is a Deployment, a StatefulSet or a DaemonSet where nothing else is said.
"""

from typing import ClassVar

from pydantic import Field

from contracts.step import Action, Check, Look, Receipt

# What a runbook waits for elsewhere after a drain: a DaemonSet's pods stay, and a Job's start over
# when they can. With more of them than it waits for, a person must agree to the drain.
AWAITED_KINDS = ("Deployment", "StatefulSet")
AWAITED_MAX = 20
POD_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"


class PodLogs(Look):
    """The last lines of the workload's sickest pods, from before their last restart too. Facts:
    `pods` (a list of {pod, ready, restarts, reason, container, last_reason, last_exit}, sickest
    first), `pods_total`, `pods_ready`, `pods_crash_looping`, and `beyond_restart`: the reasons for
    which new pods of the same template would be as sick, such as OOMKilled or ImagePullBackOff.
    """

    activity: ClassVar[str] = "kubernetes.pod_logs"
    lines: int = Field(default=100, ge=1, le=2000)
    pods_max: int = Field(default=3, ge=1, le=10)


class Events(Look):
    """The recent events of the workload, its ReplicaSets and its pods, newest first."""

    activity: ClassVar[str] = "kubernetes.events"
    events_max: int = Field(default=50, ge=1, le=200)


class RolloutHistory(Look):
    """The revisions of a Deployment. Facts: `current` (revision number), `revisions` (a list of
    {revision, replica_set, images, created_at, ready, change_cause}, newest first),
    `current_age_seconds`, `current_reused` (bool): the current revision is itself a return to an
    older one, as after a rollback; and, where the current one is known, `older_revisions`: the
    numbers of those that run something else and could be returned to, newest first.
    """

    activity: ClassVar[str] = "kubernetes.rollout_history"


class PodStates(Look):
    """What is wrong with the workload's pods, classified. Facts: `pods_total`, `pods_ready`,
    `pods` (as PodLogs has them, each with its `cause`), `causes` ({cause: pods}, most frequent
    first), `cause` (the most frequent, or the empty string) and `remedy`: what may help.

    | cause | remedy |
    | --- | --- |
    | crash_loop, probe | restart |
    | oom, image, config | rollback |
    | unschedulable, quota | person |
    | evicted, node | none: the controller replaces such pods by itself |
    """

    activity: ClassVar[str] = "kubernetes.pod_states"
    pods_max: int = Field(default=10, ge=1, le=50)


class Surroundings(Look):
    """Who else has a say in the workload. Facts: `replicas`, `ready`, `paused`, `autoscaler`
    ({kind, name, min, max, current, desired, at_max} or null), `budgets` (a list of {name,
    allowed, healthy, desired}), `quotas` (a list of {name, resource, used, hard}), `managed_by`
    ("argocd", "flux", "helm", "operator" or empty), `manager`, and `owners` (the controllers above
    it, nearest first).
    """

    activity: ClassVar[str] = "kubernetes.surroundings"


class Metrics(Look):
    """What the workload's pods use now, where the cluster serves metrics. Facts: `served` (bool),
    `cpu_millicores`, `memory_bytes`, `cpu_of_limit` and `memory_of_limit` (the fullest pod's
    share, 0 to 1, or null without a limit).
    """

    activity: ClassVar[str] = "kubernetes.metrics"


class NodeConditions(Look):
    """The state of a Node. Facts: `ready` ("True", "False", "Unknown"), `ready_since_seconds`,
    `pressures` (such as MemoryPressure), `unschedulable`, `control_plane`, `pods`, `workloads` (a
    list of {kind, namespace, name, pods}, the most pods first), `workloads_total` (the list may be
    shorter), `nodes_total`, `nodes_ready`.
    """

    activity: ClassVar[str] = "kubernetes.node_conditions"


class JobState(Look):
    """The state of a Job. Facts: `active`, `succeeded`, `failed`, `complete`, `suspended`,
    `reason` (why it failed), `cron_job` (the name of its CronJob or empty), `backoff_limit`.
    """

    activity: ClassVar[str] = "kubernetes.job_state"


class RolloutRestart(Action):
    """Replace all pods of the workload, a few at a time (`kubectl rollout restart`)."""

    activity: ClassVar[str] = "kubernetes.rollout_restart"


class EvictPod(Action):
    """Have one pod of the workload replaced, as far as its disruption budget allows. The pod is
    pinned by its uid: repeated, it never hits the replacement.
    """

    activity: ClassVar[str] = "kubernetes.evict_pod"
    pod: str = Field(max_length=253, pattern=POD_NAME)


class DeletePod(Action):
    """Delete one sick pod of the workload. It asks no disruption budget, so it is refused for a
    ready pod; never by force. Pinned by its uid.
    """

    activity: ClassVar[str] = "kubernetes.delete_pod"
    pod: str = Field(max_length=253, pattern=POD_NAME)


class Scale(Action):
    """Have `replicas` pods of a Deployment or StatefulSet, an absolute number: repeated, it never
    adds twice. Where a HorizontalPodAutoscaler or a KEDA ScaledObject owns the number, its minimum
    is raised instead. Beyond its maximum it is refused, or, with `raise_max`, only the maximum is
    raised, and the autoscaler adds what it needs. `Restore` takes it back.
    """

    activity: ClassVar[str] = "kubernetes.scale"
    replicas: int = Field(ge=0, le=10_000)
    raise_max: bool = False


class PauseRollout(Action):
    """Stop a Deployment's rollout where it is (`kubectl rollout pause`)."""

    activity: ClassVar[str] = "kubernetes.pause_rollout"


class ResumeRollout(Action):
    """Let a paused Deployment roll out again (`kubectl rollout resume`)."""

    activity: ClassVar[str] = "kubernetes.resume_rollout"


class Restore(Action):
    """Take back what an earlier write of this run changed: a scale, a pause, a cordon. What
    somebody else has changed since is left alone. It was approved with the write that it undoes.
    """

    activity: ClassVar[str] = "kubernetes.restore"
    receipt: Receipt


class Cordon(Action):
    """Let no new pod start on a Node (`kubectl cordon`)."""

    activity: ClassVar[str] = "kubernetes.cordon"


class Uncordon(Action):
    """Let pods start on a Node again (`kubectl uncordon`)."""

    activity: ClassVar[str] = "kubernetes.uncordon"


class Drain(Action):
    """Cordon a Node and evict its pods within their disruption budgets (`kubectl drain`). The pods
    are pinned when it is planned; repeated, it goes on where it was. Refused for control planes,
    for pods without a controller, and, unless `lose_empty_dirs`, for pods with data of their own.
    """

    activity: ClassVar[str] = "kubernetes.drain"
    takes_seconds: ClassVar[int] = 1800
    lose_empty_dirs: bool = False


class DeleteJob(Action):
    """Delete a Job and its pods. A CronJob makes its next one by itself."""

    activity: ClassVar[str] = "kubernetes.delete_job"


class RerunJob(Action):
    """Run a failed Job once more, under a new name that this incident's attempt always gives."""

    activity: ClassVar[str] = "kubernetes.rerun_job"


class RollbackSet(Action):
    """Return a StatefulSet or DaemonSet to an older revision, pinned when it is planned. Without
    `to_revision`: the newest older one that runs something else.
    """

    activity: ClassVar[str] = "kubernetes.rollback_set"
    to_revision: int | None = Field(default=None, ge=1)


class RollbackDeployment(Action):
    """Return to an older revision (`kubectl rollout undo`), pinned when it is planned: repeated,
    it never flips back. Without `to_revision`: the newest older one with another template;
    refused when the current revision is itself a return to an older one.
    """

    activity: ClassVar[str] = "kubernetes.rollback_deployment"
    to_revision: int | None = Field(default=None, ge=1)


class RolloutHealthy(Check):
    """The rollout is complete and its pods stay ready for `steady_seconds` with no restart."""

    activity: ClassVar[str] = "kubernetes.rollout_healthy"
    steady_seconds: int = Field(default=10, ge=0, le=600)


class ReplicasReady(Check):
    """At least so many pods of the workload are ready; without a number, as many as it wants."""

    activity: ClassVar[str] = "kubernetes.replicas_ready"
    at_least: int | None = Field(default=None, ge=1)


class PodReplaced(Check):
    """The pod of a receipt (EvictPod, DeletePod) is gone and the workload's pods are ready."""

    activity: ClassVar[str] = "kubernetes.pod_replaced"


class NodeReady(Check):
    """A Node is Ready and stays so for `steady_seconds`."""

    activity: ClassVar[str] = "kubernetes.node_ready"
    steady_seconds: int = Field(default=60, ge=0, le=3600)


class JobComplete(Check):
    """The Job (or the one that a RerunJob's receipt names) has completed."""

    activity: ClassVar[str] = "kubernetes.job_complete"
