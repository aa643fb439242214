"""What a run has changed and not given back yet, told to whoever takes over.

A runbook gives back what it lent at its end. One that is cancelled has no end: what it raised
stays, and the person at the keyboard must know it. Nothing here writes to a cluster.
"""

from temporalio import workflow

from contracts.calls import cluster_queue
from contracts.case import Case
from contracts.errors import FirebreakError
from contracts.kubernetes import Restore
from contracts.plan import Plan
from contracts.step import Action, Receipt, StepCall
from workflows.calls import READ, call
from workflows.scribe import Scribe


class Loans:
    """The receipts of one run whose fields a `Restore` could take back, and none has."""

    def __init__(self, case: Case, scribe: Scribe) -> None:
        self._case = case
        self._scribe = scribe
        self._open: dict[str, Receipt] = {}

    def settled(self, action: Action, receipt: Receipt) -> Receipt:
        """Remember what was changed, or that it was taken back; the receipt as it is."""
        if isinstance(action, Restore):
            self._open.pop(action.receipt.key, None)
        elif any(change.path for change in receipt.changed):
            self._open[receipt.key] = receipt
        return receipt

    async def tell(self) -> None:
        """One line for each, with the command that gives it back; none where nothing is left."""
        if not self._open or not workflow.patched("cancelled-runs-say-what-stays"):
            return
        for receipt in self._open.values():
            text = await self._line(receipt)
            if text:
                line = self._scribe.event("note", text, data={"restores": receipt.key})
                await self._scribe.write(line)

    async def _line(self, receipt: Receipt) -> str:
        step = Restore(target=receipt.target, receipt=receipt)
        wanted: StepCall[Restore] = StepCall(
            key=f"{receipt.key}/back", incident=self._case.incident, at=workflow.now(), step=step
        )
        where = {"queue": cluster_queue(step.target.cluster), "summary": step.label}
        try:
            plan = await call(f"{step.activity}.plan", wanted, Plan, READ, **where)
        except FirebreakError as err:
            return f"still changed: {_fields(receipt)}; give it back by hand ({err.message})"
        if plan.noop:
            return ""
        return f"still changed: {plan.before}; give it back with: {plan.kubectl}"


def _fields(receipt: Receipt) -> str:
    return "; ".join(
        f"{change.path.rpartition('/')[2]} of {change.kind}/{change.name} was {change.before}, and "
        f"was set to {change.after}"
        for change in receipt.changed
        if change.path
    )
