"""Replace the one pod that a workload lacks, when it alone is sick."""

import asyncio
from datetime import timedelta

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import (
    DeletePod,
    Events,
    EvictPod,
    PodLogs,
    PodReplaced,
    PodStates,
    RolloutHistory,
    Surroundings,
)
from runbooks._rollback import roll_back, why_blameless
from runbooks._seen import not_ready, pods_seen, room_seen
from workflows import Runbook, on_alert


@on_alert('alertname=~"Kube(Deployment|StatefulSet)ReplicasMismatch"', weight=5)
@workflow.defn(name="replace_sick_pod")
class ReplaceSickPod(Runbook):
    """One stuck pod has bad luck; what ails several is no luck, and no new pod cures it.

    A sick pod counts in no disruption budget: where none is left, it is deleted, not evicted.
    """

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Keep the evidence, tell one from several, ask, replace, verify."""
        states, around, history, _, _ = await asyncio.gather(
            self.look(PodStates(target=case.target)),
            self.look(Surroundings(target=case.target)),
            self.look(RolloutHistory(target=case.target)),
            self.look(PodLogs(target=case.target, lines=200)),
            self.look(Events(target=case.target)),
        )
        remedy = states.facts.get("remedy")
        if remedy == "rollback" and not why_blameless(case.target, history.facts):
            return await roll_back(self)
        sick = not_ready(states.facts)
        if len(sick) != 1 or remedy in ("rollback", "person"):
            seen = "; ".join(filter(None, (pods_seen(states.facts), room_seen(around.facts))))
            why = f"{case.target}: {seen}; replacing one pod cures none of it; nothing was written"
            return Outcome(status="escalated", summary=why)

        spent = any(budget["allowed"] < 1 for budget in around.facts.get("budgets") or [])
        replace = (DeletePod if spent else EvictPod)(target=case.target, pod=sick[0])
        await self.approve(replace, within=timedelta(minutes=15))
        receipt = await self.act(replace)
        if await self.verify(PodReplaced(target=case.target), within=timedelta(minutes=10)):
            return Outcome(status="resolved", summary=f"{receipt.summary}; its replacement is well")
        why = f"{receipt.summary}; {case.target} still lacks a pod that is ready"
        return Outcome(status="escalated", summary=why)
