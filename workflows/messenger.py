"""Brings each new revision of an incident to the channels, and outlives the incident.

The activity reads the newest revision from the journal when it delivers, so an outage of a
channel ends with one true message and delays nothing.
"""

from datetime import timedelta

from temporalio import workflow

from contracts.calls import DELIVER, NOTIFY_QUEUE, DeliverCall, Delivered, MessengerStart
from contracts.errors import FirebreakError
from workflows.calls import CHANNEL, call

IDLE = timedelta(days=2)


@workflow.defn
class Messenger:
    """Delivers for one incident; ends when its last revision is out, or after two idle days."""

    @workflow.init
    def __init__(self, start: MessengerStart) -> None:
        self._wanted = start.wanted
        self._tried = 0

    @workflow.run
    async def run(self, start: MessengerStart) -> None:
        """Deliver whenever a newer revision is wanted than was tried."""
        final = False
        while not final or self._wanted > self._tried:
            try:
                await workflow.wait_condition(lambda: self._wanted > self._tried, timeout=IDLE)
            except TimeoutError:
                return
            self._tried = self._wanted
            final = await self._deliver(start.incident)
            if workflow.info().is_continue_as_new_suggested() and self._wanted == self._tried:
                workflow.continue_as_new(start.model_copy(update={"wanted": 0}))

    @workflow.signal
    def revision(self, number: int) -> None:
        """The incident has changed."""
        self._wanted = max(self._wanted, number)

    async def _deliver(self, incident: str) -> bool:
        try:
            done = await call(
                DELIVER,
                DeliverCall(incident=incident),
                Delivered,
                CHANNEL,
                queue=NOTIFY_QUEUE,
                summary=f"revision {self._wanted}",
            )
        except FirebreakError as err:
            # After a day without a channel the journal still has it all; a newer revision retries.
            workflow.logger.error("not delivered", extra={"incident": incident, "why": str(err)})
            return False
        self._tried = max(self._tried, done.revision)
        return done.final
