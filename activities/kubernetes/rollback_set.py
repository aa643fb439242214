"""Rollback of a StatefulSet or DaemonSet to one of its ControllerRevisions, as `returning.py`
says it. The pods that an ordered StatefulSet waits for are not touched: a plan names them.
"""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes.client import Cluster
from activities.kubernetes.ensure import Ensurer
from activities.kubernetes.returning import change_of, plan_return
from activities.kubernetes.workload import cluster_of
from contracts.calls import EnsureCall
from contracts.kubernetes import RollbackSet
from contracts.plan import Plan
from contracts.step import Receipt, StepCall

KINDS = ("StatefulSet", "DaemonSet")


class RollbackSetAction:
    """`kubernetes.rollback_set.plan` and `.ensure`."""

    def __init__(self, clusters: Mapping[str, Cluster], ensurer: Ensurer) -> None:
        self._clusters = clusters
        self._ensurer = ensurer

    @activity.defn(name=f"{RollbackSet.activity}.plan")
    def plan(self, call: StepCall[RollbackSet]) -> Plan:
        """Raises as `plan_return` does."""
        return plan_return(call, cluster_of(self._clusters, call.step.target.cluster), KINDS)

    @activity.defn(name=f"{RollbackSet.activity}.ensure")
    def ensure(self, call: EnsureCall[RollbackSet]) -> Receipt:
        """Raises as `Ensurer.bring_about` does."""
        return self._ensurer.bring_about(call, change_of(call.plan))
