"""Do the one thing that the params name; a test kills the worker meanwhile."""

from datetime import timedelta

from temporalio import workflow

from contracts import Case, Outcome
from contracts import kubernetes as steps
from contracts.step import Action, Check
from workflows import Runbook


@workflow.defn(name="do_one")
class DoOne(Runbook):
    """Started by hand only. With `restore`, what was written is taken back at once."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Write, and say what was written."""
        receipt = await self.act(self._wanted(case))
        if case.params.get("restore"):
            receipt = await self.act(steps.Restore(target=case.target, receipt=receipt))
        # A job is no workload, and the siblings of the pod that is deleted stay as sick as it was.
        ends_here = case.target.kind == "Job" or case.params["do"] == "delete pod"
        if not ends_here and not await self.verify(self._check(case), within=timedelta(seconds=90)):
            return Outcome(status="escalated", summary=f"{receipt.summary}; not well")
        return Outcome(status="resolved", summary=receipt.summary)

    def _check(self, case: Case) -> Check:
        if case.target.kind == "Node":
            return steps.NodeReady(target=case.target, steady_seconds=0)
        return steps.ReplicasReady(target=case.target)

    def _wanted(self, case: Case) -> Action:
        params = dict(case.params.get("step", {}))
        known: dict[str, type[Action]] = {
            "restart": steps.RolloutRestart,
            "evict": steps.EvictPod,
            "delete pod": steps.DeletePod,
            "scale": steps.Scale,
            "roll back": steps.RollbackDeployment,
            "roll back a set": steps.RollbackSet,
            "pause": steps.PauseRollout,
            "resume": steps.ResumeRollout,
            "cordon": steps.Cordon,
            "uncordon": steps.Uncordon,
            "drain": steps.Drain,
            "delete a job": steps.DeleteJob,
            "run a job again": steps.RerunJob,
        }
        return known[case.params["do"]](target=case.target, **params)
