"""Return a deployment to its last good revision when a rollout has made the service sick."""

from datetime import timedelta

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import PodLogs, RollbackDeployment, RolloutHealthy, RolloutHistory
from workflows import Runbook, on_alert

SUSPECT_ROLLOUT_SECONDS = 86_400


@on_alert('alertname=~"High.+(Latency|ErrorRate)"', 'severity="critical"', weight=20)
@on_alert("KubeDeploymentRolloutStuck", weight=20)
@workflow.defn(name="rollback_deployment")
class RollbackBadRollout(Runbook):
    """Blames the newest rollout only when it is young; an old one did not break the service now."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Keep the evidence, blame a young rollout, ask, roll back, verify."""
        await self.look(PodLogs(target=case.target, lines=200))
        history = await self.look(RolloutHistory(target=case.target))
        age = history.facts.get("current_age_seconds")
        if age is None or age > SUSPECT_ROLLOUT_SECONDS:
            return Outcome(status="escalated", summary="no rollout of the last day to blame")
        if history.facts.get("current_reused"):
            now = f"revision {history.facts.get('current')} of {case.target}"
            why = "is itself a return to an older one; a person must name the revision to go to"
            return Outcome(status="escalated", summary=f"{now} {why}")

        rollback = RollbackDeployment(target=case.target)
        await self.approve(rollback, within=timedelta(minutes=15))
        receipt = await self.act(rollback)

        if await self.verify(RolloutHealthy(target=case.target), within=timedelta(minutes=10)):
            return Outcome(status="resolved", summary=f"{receipt.summary}; pods are healthy")
        return Outcome(status="escalated", summary=f"{case.target} is still sick after a rollback")
