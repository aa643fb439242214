"""Restart a deployment whose pods crash-loop: once, and only after a human agrees."""

from datetime import timedelta

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import (
    Events,
    PodLogs,
    PodStates,
    RolloutHealthy,
    RolloutHistory,
    RolloutRestart,
)
from runbooks._rollback import roll_back, why_blameless
from runbooks._seen import pods_seen
from workflows import Runbook, on_alert


@on_alert("KubePodCrashLooping", weight=10)
@workflow.defn(name="restart_crash_loop")
class RestartCrashLoop(Runbook):
    """A restart buys time and hides nothing: the logs are kept before they are lost.

    It cures no wrong image, bad configuration or memory limit; a young rollout to blame is rolled
    back, and people get the rest.
    """

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Keep the evidence, ask, restart, verify. Ask nobody for what cannot help."""
        logs = await self.look(PodLogs(target=case.target, lines=200))
        await self.look(Events(target=case.target))
        history = await self.look(RolloutHistory(target=case.target))
        beyond = logs.facts.get("beyond_restart")
        if workflow.patched("pods-are-classified"):
            states = await self.look(PodStates(target=case.target))
            remedy = states.facts.get("remedy")
            if remedy == "rollback" and not why_blameless(case.target, history.facts):
                return await roll_back(self)
            if remedy != "restart":
                cause = ", ".join(beyond or [states.facts.get("cause") or "what was not seen"])
                why = f"a restart does not cure {cause} of {case.target}: {pods_seen(states.facts)}"
                return Outcome(status="escalated", summary=f"{why}; nothing was written")
        elif beyond:
            why = "new pods get the same image, limits and configuration; nothing was written"
            sick = f"a restart does not cure {', '.join(beyond)} of {case.target}"
            return Outcome(status="escalated", summary=f"{sick}: {why}")

        restart = RolloutRestart(target=case.target)
        await self.approve(restart, within=timedelta(minutes=15))
        await self.act(restart)

        if await self.verify(RolloutHealthy(target=case.target), within=timedelta(minutes=10)):
            return Outcome(status="resolved", summary=f"{case.target} is healthy after one restart")
        return Outcome(status="escalated", summary=f"{case.target} is still sick after a restart")
