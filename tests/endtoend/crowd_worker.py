"""A real worker that dies, as by `kill -9`, once so many writes have come to one point together.

`python -m endtoend.crowd_worker before|sent|after N`: before anything of the write, between the
cluster's answer and the worker's knowing it, or before Temporal hears of it. Who comes early waits
for the others, so that one death serves every action.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from activities.kubernetes.client import Answer, Cluster
from settings import configure_logging, read_policy, read_settings
from worker import serve, stop_on_signals

WAIT_SECONDS_MAX = 90.0
WRITES = ("patch", "create", "delete", "evict")


class Crowd:
    """Who has come. The last one kills the process."""

    def __init__(self, phase: str, size: int) -> None:
        self.phase = phase
        self._size = size
        self._lock = threading.Lock()
        self._come: set[str] = set()
        self._never = threading.Event()

    def come(self) -> None:
        """Count this write among those that wait; the last one ends the process."""
        with self._lock:
            self._come.add(str(activity.info().workflow_id))
            if len(self._come) == self._size:
                os.kill(os.getpid(), signal.SIGKILL)

    async def arrive(self) -> None:
        """Come to the point, and wait for the end; raises TimeoutError when it does not come."""
        self.come()
        for _ in range(int(WAIT_SECONDS_MAX)):
            await self._beat()
            await asyncio.sleep(1)
        raise TimeoutError(f"only {sorted(self._come)} came")

    async def _beat(self) -> None:
        # The write is not given up, only not gone on with. Once a thread has run the activity,
        # the SDK's heartbeat waits for the loop, and must not do so on it.
        if self.phase == "before":
            activity.heartbeat()
        else:
            await asyncio.to_thread(activity.heartbeat)

    def arrive_in_thread(self) -> None:
        """The same where a thread writes."""
        self.come()
        self._never.wait(WAIT_SECONDS_MAX)
        raise TimeoutError(f"only {sorted(self._come)} came")


class _Inbound(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, crowd: Crowd) -> None:
        super().__init__(inner)
        self._crowd = crowd

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - SDK's name
        """Stop before or after each write."""
        writes = activity.info().activity_type.endswith(".ensure")
        if writes and self._crowd.phase == "before":
            await self._crowd.arrive()
        result = await super().execute_activity(input)
        if writes and self._crowd.phase == "after":
            await self._crowd.arrive()
        return result


class Stop(Interceptor):
    """Stops every write at the crowd's point."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def intercept_activity(
        self,
        next: ActivityInboundInterceptor,  # noqa: A002 - SDK's name
    ) -> ActivityInboundInterceptor:
        """Around every activity."""
        return _Inbound(next, self._crowd)


def stop_after_answers(crowd: Crowd) -> None:
    """The cluster has the write, and the worker will never know it."""
    for name in WRITES:
        setattr(Cluster, name, _stopping(getattr(Cluster, name), crowd))


def _stopping(send: Callable[..., Answer], crowd: Crowd) -> Callable[..., Answer]:
    def sent(*arguments: Any, dry_run: bool = False, **more: Any) -> Answer:
        answer = send(*arguments, dry_run=dry_run, **more)
        if not dry_run:
            crowd.arrive_in_thread()
        return answer

    return sent


async def main() -> None:
    """Work until death."""
    settings = read_settings()
    configure_logging("text")
    crowd = Crowd(sys.argv[1], int(sys.argv[2]))
    if crowd.phase == "sent":
        stop_after_answers(crowd)
    await serve(settings, read_policy(settings.config), stop_on_signals(), [Stop(crowd)])


if __name__ == "__main__":
    asyncio.run(main())
