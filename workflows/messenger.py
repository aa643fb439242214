"""Brings each new revision of an incident to the channels, and outlives the incident.

The activity reads the newest revision from the journal when it delivers, so an outage of a
channel ends with one true message and delays nothing. A delivery that waits for a channel gives way
to a newer revision, which the other channels need not wait for.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow

from contracts.calls import DELIVER, NOTIFY_QUEUE, DeliverCall, Delivered, MessengerStart
from contracts.errors import FirebreakError
from workflows.calls import CHANNEL, call

IDLE = timedelta(days=2)
# How long a newer revision waits for the delivery of an older one.
PATIENCE = timedelta(seconds=5)


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
        delivering = asyncio.ensure_future(
            call(
                DELIVER,
                DeliverCall(incident=incident),
                Delivered,
                CHANNEL,
                queue=NOTIFY_QUEUE,
                summary=f"revision {self._wanted}",
            )
        )
        if workflow.patched("newer-revisions-overtake") and await self._is_overtaken(delivering):
            # One that is being sent right now is sent to its end.
            delivering.cancel()
            await workflow.wait([delivering])
            return False
        try:
            done = await delivering
        except FirebreakError as err:
            # After a day without a channel the journal still has it all; a newer revision retries.
            workflow.logger.error("not delivered", extra={"incident": incident, "why": str(err)})
            return False
        self._tried = max(self._tried, done.revision)
        return done.final

    async def _is_overtaken(self, delivering: "asyncio.Task[Delivered]") -> bool:
        """Whether a newer revision has waited long enough for this delivery to end."""
        await workflow.wait_condition(lambda: delivering.done() or self._wanted > self._tried)
        try:
            await workflow.wait_condition(delivering.done, timeout=PATIENCE)
        except TimeoutError:
            return True
        return False
