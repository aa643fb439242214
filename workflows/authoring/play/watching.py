"""What a real server says of a run that is played on it: whether it is idle, and its timers."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
)
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from workflows.authoring.play import jobs

Handle = WorkflowHandle[Any, Any]
State = Literal["busy", "idle", "stuck", "ended"]
_OTHERS = ("signal_external_workflow_execution", "request_cancel_external_workflow_execution")
_SENT = tuple(f"{word}_initiated_event_attributes" for word in _OTHERS)
_HEARD = (
    "external_workflow_execution_signaled_event_attributes",
    "external_workflow_execution_cancel_requested_event_attributes",
    *(f"{word}_failed_event_attributes" for word in _OTHERS),
)


class Timer(NamedTuple):
    """A timer that runs: in how long it fires, how long it takes in all, which it is, what for,
    whose, and whether its owner has children that run. They sort by what fires first.
    """

    left: timedelta
    span: timedelta
    key: tuple[str, int]
    summary: str
    owner: Handle
    is_parents: bool


async def state_of(client: Client, handle: Handle) -> State:
    """How a run stands; its children count as part of it."""
    said = await handle.describe()
    if said.status is not WorkflowExecutionStatus.RUNNING:
        return "ended"
    raw = said.raw_description
    if raw.HasField("pending_workflow_task"):
        return "stuck" if raw.pending_workflow_task.attempt > 1 else "busy"
    if raw.pending_activities or any(not child.run_id for child in raw.pending_children):
        return "busy"
    states = [await state_of(client, child) for child in _children(client, said)]
    # A child that has ended is still to be heard of.
    restless = [state for state in states if state != "idle"]
    return "stuck" if "stuck" in restless else "busy" if restless else "idle"


async def failure_of(client: Client, handle: Handle) -> Failure:
    """Why the last workflow task failed, of the run or of a child."""
    failure = Failure(message="its code cannot go on")
    for child in _children(client, await handle.describe()):
        failure = await failure_of(client, child)
    async for event in handle.fetch_history_events():
        if event.HasField("workflow_task_failed_event_attributes"):
            failure = event.workflow_task_failed_event_attributes.failure
    return failure


async def pending_before(run: Handle, activity_id: str, answered: set[tuple[str, str]]) -> bool:
    """Whether the run waits for an activity that it asked for before that one, and that was not
    answered. The SDK numbers them; one that an author has named waits for nobody.
    """
    pending = (await run.describe()).raw_description.pending_activities
    waiting = [each.activity_id for each in pending if (run.id, each.activity_id) not in answered]
    numbers = [int(each) for each in waiting if each.isdecimal()]
    return activity_id.isdecimal() and any(number < int(activity_id) for number in numbers)


async def timers_of(environment: WorkflowEnvironment, handle: Handle) -> list[Timer] | None:
    """The timers that run, of the run and of its children; None when a word between runs is under
    way, which a server's description leaves out.
    """
    now = await environment.get_current_time(handle)
    children = _children(environment.client, await handle.describe())
    events = [event async for event in handle.fetch_history_events()]
    if _count(events, *_SENT) > _count(events, *_HEARD):
        return None
    over = set(_over(events))
    found = [
        _timer(event, handle, now, is_parents=bool(children))
        for event in events
        if event.HasField("timer_started_event_attributes") and event.event_id not in over
    ]
    for child in children:
        inner = await timers_of(environment, child)
        if inner is None:
            return None
        found += inner
    return found


async def end(client: Client, handle: Handle) -> None:
    """Terminate a run and its children, as far as they still run."""
    for child in _children(client, await handle.describe()):
        await end(client, child)
    with suppress(RPCError):
        await handle.terminate("the play is over")


def _children(client: Client, said: WorkflowExecutionDescription) -> list[Handle]:
    """The children that have begun and have not been heard of."""
    return [
        client.get_workflow_handle(child.workflow_id, run_id=child.run_id)
        for child in said.raw_description.pending_children
        if child.run_id
    ]


def _count(events: Iterable[HistoryEvent], *kinds: str) -> int:
    return sum(event.WhichOneof("attributes") in kinds for event in events)


def _over(events: Iterable[HistoryEvent]) -> Iterable[int]:
    for event in events:
        if event.HasField("timer_fired_event_attributes"):
            yield event.timer_fired_event_attributes.started_event_id
        elif event.HasField("timer_canceled_event_attributes"):
            yield event.timer_canceled_event_attributes.started_event_id


def _timer(event: HistoryEvent, handle: Handle, now: datetime, *, is_parents: bool) -> Timer:
    span = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
    due = event.event_time.ToDatetime(tzinfo=UTC) + span
    metadata = event.user_metadata
    summary = str(jobs.value_of(metadata.summary)) if metadata.HasField("summary") else ""
    key = (handle.id, event.event_id)
    return Timer(due - now, span, key, summary, handle, is_parents)
