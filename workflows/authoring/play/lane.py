"""The thread on which a played runbook runs, and what is watched over meanwhile.

Author's code that never hands over control is interrupted, a coroutine that nobody awaits is
noticed, and the SDK's own log lines about it are kept, because the player says it better.
"""

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from temporalio.bridge.runtime import Runtime

T = TypeVar("T")

SECONDS_MAX = 2.0
ENDS_WITHIN_SECONDS = 1.0
_ORIGIN_FRAMES = 12
_SDK_LOGGERS = (
    "temporalio.worker._workflow_instance",
    "temporalio.worker.workflow_sandbox._restrictions",
)


class HungError(Exception):
    """Author's code did not hand over control; the text is the stack it was in."""


class _InterruptedError(BaseException):
    """Raised inside a thread that hangs; nothing that an author writes should catch it."""


class Lane:
    """One thread. `never_awaited` and `logged` grow while it works; one that `is_stuck` is lost."""

    def __init__(self) -> None:
        self.never_awaited: list[str] = []
        self.logged: list[str] = []
        self.is_stuck = False
        self._thread_id = 0
        self._threads = ThreadPoolExecutor(1, "firebreak-play", initializer=self._begin)
        for name in _SDK_LOGGERS:
            logging.getLogger(name).addFilter(self._keep)

    def run(self, work: Callable[[], T]) -> T:
        """Do it on the thread; what it raises is raised here.

        Raises:
            HungError: it did not end within `SECONDS_MAX`, and was interrupted.

        """
        doing = self._threads.submit(self._watched, work)
        wait([doing], timeout=SECONDS_MAX)
        if doing.done():
            return doing.result()
        stack = traceback.format_stack(sys._current_frames()[self._thread_id])  # noqa: SLF001 - no other way to see it
        Runtime._raise_in_thread(self._thread_id, _InterruptedError)  # noqa: SLF001 - as a worker does
        wait([doing], timeout=ENDS_WITHIN_SECONDS)
        self.is_stuck = not doing.done()
        raise HungError("".join(stack))

    def close(self) -> None:
        """End the thread, unless it still hangs."""
        for name in _SDK_LOGGERS:
            logging.getLogger(name).removeFilter(self._keep)
        self._threads.shutdown(wait=False)

    def _begin(self) -> None:
        self._thread_id = threading.get_ident()
        sys.set_coroutine_origin_tracking_depth(_ORIGIN_FRAMES)

    def _watched(self, work: Callable[[], T]) -> T:
        with warnings.catch_warnings(record=True) as caught:
            warnings.filterwarnings("always", ".*was never awaited", RuntimeWarning)
            try:
                return work()
            finally:
                texts = [str(warning.message) for warning in caught]
                self.never_awaited += [text for text in texts if "was never awaited" in text]

    def _keep(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread_id:
            return True
        self.logged.append(record.getMessage())
        return False
