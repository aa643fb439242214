"""What an activity raises, as a workflow meets it and as history keeps it: tried on Temporal."""

import base64
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError

import contracts.errors
from activities.errors import application_error
from contracts.errors import (
    Busy,
    FirebreakError,
    Refused,
    Rejected,
    Retry,
    Stop,
    Unavailable,
    error_named,
)

Serve = Callable[[Sequence[Callable[..., Any]]], AbstractAsyncContextManager[str]]
Start = Callable[..., Awaitable[WorkflowHandle[Any, Any]]]

SECRET = "h7Gk29xQpLm41ZtY"
on_the_server = pytest.mark.asyncio(loop_scope="session")
LEAVES = sorted(
    (
        error
        for error in vars(contracts.errors).values()
        if isinstance(error, type) and issubclass(error, FirebreakError)
    ),
    key=lambda error: error.__name__,
)


class Failing:
    """A sync activity that raises what it was given, and counts how often."""

    def __init__(self, *errors: Exception, cause: Exception | None = None) -> None:
        self._errors = errors
        self._cause = cause
        self.runs = 0

    @activity.defn(name="failing")
    def run(self) -> str:
        """Raise the next error, or end well when there is none left."""
        self.runs += 1
        if self.runs > len(self._errors):
            return f"run {self.runs}"
        raise self._errors[self.runs - 1] from self._cause


async def failure_of(handle: WorkflowHandle[Any, Any]) -> ApplicationError:
    """What the activity's failure is to the workflow."""
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    assert isinstance(caught.value.cause, ActivityError)
    assert isinstance(caught.value.cause.cause, ApplicationError)
    return caught.value.cause.cause


def decoded(value: Any) -> Iterator[str]:
    """Every text in a history; payloads, which are base64 in JSON, decoded too."""
    if isinstance(value, dict):
        for key, item in value.items():
            is_payload = key == "data" and isinstance(item, str)
            yield from decoded(base64.b64decode(item).decode() if is_payload else item)
    elif isinstance(value, list):
        for item in value:
            yield from decoded(item)
    elif isinstance(value, str):
        yield value


async def history_of(handle: WorkflowHandle[Any, Any]) -> str:
    """The whole history as one text."""
    return "\n".join(decoded(json.loads((await handle.fetch_history()).to_json())))


@on_the_server
async def test_a_stop_arrives_whole_and_is_not_tried_again(serve: Serve, start: Start) -> None:
    """Type, message, fix and code cross; five attempts were allowed and one was made."""
    failing = Failing(Refused("namespace 'x' is not allowed", "Add it to [limits]."))
    async with serve([failing.run]) as queue:
        error = await failure_of(await start(queue, "failing", attempts_max=5))
    assert (error.type, error.message) == ("Refused", "namespace 'x' is not allowed")
    assert tuple(error.details) == ("Add it to [limits].", "refused")
    assert error.non_retryable
    assert failing.runs == 1


@on_the_server
async def test_a_retry_is_tried_again(serve: Serve, start: Start) -> None:
    """What may pass by itself gets its next attempt."""
    failing = Failing(Busy("held"), Unavailable("away"))
    async with serve([failing.run]) as queue:
        handle = await start(queue, "failing", attempts_max=5)
        assert await handle.result() == "run 3"


@on_the_server
async def test_the_last_retry_arrives_as_what_it_was(serve: Serve, start: Start) -> None:
    """When the attempts are used up the workflow learns what was in the way."""
    failing = Failing(Unavailable("the books are away"))
    async with serve([failing.run]) as queue:
        error = await failure_of(await start(queue, "failing", attempts_max=1))
    assert (error.type, error.message) == ("Unavailable", "the books are away")
    assert error.details[1] == "unavailable"
    assert not error.non_retryable


@on_the_server
async def test_a_retry_waits_as_long_as_it_asks_to(serve: Serve, start: Start) -> None:
    """`after_seconds` beats the policy's own interval of 10 ms."""
    later = Unavailable("429")
    later.after_seconds = 1.0
    failing = Failing(later)
    async with serve([failing.run]) as queue:
        handle = await start(queue, "failing", attempts_max=2)
        assert await handle.result() == "run 2"
        history = await handle.fetch_history()
    at = {EventType.Name(e.event_type): e.event_time.ToDatetime() for e in history.events}
    waited = at["EVENT_TYPE_ACTIVITY_TASK_STARTED"] - at["EVENT_TYPE_ACTIVITY_TASK_SCHEDULED"]
    assert 1.0 <= waited.total_seconds() < 5.0


@on_the_server
async def test_a_foreign_exception_keeps_its_type_and_is_tried_again(
    serve: Serve, start: Start
) -> None:
    """A bug may end with the next deploy, so it is not a Stop; its name helps to find it."""
    failing = Failing(KeyError("replicas"), KeyError("replicas"))
    async with serve([failing.run]) as queue:
        error = await failure_of(await start(queue, "failing", attempts_max=2))
    assert (error.type, error.message) == ("KeyError", "'replicas'")
    assert failing.runs == 2


@on_the_server
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(f"connect postgresql://app:{SECRET}@db failed"),
        ValueError(f"password={SECRET}"),
        Rejected(f"the answer was: Authorization: Bearer {SECRET}", f"token={SECRET}"),
        ApplicationError(f"token: {SECRET}", f"token: {SECRET}", type="Own"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_no_secret_of_an_exception_enters_history(
    serve: Serve, start: Start, error: Exception
) -> None:
    """Neither the exception's text nor that of its causes; the text around the secret stays."""
    failing = Failing(error, cause=ValueError(f"cause with {SECRET} in no known shape"))
    async with serve([failing.run]) as queue:
        handle = await start(queue, "failing")
        failure = await failure_of(handle)
        history = await history_of(handle)
    assert SECRET not in history
    assert "[redacted]" in failure.message
    assert failure.message in history
    assert failure.cause is None


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_every_error_of_ours_can_be_rebuilt(kind: type[FirebreakError]) -> None:
    """Its name leads back to its class, and only the branch decides whether it is tried again."""
    failure = application_error(kind("text"))
    assert error_named(failure.type or "") is kind
    assert tuple(failure.details) == (kind.fix, kind.code)
    assert failure.non_retryable is issubclass(kind, Stop)
    assert failure.non_retryable is not issubclass(kind, Retry) or kind is FirebreakError


def test_an_endless_message_is_cut() -> None:
    """A history of many attempts stays small."""
    assert len(application_error(ValueError("x" * 100_000)).message) == 2000
