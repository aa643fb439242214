"""The runbook that an incident runs now, as its child, and how it ended."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import (
    ApplicationError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

from contracts.case import Case, Outcome
from workflows.calls import WRITE

RUN_WITHIN = timedelta(hours=48)
CANCEL_WITHIN = timedelta(seconds=WRITE.total_seconds + 120)


class Attempts:
    """At most one child at a time. `ended` holds its outcome until the loop takes it."""

    def __init__(self) -> None:
        self._child: workflow.ChildWorkflowHandle[object, Outcome] | None = None
        self._ended: Outcome | None = None
        self._calmed = False
        self._began = self._over = datetime.min.replace(tzinfo=UTC)
        self.attempt = 0
        self.dry_run = False
        self.runbook = ""

    @property
    def running(self) -> bool:
        """Whether a runbook runs, or has ended and was not taken note of yet."""
        return self._child is not None

    @property
    def has_ended(self) -> bool:
        """Whether there is an outcome to take."""
        return self._ended is not None

    @property
    def calmed(self) -> bool:
        """Whether the running child was told that its alerts have resolved."""
        return self._calmed

    async def start(self, case: Case) -> bool:
        """Start the case's runbook as a child of this workflow.

        False when a run of that attempt exists already, as it does after this workflow was reset:
        nobody can be its parent any more, so it is cancelled, and another attempt may begin.
        """
        self._calmed = False
        self._began, self.attempt = workflow.now(), case.attempt
        self.dry_run, self.runbook = case.dry_run, case.runbook
        try:
            self._child = await workflow.start_child_workflow(
                case.runbook,
                case,
                id=f"runbook/{case.key}",
                result_type=Outcome,
                execution_timeout=RUN_WITHIN,
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                static_summary=f"{case.runbook} on {case.target}",
            )
        except WorkflowAlreadyStartedError:
            await _cancel_orphan(f"runbook/{case.key}")
            return False
        self._watcher = asyncio.create_task(self._watch(self._child))
        return True

    async def _watch(self, child: "workflow.ChildWorkflowHandle[object, Outcome]") -> None:
        try:
            self._ended = await child
        except ChildWorkflowError as err:
            self._ended = _outcome_of(err)
        # An outage of the books may keep the loop from taking the outcome for hours.
        self._over = workflow.now()

    def take(self) -> Outcome | None:
        """The outcome, once; afterwards the next runbook may start."""
        outcome = self._ended
        if outcome is not None:
            self._child = self._ended = None
        return outcome

    def figures(self, outcome: Outcome) -> dict[str, Any]:
        """What the journal keeps of the run that has just ended, to count and to time it.

        Nothing of it is carried into the incident's next run: that begins only when no runbook
        runs.
        """
        return {
            "runbook": self.runbook,
            "attempt": self.attempt,
            "status": outcome.status,
            "dry_run": self.dry_run,
            "started_at": self._began.isoformat(),
            "seconds": int((self._over - self._began).total_seconds()),
        }

    async def cancel(self) -> None:
        """Cancel the child and wait for its end: a write under way is finished first."""
        if self._child is None or self.has_ended:
            return
        self._child.cancel()
        try:
            await workflow.wait_condition(lambda: self.has_ended, timeout=CANCEL_WITHIN)
        except TimeoutError:
            workflow.logger.error("a cancelled runbook does not end", extra={"id": self._child.id})

    async def calm(self, reason: str) -> None:
        """Tell the child once that its alerts have resolved, so that it stops asking."""
        if self._child is None or self.has_ended or self._calmed:
            return
        self._calmed = True
        try:
            await self._child.signal("stand_down", reason)
        except ApplicationError:
            # It ended while we spoke; its outcome is on the way.
            workflow.logger.info("nobody to calm", extra={"id": self._child.id})


async def _cancel_orphan(run: str) -> None:
    try:
        await workflow.get_external_workflow_handle(run).cancel()
    except ApplicationError:
        workflow.logger.info("an orphan has ended", extra={"id": run})


def _outcome_of(err: ChildWorkflowError) -> Outcome:
    if is_cancelled_exception(err):
        return Outcome(status="escalated", summary="cancelled, because a person acts")
    return Outcome(status="failed", summary=f"the runbook failed: {err.cause or err}")
