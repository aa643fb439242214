"""What a server would tell a workflow, in the SDK's own messages; `engine` has the other half.

These two files are the only ones that use names which the SDK keeps private; its minor version is
pinned. A job tells a run one thing: an activity has answered, a timer has fired, somebody speaks.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.child_workflow import StartChildWorkflowExecutionFailedCause as Cause
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from contracts.errors import FirebreakError
from workflows.calls import refusal
from workflows.plugin import data_converter

Job = WorkflowActivationJob
Command = WorkflowCommand
CONVERTER = data_converter()
# The SDK wants to know which event of a history brought a signal, and a play has no events.
_SOME_EVENT = 1


def payloads_of(values: Sequence[Any]) -> list[Payload]:
    """Values as they travel."""
    return list(CONVERTER.payload_converter.to_payloads(values))


def value_of(payload: Payload) -> Any:
    """A value that has travelled, in plain JSON types."""
    return CONVERTER.payload_converter.from_payload(payload)


def error_of(failure: Failure) -> BaseException:
    """The error that a failure stands for."""
    return CONVERTER.failure_converter.from_failure(failure, CONVERTER.payload_converter)


def begin(name: str, run: str, given: Iterable[Payload], seed: int, at: datetime) -> Job:
    """The first job of every run."""
    job = Job()
    start = job.initialize_workflow
    start.workflow_type, start.workflow_id, start.attempt = name, run, 1
    start.arguments.extend(given)
    start.randomness_seed = seed
    start.start_time.FromDatetime(at)
    return job


def fired(seq: int) -> Job:
    """A timer."""
    job = Job()
    job.fire_timer.seq = seq
    return job


def answered(seq: int, value: Any) -> Job:
    """An activity, with its value."""
    job = Job()
    job.resolve_activity.seq = seq
    job.resolve_activity.result.completed.result.CopyFrom(payloads_of([value])[0])
    return job


def failed(seq: int, name: str, err: FirebreakError) -> Job:
    """An activity that is not tried again, with its error as the activity side writes it."""
    job = Job()
    job.resolve_activity.seq = seq
    failure = job.resolve_activity.result.failed.failure
    failure.message = "Activity task failed"
    failure.activity_failure_info.activity_type.name = name
    CONVERTER.failure_converter.to_failure(refusal(err), CONVERTER.payload_converter, failure.cause)
    return job


def cancelled(seq: int, name: str) -> Job:
    """An activity that was cancelled."""
    job = Job()
    job.resolve_activity.seq = seq
    failure = job.resolve_activity.result.cancelled.failure
    failure.activity_failure_info.activity_type.name = name
    failure.cause.canceled_failure_info.SetInParent()
    return job


def signal(name: str, given: Iterable[Payload]) -> Job:
    """A signal."""
    job = Job()
    job.signal_workflow.signal_name = name
    job.signal_workflow.originating_event_id = _SOME_EVENT
    job.signal_workflow.input.extend(given)
    return job


def update(name: str, number: str, given: Iterable[Payload]) -> Job:
    """An update, to be validated first; `number` is its id and that of its answers."""
    job = Job()
    update_ = job.do_update
    update_.id = update_.protocol_instance_id = number
    update_.name, update_.run_validator = name, True
    update_.input.extend(given)
    return job


def cancel(reason: str) -> Job:
    """A request to cancel the run."""
    job = Job()
    job.cancel_workflow.reason = reason
    return job


def has_patch(patch: str) -> Job:
    """The marker that a replay finds in history."""
    job = Job()
    job.notify_has_patch.patch_id = patch
    return job


def evict() -> Job:
    """Forget the run; its tasks are cancelled."""
    job = Job()
    job.remove_from_cache.SetInParent()
    return job


def child_started(seq: int, run: str) -> Job:
    """A child has begun."""
    job = Job()
    job.resolve_child_workflow_execution_start.seq = seq
    job.resolve_child_workflow_execution_start.succeeded.run_id = run
    return job


def child_exists(seq: int, run: str, name: str) -> Job:
    """A child that cannot begin, because one of its id has."""
    job = Job()
    job.resolve_child_workflow_execution_start.seq = seq
    failed_ = job.resolve_child_workflow_execution_start.failed
    failed_.workflow_id, failed_.workflow_type = run, name
    failed_.cause = Cause.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS
    return job


def child_completed(seq: int, result: Payload) -> Job:
    """A child has ended well."""
    job = Job()
    job.resolve_child_workflow_execution.seq = seq
    job.resolve_child_workflow_execution.result.completed.result.CopyFrom(result)
    return job


def child_failed(seq: int, name: str, cause: Failure) -> Job:
    """A child has failed."""
    job = Job()
    job.resolve_child_workflow_execution.seq = seq
    failure = job.resolve_child_workflow_execution.result.failed.failure
    failure.message = "Child Workflow execution failed"
    failure.child_workflow_execution_failure_info.workflow_type.name = name
    failure.cause.CopyFrom(cause)
    return job


def child_cancelled(seq: int, name: str) -> Job:
    """A child has ended as cancelled."""
    job = Job()
    job.resolve_child_workflow_execution.seq = seq
    failure = job.resolve_child_workflow_execution.result.cancelled.failure
    failure.child_workflow_execution_failure_info.workflow_type.name = name
    failure.cause.canceled_failure_info.SetInParent()
    return job


def signal_sent(seq: int, *, found: bool) -> Job:
    """Whether a signal to another run has reached one."""
    job = Job()
    job.resolve_signal_external_workflow.seq = seq
    if not found:
        _not_found(job.resolve_signal_external_workflow.failure)
    return job


def cancel_sent(seq: int, *, found: bool) -> Job:
    """Whether a request to cancel another run has reached one."""
    job = Job()
    job.resolve_request_cancel_external_workflow.seq = seq
    if not found:
        _not_found(job.resolve_request_cancel_external_workflow.failure)
    return job


def _not_found(failure: Failure) -> None:
    failure.message = "there is no such workflow in this play"
    failure.application_failure_info.type = "NotFound"
