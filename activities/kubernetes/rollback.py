"""Rollback of a Deployment to one of its ReplicaSets, as `returning.py` says it."""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes.client import Cluster
from activities.kubernetes.ensure import Ensurer
from activities.kubernetes.returning import change_of, plan_return
from activities.kubernetes.workload import cluster_of
from contracts.calls import EnsureCall
from contracts.kubernetes import RollbackDeployment
from contracts.plan import Plan
from contracts.step import Receipt, StepCall

KINDS = ("Deployment",)


class RollbackDeploymentAction:
    """`kubernetes.rollback_deployment.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{RollbackDeployment.activity}.plan")
    def plan(self, call: StepCall[RollbackDeployment]) -> Plan:
        """Raises as `plan_return` does."""
        return plan_return(call, cluster_of(self._clusters, call.step.target.cluster), KINDS)

    @activity.defn(name=f"{RollbackDeployment.activity}.ensure")
    def ensure(self, call: EnsureCall[RollbackDeployment]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        return self._ensurer.bring_about(call, change_of(call.plan))
