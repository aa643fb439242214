"""How far a workload's rollout is, from one reading: pure, so that each case can be tested.

The rules are those of `kubectl rollout status`, with three additions. A rollout that somebody else
replaced is not ours to call done. The controller may show the failure of the *previous* rollout
although it has seen the new generation: `ProgressDeadlineExceeded` counts at once only when it was
set after our write, otherwise when it stays for a grace. And where nobody replaces pods by itself
(`OnDelete`), a rollout that we caused can never complete.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from activities.kubernetes import raw
from activities.kubernetes.strategy import strategy_of
from activities.kubernetes.workload import Workload
from contracts.kubernetes import RollbackDeployment, RollbackSet, RolloutRestart
from contracts.step import Receipt
from contracts.words import counted

ROLLOUTS = {RolloutRestart.activity, RollbackDeployment.activity, RollbackSet.activity}
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
    the uid and template seen first; empty strings, and generation 0, compare with nothing.
    """

    after: Receipt | None = None
    uid: str = ""
    template: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether the receipt is of a write that was to replace the pods."""
        return self.after is not None and self.after.action in ROLLOUTS

    @property
    def templates(self) -> set[str]:
        """The digests that the template may have while the rollout is ours."""
        return {self.template, self.after.template if self.after else ""} - {""}


def progress_of(workload: Workload, watched: Watched, *, grace_over: bool) -> Progress:
    """Where it stands. `grace_over`: an old failure has been shown for long enough to count."""
    impossible = _lost(workload, watched) or _nothing_runs(workload)
    if impossible:
        return Progress("failed", impossible)
    if workload.status("observedGeneration") < workload.generation:
        return Progress("waiting", "the controller has not seen the newest spec yet")
    if _is_exceeded(workload, watched.after, grace_over=grace_over):
        message = raw.text(workload.condition("Progressing"), "message")
        return Progress("failed", f"its progress deadline has passed: {message}")
    if strategy_of(workload).on_delete:
        return _of_on_delete(workload, watched)
    missing = _missing(workload)
    if missing and workload.paused:
        return Progress("waiting", f"{missing}, and it is paused")
    return Progress("waiting", missing) if missing else Progress("complete", "rolled out")


def updated_of(workload: Workload) -> tuple[int, int]:
    """How many pods have the newest template, and how many shall have it."""
    if workload.kind == "DaemonSet":
        return workload.status("updatedNumberScheduled"), workload.replicas
    held_back = strategy_of(workload).held_back
    return workload.status("updatedReplicas"), workload.replicas - held_back


def _lost(workload: Workload, watched: Watched) -> str:
    """Why this is no longer the rollout that we wait for, or the empty string."""
    if watched.uid and workload.uid != watched.uid:
        return "it was deleted and created again"
    ours = watched.after.generation if watched.after else 0
    if not ours or workload.generation == ours:
        return ""
    if workload.generation < ours:
        return "it was deleted and created again"
    # Scaling raises the generation too, and leaves the template as it was.
    if workload.template_digest in watched.templates:
        return ""
    return (
        f"superseded: somebody changed it again (generation {workload.generation}, ours was {ours})"
    )


def _nothing_runs(workload: Workload) -> str:
    if workload.replicas:
        return ""
    if workload.kind != "DaemonSet":
        return "it is scaled to 0: nothing runs that could be healthy"
    seen = workload.status("observedGeneration") >= workload.generation
    return "no node takes its pods: nothing runs that could be healthy" if seen else ""


def _is_exceeded(workload: Workload, after: Receipt | None, *, grace_over: bool) -> bool:
    progressing = workload.condition("Progressing")
    if raw.text(progressing, "reason") != DEADLINE_EXCEEDED:
        return False
    return grace_over or after is None or _is_fresh(progressing, after.written_at)


def _is_fresh(progressing: raw.Object, written_at: datetime) -> bool:
    """A deadline is a second long at least, so what was set in the second of the write is old."""
    updated = raw.moment(progressing, "lastUpdateTime")
    return updated is not None and updated > written_at


def _of_on_delete(workload: Workload, watched: Watched) -> Progress:
    updated, wanted = updated_of(workload)
    if updated < wanted and watched.is_ours:
        said = f"updateStrategy OnDelete: {counted(wanted - updated, 'pod')} with the old template"
        return Progress("failed", f"{said} until somebody deletes them")
    missing = _unavailable(workload, wanted)
    return Progress("waiting", missing) if missing else Progress("complete", "available")


def _missing(workload: Workload) -> str:
    """What `kubectl rollout status` would still wait for, or the empty string."""
    updated, wanted = updated_of(workload)
    if updated < wanted:
        return f"{updated} of {wanted} pods updated"
    if workload.kind == "Deployment":
        old = workload.status("replicas") - updated
        if old > 0:
            return f"{counted(old, 'old pod')} still there"
        return _unavailable(workload, updated)
    return _unavailable(workload, workload.replicas) or _unsettled(workload)


def _unsettled(workload: Workload) -> str:
    """A StatefulSet says itself when its newest revision has become the current one."""
    status = raw.mapping(workload.raw, "status")
    newest, current = raw.text(status, "updateRevision"), raw.text(status, "currentRevision")
    if workload.kind != "StatefulSet" or strategy_of(workload).held_back or newest == current:
        return ""
    return f"revision {newest} is not the current one yet"


def _unavailable(workload: Workload, wanted: int) -> str:
    field = "numberAvailable" if workload.kind == "DaemonSet" else "availableReplicas"
    available = workload.status(field)
    return f"{available} of {wanted} updated pods available" if available < wanted else ""
