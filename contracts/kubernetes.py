"""The steps that touch a Kubernetes cluster. Semantics live in `activities/kubernetes`."""

from typing import ClassVar

from pydantic import Field

from contracts.step import Action, Check, Look


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


class RolloutRestart(Action):
    """Replace all pods of the workload, a few at a time (`kubectl rollout restart`)."""

    activity: ClassVar[str] = "kubernetes.rollout_restart"


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
