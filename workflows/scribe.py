"""Writes an incident's story: one `record` activity a line, then a word to the Messenger.

Keys are minted from the incident's own counters, so that a retried line is the same line.
"""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from contracts.alert import Alert
from contracts.approval import Approval
from contracts.calls import RECORD, MessengerStart
from contracts.case import NOBODY
from contracts.errors import Stop
from contracts.journal import Event, IncidentChange, Record, Recorded
from contracts.toil import Observation
from workflows.calls import finished, steadfast

MESSENGER = "Messenger"


class Scribe:
    """`root` is what all keys of this run begin with; `lines` counts what was written."""

    def __init__(self, incident: str, root: str, *, messenger: bool, lines: int = 0) -> None:
        self.incident = incident
        self.root = root
        self.messenger = messenger
        self.lines = lines

    def event(
        self, kind: str, text: str, actor: str = NOBODY, data: dict[str, Any] | None = None
    ) -> Event:
        """The next line of the timeline, at the workflow's time."""
        self.lines += 1
        return Event(
            key=f"{self.root}#{self.lines}",
            at=workflow.now(),
            actor=actor,
            type=kind,
            text=text,
            data=data or {},
        )

    async def write(
        self,
        *events: Event,
        change: IncidentChange | None = None,
        approval: Approval | None = None,
        alerts: tuple[Alert, ...] = (),
        observations: tuple[Observation, ...] = (),
    ) -> None:
        """Record all of it in one transaction, then tell the Messenger the new revision."""
        record = Record(
            incident=self.incident,
            change=change,
            alerts=alerts,
            events=events,
            approval=approval,
            observations=observations,
        )
        summary = events[0].text[:200] if events else "record"
        try:
            recorded = await finished(steadfast(RECORD, record, Recorded, summary))
        except Stop as err:
            # A line that the journal refuses must not end the incident that it is about.
            keys = {"incident": self.incident, "line": summary, "why": err.message}
            workflow.logger.error("the journal refused a line", extra=keys)
            return
        if self.messenger:
            await tell_messenger(self.incident, recorded.revision)


async def tell_messenger(incident: str, revision: int) -> None:
    """Signal the Messenger, starting it when it is not there. Never waits for a channel."""
    messenger = workflow.get_external_workflow_handle(f"messenger/{incident}")
    try:
        await messenger.signal("revision", revision)
    except ApplicationError:
        await _start_messenger(incident, revision)


async def _start_messenger(incident: str, revision: int) -> None:
    try:
        await workflow.start_child_workflow(
            MESSENGER,
            MessengerStart(incident=incident, wanted=revision),
            id=f"messenger/{incident}",
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary=f"messages about {incident}",
            run_timeout=timedelta(days=60),
        )
    except WorkflowAlreadyStartedError:
        # Somebody else started it between our signal and our start; the next revision reaches it.
        workflow.logger.info("messenger runs already", extra={"incident": incident})
