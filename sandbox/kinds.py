"""For every kind that clients may write: which of its members are numbers, and what is refused.

One table, so that creating, updating and patching cannot disagree about a kind.
"""

from collections.abc import Callable
from typing import NamedTuple

from sandbox import bare_pods, deployments, jobs, policies, sets
from sandbox.objects import Object
from sandbox.status import Cause

Problems = Callable[[Object, Object | None], list[Cause]]


class Kind(NamedTuple):
    """`problems` fills in defaults first; `integers` are members of `spec`."""

    problems: Problems
    integers: tuple[str, ...] = ()


KINDS = {
    "Deployment": Kind(deployments.problems, deployments.INTEGERS),
    "StatefulSet": Kind(sets.stateful_problems, sets.STATEFUL_INTEGERS),
    "DaemonSet": Kind(sets.daemon_problems, sets.DAEMON_INTEGERS),
    "Pod": Kind(bare_pods.pod_problems),
    "Job": Kind(jobs.job_problems, jobs.JOB_INTEGERS),
    "CronJob": Kind(jobs.cron_job_problems, jobs.CRON_INTEGERS),
    "PodDisruptionBudget": Kind(policies.budget_problems),
    "HorizontalPodAutoscaler": Kind(policies.scaler_problems, policies.SCALER_INTEGERS),
    "ResourceQuota": Kind(policies.quota_problems),
    "ScaledObject": Kind(policies.custom_problems),
    "PodMetrics": Kind(policies.custom_problems),
    "NodeMetrics": Kind(policies.custom_problems),
    "Node": Kind(policies.node_problems),
}
