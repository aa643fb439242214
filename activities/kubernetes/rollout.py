"""How far a Deployment's rollout is, from one reading: pure, so that each case can be tested.

The rules are those of `kubectl rollout status`, with two additions. A rollout that somebody else
replaced is not ours to call done. And the controller may show the failure of the *previous*
rollout although it has seen the new generation: `ProgressDeadlineExceeded` counts at once only
when it was set after our write, otherwise when it stays for a grace.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from activities.kubernetes import raw
from activities.kubernetes.deployment import Deployment
from contracts.step import Receipt

DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"

State = Literal["waiting", "complete", "failed"]


@dataclass(frozen=True)
class Progress:
    """`failed` is final: waiting longer cannot help."""

    state: State
    detail: str


@dataclass(frozen=True)
class Watched:
    """What the rollout must still be: the receipt of the write that caused it, if one did, and
    the uid and template seen first; empty strings compare with nothing.
    """

    after: Receipt | None = None
    uid: str = ""
    template: str = ""


def progress_of(deployment: Deployment, watched: Watched, *, grace_over: bool) -> Progress:
    """Where it stands. `grace_over`: an old failure has been shown for long enough to count."""
    lost = _lost(deployment, watched)
    if lost:
        return Progress("failed", lost)
    if deployment.replicas == 0:
        return Progress("failed", "it is scaled to 0: nothing runs that could be healthy")
    if deployment.status("observedGeneration") < deployment.generation:
        return Progress("waiting", "the controller has not seen the newest spec yet")
    if _is_exceeded(deployment, watched.after, grace_over=grace_over):
        message = raw.text(deployment.condition("Progressing"), "message")
        return Progress("failed", f"its progress deadline has passed: {message}")
    missing = _missing(deployment)
    if missing and deployment.paused:
        return Progress("waiting", f"{missing}, and it is paused")
    return Progress("waiting", missing) if missing else Progress("complete", "rolled out")


def _lost(deployment: Deployment, watched: Watched) -> str:
    """Why this is no longer the rollout that we wait for, or the empty string."""
    if watched.uid and deployment.uid != watched.uid:
        return "it was deleted and created again"
    after = watched.after
    if after is None or deployment.generation == after.generation:
        return ""
    if deployment.generation < after.generation:
        return "it was deleted and created again"
    # Scaling raises the generation too, and leaves the template as it was.
    if watched.template and deployment.template_digest == watched.template:
        return ""
    return (
        f"superseded: somebody changed it again (generation {deployment.generation}, "
        f"ours was {after.generation})"
    )


def _is_exceeded(deployment: Deployment, after: Receipt | None, *, grace_over: bool) -> bool:
    progressing = deployment.condition("Progressing")
    if raw.text(progressing, "reason") != DEADLINE_EXCEEDED:
        return False
    return grace_over or after is None or _is_fresh(progressing, after.written_at)


def _is_fresh(progressing: raw.Object, written_at: datetime) -> bool:
    """A deadline is a second long at least, so what was set in the second of the write is old."""
    updated = raw.moment(progressing, "lastUpdateTime")
    return updated is not None and updated > written_at


def _missing(deployment: Deployment) -> str:
    """What `kubectl rollout status` would still wait for, or the empty string."""
    wanted, updated = deployment.replicas, deployment.status("updatedReplicas")
    if updated < wanted:
        return f"{updated} of {wanted} pods updated"
    old = deployment.status("replicas") - updated
    if old > 0:
        return f"{old} old pods still there"
    available = deployment.status("availableReplicas")
    return f"{available} of {updated} updated pods available" if available < updated else ""
