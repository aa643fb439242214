"""Return a deployment to its last good revision when a rollout has made the service sick."""

from datetime import timedelta

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import PodLogs, RollbackDeployment, RolloutHealthy, RolloutHistory
from runbooks._rollback import why_blameless
from workflows import Runbook, on_alert


@on_alert('alertname=~"High.+ErrorRate"', 'severity="critical"', weight=20)
@on_alert("KubeDeploymentRolloutStuck", weight=20)
@workflow.defn(name="rollback_deployment")
class RollbackBadRollout(Runbook):
    """Blames the newest rollout only when it is young; an old one did not break the service now.

    Ready pods acquit no rollout: a slow release is ready, and slow.
    """

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Keep the evidence, blame a young rollout, ask, roll back, verify."""
        logs = await self.look(PodLogs(target=case.target, lines=200))
        history = await self.look(RolloutHistory(target=case.target))
        blameless = why_blameless(case.target, history.facts)
        if blameless:
            ready, total = logs.facts.get("pods_ready"), logs.facts.get("pods_total")
            seen = total is not None
            pods = f"{ready} of {total} pods are ready" if seen else "its pods could not be read"
            summary = f"{blameless}; {pods}; nothing was written"
            return Outcome(status="escalated", summary=summary)

        rollback = RollbackDeployment(target=case.target)
        await self.approve(rollback, within=timedelta(minutes=15))
        receipt = await self.act(rollback)

        if await self.verify(RolloutHealthy(target=case.target), within=timedelta(minutes=10)):
            return Outcome(status="resolved", summary=f"{receipt.summary}; pods are healthy")
        return Outcome(status="escalated", summary=f"{case.target} is still sick after a rollback")
