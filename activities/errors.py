"""Turns what an activity raises into what Temporal and the workflow understand.

A Stop is never retried, a Retry is, after the pause it asks for; both carry their fix and their
code as details. History is kept and read by many, so no exception text enters it unredacted: the
message is blanked, and the chain of causes, which nobody redacted, is left behind.
"""

from contextlib import AbstractContextManager
from datetime import timedelta
from types import TracebackType
from typing import Any

from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from contracts.errors import FirebreakError, Retry, Stop
from contracts.redact import redact

MESSAGE_CHARS_MAX = 2000


def application_error(err: Exception) -> ApplicationError:
    """The failure that stands for `err`: its class name as type, its text redacted.

    An exception that is none of ours stays retryable, as it would be without us: it may be a bug
    that the next deploy ends.
    """
    if isinstance(err, ApplicationError):
        return _redacted(err)
    if not isinstance(err, FirebreakError):
        return ApplicationError(_safe(str(err)), type=type(err).__name__)
    return ApplicationError(
        _safe(err.message),
        _safe(err.fix),
        err.code,
        type=type(err).__name__,
        non_retryable=isinstance(err, Stop),
        next_retry_delay=_pause(err),
    )


def _pause(err: FirebreakError) -> timedelta | None:
    after_seconds = err.after_seconds if isinstance(err, Retry) else None
    return None if after_seconds is None else timedelta(seconds=after_seconds)


def _redacted(err: ApplicationError) -> ApplicationError:
    details = [_safe(item) if isinstance(item, str) else item for item in err.details]
    return ApplicationError(
        _safe(err.message),
        *details,
        type=err.type,
        non_retryable=err.non_retryable,
        next_retry_delay=err.next_retry_delay,
        category=err.category,
    )


def _safe(text: str) -> str:
    return redact(text)[:MESSAGE_CHARS_MAX]


class _Translation(AbstractContextManager[None]):
    """Replaces the exception that leaves the block; a cancellation passes as it is."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        err: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(err, Exception) and not isinstance(err, CancelledError):
            raise application_error(err).with_traceback(trace) from None


class _Inbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  Temporal's name
        """Run the activity; only translated exceptions leave."""
        with _Translation():
            return await super().execute_activity(input)


class ErrorInterceptor(Interceptor):
    """Give it to the client or worker first, so that it sees what the others raise."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  Temporal's name
        """Put the translation around every activity."""
        return _Inbound(next)
