"""The stand-in's own thread, loop and port: it can go away and come back on the same port."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import TypeVar

from aiohttp import web

T = TypeVar("T")
HOST = "127.0.0.1"
# No act waits longer than for an answer within three seconds, and some steps around it.
CALL_SECONDS = 30
JOIN_SECONDS = 10


class Listener:
    """Runs `make_app`'s application on loopback, from a thread of its own."""

    def __init__(self, make_app: Callable[[], web.Application], port: int) -> None:
        self.port = port
        self._make_app = make_app
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped, away or not."""
        return self._loop is not None

    def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        self._loop = asyncio.new_event_loop()
        name = "sandbox-slack"
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()
        is_open = False
        try:
            self.run(self.open())
            is_open = True
        finally:
            if not is_open:
                self._end_thread()

    def stop(self) -> None:
        """Close everything and end the thread."""
        if self._loop is None:
            return
        self.run(self._finish())
        self._end_thread()

    async def _finish(self) -> None:
        await self.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end_thread(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join(JOIN_SECONDS)
            loop.close()

    def submit(self, work: Coroutine[object, object, T]) -> Future[T]:
        """Begin work on the loop; raises RuntimeError when the server does not run."""
        if self._loop is None:
            work.close()
            raise RuntimeError("the fake Slack does not run; start it, or enter it with `with`")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Do work on the loop and wait for it."""
        return self.submit(work).result(CALL_SECONDS)

    async def open(self) -> None:
        """Listen on the port; the first time it may be any free one."""
        runner = web.AppRunner(self._make_app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, HOST, self.port, reuse_address=True)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
