"""Raise the maximum of an autoscaler that is at its end, and lower it when the load is over."""

import asyncio

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import Events, Metrics, PodStates, Surroundings
from runbooks._capacity import add_pods
from workflows import Runbook, on_alert


@on_alert("KubeHpaMaxedOut", weight=15)
@workflow.defn(name="raise_hpa_maximum")
class RaiseHpaMaximum(Runbook):
    """More pods help a service that is well and busy; they do not help one that is sick.

    By half, rounded up, and only for a while. It waits until the alert has stayed away for ten
    minutes; after four hours the maximum is what it was, also when that did not help. Started by a
    person while no alert fires, it holds for `hold_seconds`, an hour unless told otherwise.
    """

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Look around, ask, raise, watch, lower."""
        around, states, _, _ = await asyncio.gather(
            self.look(Surroundings(target=case.target)),
            self.look(PodStates(target=case.target)),
            self.look(Metrics(target=case.target)),
            self.look(Events(target=case.target)),
        )
        autoscaler = around.facts.get("autoscaler") or {}
        why_not = self._why_not(autoscaler, states.facts)
        if why_not:
            return Outcome(status="escalated", summary=f"{why_not}; nothing was written")
        return await add_pods(self, autoscaler["max"], raise_max=True)

    def _why_not(self, autoscaler: dict[str, object], pods: dict[str, object]) -> str:
        """Why more pods are not asked for, or nothing."""
        target = self.case.target
        if not autoscaler.get("max"):
            return f"no autoscaler of {target} could be seen"
        if not autoscaler.get("at_max"):
            return f"{autoscaler.get('name')} is no longer at its maximum"
        if "cause" not in pods:
            return f"whether the pods of {target} are well could not be seen"
        if pods["cause"]:
            return f"pods of {target} are sick ({pods['cause']}), and more would be as sick"
        return ""
