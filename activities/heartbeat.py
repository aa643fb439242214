"""Heartbeats for every activity that has a heartbeat timeout, so that none can forget to.

Without heartbeats a killed worker is noticed only when the whole attempt times out, and a
cancellation never arrives. What an activity itself heartbeats is its progress and is sent again,
never overwritten by an empty beat; a new attempt begins with the progress of the one before.

This says that the process lives, not that the activity gets on: a stuck call is ended by the
attempt's own timeout.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

BEATS_PER_TIMEOUT = 3


class _Memory(ActivityOutboundInterceptor):
    """Passes heartbeats on and remembers the last one's details."""

    def __init__(
        self,
        outbound: ActivityOutboundInterceptor,
        details: Sequence[Any],
    ) -> None:
        super().__init__(outbound)
        self._details = tuple(details)

    def heartbeat(self, *details: Any) -> None:
        """The activity's own beat."""
        self._details = details
        super().heartbeat(*details)

    def beat(self) -> None:
        """Ours, with the details of the last one."""
        super().heartbeat(*self._details)


class _Inbound(ActivityInboundInterceptor):
    _memory: _Memory

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        """Stand between the activity and its heartbeats."""
        self._memory = _Memory(outbound, activity.info().heartbeat_details)
        super().init(self._memory)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  Temporal's name
        """Run the activity, beating beside it on the worker's event loop."""
        timeout = activity.info().heartbeat_timeout
        if timeout is None:
            return await super().execute_activity(input)
        async with _beating(self._memory, timeout.total_seconds() / BEATS_PER_TIMEOUT):
            return await super().execute_activity(input)


@asynccontextmanager
async def _beating(memory: _Memory, every_seconds: float) -> AsyncIterator[None]:
    beats = asyncio.create_task(_beat(memory, every_seconds))
    try:
        yield
    finally:
        beats.cancel()


async def _beat(memory: _Memory, every_seconds: float) -> None:
    # Bounded by the activity it runs beside: `_beating` cancels it when that one ends.
    while True:
        memory.beat()
        await asyncio.sleep(every_seconds)


class HeartbeatInterceptor(Interceptor):
    """Give it to the client or worker after `ErrorInterceptor`."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  Temporal's name
        """Put the beat around every activity."""
        return _Inbound(next)
