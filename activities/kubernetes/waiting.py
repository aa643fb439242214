"""Time, as the activities get it: a clock to read and a way to wait, both replaceable in tests.

A wait must never outlive its worker: it wakes when the worker stops, and says so with an error
that is tried again elsewhere. (Cancellation needs nothing here: the SDK raises it in the thread.)
"""

from collections.abc import Callable
from datetime import UTC, datetime

from temporalio import activity

from contracts.errors import Unavailable

Clock = Callable[[], datetime]
Sleep = Callable[[float], None]


def utc_now() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


def sleep_unless_stopping(seconds: float) -> None:
    """Wait inside an activity; raises Unavailable when its worker stops meanwhile."""
    activity.wait_for_worker_shutdown_sync(seconds)
    if activity.is_worker_shutdown():
        raise Unavailable("this worker is stopping", "Another worker goes on with it by itself.")
