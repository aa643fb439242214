"""Events are tried again when nobody took them: at once, after a minute, after five."""

import asyncio
from collections.abc import Sequence

from sandbox.slack.delivery import Courier, Delivery, Retry
from sandbox.slack.refusals import JSON

DELAYS_SECONDS = (0.0, 60.0, 300.0)


class Retrying:
    """A courier that repeats events in the background; the rest goes through once."""

    def __init__(self, courier: Courier) -> None:
        self.courier = courier
        self.delays_seconds: Sequence[float] = DELAYS_SECONDS
        self.retries: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def deliver(self, kind: str, payload: JSON, retry: Retry) -> Delivery:
        """Give it to the app; an event that is not taken is tried again later."""
        done = await self.courier.deliver(kind, payload, retry)
        if kind == "events_api" and not done.acked:
            task = asyncio.ensure_future(self._repeat(payload, done))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return done

    async def _repeat(self, payload: JSON, first: Delivery) -> None:
        done = first
        for number, delay in enumerate(self.delays_seconds, 1):
            await asyncio.sleep(delay)
            reason = "http_error" if done.status else "http_timeout"
            done = await self.courier.deliver("events_api", payload, Retry(number, reason))
            self.retries.append(done)
            if done.acked:
                return

    def stop(self) -> None:
        """Give up what is still to be repeated."""
        for task in self._tasks:
            task.cancel()
