"""A real worker that kills itself, as `kill -9` would, at one point of one activity.

`python -m endtoend.crashing_worker ACTIVITY before|after [EVENT]`: with EVENT, only for a `record`
that holds an event of that type.
"""

import asyncio
import os
import signal
import sys
from typing import Any, NamedTuple

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from contracts.journal import Record
from settings import configure_logging, read_policy, read_settings
from worker import serve, stop_on_signals


class Point(NamedTuple):
    """Where to die."""

    activity: str
    phase: str
    event: str = ""

    def is_reached(self, call: ExecuteActivityInput) -> bool:
        """Whether this call of an activity is the one."""
        if activity.info().activity_type != self.activity:
            return False
        told = call.args[0] if call.args else None
        types = [event.type for event in told.events] if isinstance(told, Record) else []
        return not self.event or self.event in types


class _Inbound(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, point: Point) -> None:
        super().__init__(inner)
        self._point = point

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - SDK's name
        """Die before the activity, or after its effect and before its answer."""
        reached = self._point.is_reached(input)
        if reached and self._point.phase == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await super().execute_activity(input)
        if reached:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


class Crash(Interceptor):
    """Kills this process at a point."""

    def __init__(self, point: Point) -> None:
        self._point = point

    def intercept_activity(
        self,
        next: ActivityInboundInterceptor,  # noqa: A002 - SDK's name
    ) -> ActivityInboundInterceptor:
        """Put the crash around every activity."""
        return _Inbound(next, self._point)


async def main() -> None:
    """Work until death."""
    settings = read_settings()
    configure_logging("text")
    crash = Crash(Point(*sys.argv[1:]))
    await serve(settings, read_policy(settings.config), stop_on_signals(), [crash])


if __name__ == "__main__":
    asyncio.run(main())
