"""Empty a node that is not ready, so that its pods run elsewhere; a person gives it back."""

import asyncio
from datetime import timedelta

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import Drain, Events, NodeConditions, NodeReady
from runbooks._nodes import all_ready_elsewhere, why_not_drained
from workflows import Runbook, on_alert

STEADY_SECONDS = 300


@on_alert('alertname=~"KubeNode(NotReady|Unreachable)"', weight=14)
@workflow.defn(name="drain_sick_node")
class DrainSickNode(Runbook):
    """One sick node is emptied, and people are told to repair it. Several at once are no node's
    fault, and nobody drains a control plane at night: people get those as they are.
    """

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """See whether it is well again; otherwise ask, drain, see that its pods run elsewhere."""
        node, _ = await asyncio.gather(
            self.look(NodeConditions(target=case.target)),
            self.look(Events(target=case.target)),
        )
        steady = NodeReady(target=case.target, steady_seconds=STEADY_SECONDS)
        if node.facts.get("ready") == "True" and await self.verify(steady, timedelta(minutes=10)):
            well = f"{case.target} is Ready again, and stayed so for {STEADY_SECONDS // 60} min"
            return Outcome(status="resolved", summary=well)
        why_not = why_not_drained(case.target, node.facts)
        if why_not:
            return Outcome(status="escalated", summary=f"{why_not}; nothing was written")

        drain = Drain(target=case.target)
        await self.approve(drain, within=timedelta(minutes=15))
        receipt = await self.act(drain)
        lacking, unseen = await all_ready_elsewhere(self, node.facts)
        rest = f"its workloads are well elsewhere; repair {case.target}, then uncordon it"
        if unseen:
            rest = f"{unseen} more of its workloads were not looked at: see whether they are ready"
        if lacking:
            rest = f"not ready elsewhere: {', '.join(lacking)}" + (f"; {rest}" if unseen else "")
        return Outcome(status="escalated", summary=f"{receipt.summary}; {rest}")
