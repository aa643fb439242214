"""Blaming the newest rollout, and returning to the one before it: what several runbooks do alike.

It runs inside every one of them, also in those that are in flight: change it with their care.
"""

from collections.abc import Mapping
from datetime import timedelta

from contracts import Outcome, Target
from contracts.kubernetes import RollbackDeployment, RollbackSet, RolloutHealthy
from workflows import Runbook

SUSPECT_ROLLOUT_SECONDS = 86_400


def why_blameless(target: Target, history: Mapping[str, object]) -> str:
    """Why no rollback is asked for, or nothing. `history`: the facts of RolloutHistory."""
    age = history.get("current_age_seconds")
    if not isinstance(age, int) or age > SUSPECT_ROLLOUT_SECONDS:
        return "no rollout of the last day to blame"
    if history.get("older_revisions") == []:
        return f"{target} has no older revision to return to"
    if history.get("current_reused"):
        now = f"revision {history.get('current')} of {target}"
        return f"{now} is itself a return to an older one; a person must name the one to go to"
    return ""


async def roll_back(runbook: Runbook) -> Outcome:
    """Ask, roll back, verify."""
    target = runbook.case.target
    is_set = target.kind != "Deployment"
    rollback = RollbackSet(target=target) if is_set else RollbackDeployment(target=target)
    await runbook.approve(rollback, within=timedelta(minutes=15))
    receipt = await runbook.act(rollback)
    if await runbook.verify(RolloutHealthy(target=target), within=timedelta(minutes=10)):
        return Outcome(status="resolved", summary=f"{receipt.summary}; pods are healthy")
    return Outcome(status="escalated", summary=f"{target} is still sick after a rollback")
