"""Run the failed Job of a CronJob once more, when nothing says that it would fail again."""

import asyncio
from datetime import timedelta

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import Events, JobComplete, JobState, PodLogs, PodStates, RerunJob
from runbooks._seen import pods_seen
from workflows import Runbook, on_alert


@on_alert("KubeJobFailed", weight=12)
@workflow.defn(name="rerun_failed_job")
class RerunFailedJob(Runbook):
    """A CronJob's work is made to be run again; whether another Job may run twice, its owner knows.

    The failed Job stays for whoever reads its pods. Its alert fires until it is deleted.
    """

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Keep the logs, ask, run it once more, wait until it has completed."""
        job, states, _, _ = await asyncio.gather(
            self.look(JobState(target=case.target)),
            self.look(PodStates(target=case.target)),
            self.look(PodLogs(target=case.target, lines=200)),
            self.look(Events(target=case.target)),
        )
        why_not = self._why_not(job.facts, states.facts)
        if why_not:
            failed = f"{case.target} failed ({job.facts.get('reason') or 'no reason given'})"
            seen = f"{failed}; {why_not}; {pods_seen(states.facts)}; nothing was written"
            return Outcome(status="escalated", summary=seen)

        rerun = RerunJob(target=case.target)
        await self.approve(rerun, within=timedelta(minutes=15))
        receipt = await self.act(rerun)
        if await self.verify(JobComplete(target=case.target), within=timedelta(minutes=30)):
            rest = f"delete {case.target} when its logs are read, and its alert resolves"
            return Outcome(status="resolved", summary=f"{receipt.summary}; it completed; {rest}")
        again = f"{receipt.summary}; it did not complete in 30 min"
        return Outcome(status="escalated", summary=again)

    def _why_not(self, job: dict[str, object], pods: dict[str, object]) -> str:
        """Why it is not run again, or nothing."""
        if "cron_job" not in job:
            return "its state could not be read"
        if not job["cron_job"]:
            return "no CronJob made it, so nobody has said that it may run twice"
        if job.get("suspended") or job.get("active") or job.get("complete"):
            return "it is suspended, or runs, or has completed by now"
        if pods.get("remedy") in ("rollback", "person"):
            return "it would fail of the same again"
        return ""
