"""How workflows call activities: by name, with every timeout and retry in one place.

An activity's failure comes back as the error of `contracts.errors` that it was, so that no
workflow handles Temporal's wrappers.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    TimeoutType,
    is_cancelled_exception,
)
from temporalio.exceptions import (
    TimeoutError as TemporalTimeout,
)

from contracts.calls import QUEUE
from contracts.errors import FirebreakError, Retry, Unavailable, error_named
from contracts.model import Contract

R = TypeVar("R", bound=Contract)
T = TypeVar("T")


class Timing(NamedTuple):
    """The bounds of one kind of call. A killed worker is noticed after `heartbeat_seconds`."""

    attempt_seconds: int
    total_seconds: int
    attempts_max: int
    heartbeat_seconds: int = 5
    unserved_seconds: int | None = None
    pause_max_seconds: int = 10


# One round of `steadfast`.
BOOKS = Timing(attempt_seconds=15, total_seconds=3_600, attempts_max=0, pause_max_seconds=30)
ROUNDS_MAX = 720
ROUND_PAUSE = timedelta(seconds=30)
# A question to the books or the guardrails that a person may be waiting for.
RULES = Timing(attempt_seconds=15, total_seconds=300, attempts_max=0)
READ = Timing(attempt_seconds=60, total_seconds=300, attempts_max=8, unserved_seconds=60)
# A write with one request; `write_within` gives the bounds of one that takes longer.
WRITE = Timing(attempt_seconds=120, total_seconds=600, attempts_max=10, unserved_seconds=60)
# Three channels that are slow one after another end within it.
CHANNEL = Timing(attempt_seconds=90, total_seconds=86_400, attempts_max=0, pause_max_seconds=60)


def write_within(seconds: int) -> Timing:
    """The bounds of a write that may take so long over all its attempts."""
    if seconds <= WRITE.total_seconds:
        return WRITE
    return WRITE._replace(attempt_seconds=seconds, total_seconds=seconds)


def waiting(seconds: int) -> Timing:
    """The bounds of a check that waits up to `seconds` by itself."""
    return Timing(
        attempt_seconds=seconds + 30,
        total_seconds=seconds + 300,
        attempts_max=20,
        unserved_seconds=60,
    )


def options(timing: Timing, queue: str = QUEUE, summary: str | None = None) -> dict[str, Any]:
    """The keyword arguments of `workflow.execute_activity` for these bounds."""
    unserved = timing.unserved_seconds
    return {
        "task_queue": queue,
        "start_to_close_timeout": timedelta(seconds=timing.attempt_seconds),
        "schedule_to_close_timeout": timedelta(seconds=timing.total_seconds),
        "schedule_to_start_timeout": timedelta(seconds=unserved) if unserved else None,
        "heartbeat_timeout": timedelta(seconds=timing.heartbeat_seconds),
        "retry_policy": RetryPolicy(
            initial_interval=timedelta(milliseconds=200),
            maximum_interval=timedelta(seconds=timing.pause_max_seconds),
            maximum_attempts=timing.attempts_max,
        ),
        "summary": summary,
    }


async def call(
    name: str, argument: Contract, answer: type[R], timing: Timing, **where: str | None
) -> R:
    """Run the activity `name`; `where` may hold `queue` and `summary`.

    Raises:
        FirebreakError: what the activity raised, or Unavailable when it never ended well.
        asyncio.CancelledError: this run was cancelled.

    """
    chosen: dict[str, Any] = {key: value for key, value in where.items() if value is not None}
    try:
        result: R = await workflow.execute_activity(
            name, argument, result_type=answer, **options(timing, **chosen)
        )
    except ActivityError as err:
        if is_cancelled_exception(err):
            raise asyncio.CancelledError from err
        raise translated(err) from err
    return result


async def steadfast(name: str, argument: Contract, answer: type[R], summary: str) -> R:
    """Call the books until they answer, for a month if need be.

    An activity that has failed stays failed in history: a workflow that let its error pass would
    fail its task at every replay, long after the books are back.

    Raises:
        Stop: the call is refused for good.
        Retry: there was no answer for a month.

    """
    for _ in range(ROUNDS_MAX):
        try:
            return await call(name, argument, answer, BOOKS, summary=summary)
        except Retry as err:
            workflow.logger.error("the books are away", extra={"activity": name, "why": str(err)})
            await workflow.sleep(ROUND_PAUSE, summary=f"{name} again")
    raise Unavailable(f"{name} had no answer for a month")


async def finished(
    work: Coroutine[Any, Any, T], on_cancel: Callable[[], object] | None = None
) -> T:
    """Run `work` to its end even when this run is cancelled meanwhile; then be cancelled.
    `on_cancel` may hurry it.

    What is half done when a person takes over would otherwise stay so: a lock that nobody gives
    back, a question that stays open on the page.
    """
    doing = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        if on_cancel is not None:
            on_cancel()
        await workflow.wait([doing])
        raise


def translated(err: ActivityError) -> FirebreakError:
    """The error of our own tree that an activity's failure stands for."""
    cause = err.cause
    if isinstance(cause, ApplicationError):
        return _rebuilt(cause, cause.details)
    if isinstance(cause, TemporalTimeout) and cause.type == TimeoutType.SCHEDULE_TO_START:
        fix = "Start a worker that has credentials for that cluster."
        return Unavailable(f"nobody serves {err.activity_type} on its queue", fix)
    return Unavailable(f"{err.activity_type} did not answer in time")


def _rebuilt(cause: ApplicationError, details: Sequence[Any]) -> FirebreakError:
    known = error_named(cause.type or "")
    if known is None:
        return Unavailable(f"{cause.type}: {cause.message}")
    return known(cause.message, str(details[0]) if details else None)


def refusal(err: FirebreakError) -> ApplicationError:
    """The same error as an answer to an update: typed, with its fix and code as details."""
    return ApplicationError(
        err.message, err.fix, err.code, type=type(err).__name__, non_retryable=True
    )
