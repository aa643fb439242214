"""A Deployment as it was read: what only a Deployment has.

Everything here is a reading; nothing here writes.
"""

from dataclasses import dataclass

from activities.kubernetes import raw
from activities.kubernetes.client import ANYWHERE, Cluster
from activities.kubernetes.subject import Subject, require_same
from activities.kubernetes.workload import Workload
from contracts.errors import InvalidInput
from contracts.plan import Plan
from contracts.target import Target

OPT_OUT = "firebreak.dev/opt-out"
REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Deployment(Workload):
    """One reading of a Deployment."""

    @property
    def paused(self) -> bool:
        """Whether its rollouts are paused (`kubectl rollout pause`)."""
        return raw.dig(self.raw, "spec", "paused") is True


def read_deployment(cluster: Cluster, target: Target) -> Deployment:
    """Read it; raises InvalidInput for another kind, NotFound when it is missing."""
    if target.kind != "Deployment":
        raise InvalidInput(
            f"{target}: only Deployments are supported so far, not {target.kind}s",
            f"Handle the {target.kind} by hand; the incident keeps its evidence.",
        )
    answer = cluster.get("Deployment", target.namespace, target.name)
    return Deployment(answer.body, answer.at)


def opted_out(cluster: Cluster, deployment: Subject, namespace: str) -> bool:
    """Whether the workload or its namespace carries the opt-out annotation."""
    if raw.annotation(deployment.raw, OPT_OUT) == "true":
        return True
    return raw.annotation(cluster.get("Namespace", ANYWHERE, namespace).body, OPT_OUT) == "true"


def read_planned(cluster: Cluster, plan: Plan) -> Deployment:
    """Read the deployment of a plan; raises PlanChanged when it is another one by now."""
    current = read_deployment(cluster, plan.target)
    require_same(plan, current)
    return current
