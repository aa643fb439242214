"""One workflow in the SDK's real sandbox, driven by hand: jobs in, commands out.

The names with an underscore, `temporalio.bridge` and the instance's details are private to the
SDK, whose minor version is pinned; only `jobs`, `lane` and this file use them. A workflow runs
here as it does in a worker: the same sandbox, interceptors, converters and failure types.
"""

import asyncio
import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout, suppress
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from temporalio import workflow
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion as Completion
from temporalio.common import MetricMeter, Priority, TypedSearchAttributes
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInterceptorClassInput
from temporalio.worker._workflow_instance import WorkflowInstance, WorkflowInstanceDetails

from contracts.calls import QUEUE
from workflows.authoring.play import jobs
from workflows.authoring.play.explaining import Explained, require_understood
from workflows.authoring.play.jobs import Command, Job
from workflows.authoring.play.lane import HungError, Lane
from workflows.authoring.play.troubles import CannotPlay, NotDeterministic, RunbookFailed
from workflows.authoring.play.witness import witness
from workflows.endings import BUGS, Endings
from workflows.plugin import sandbox

_NAMESPACE = "default"
_TASK_TIMEOUT = timedelta(seconds=10)


class Start(NamedTuple):
    """What a run is begun with."""

    runbook: type
    id: str
    given: Sequence[Payload]
    at: datetime
    seed: int = 1
    parent: str = ""


class Done(NamedTuple):
    """One thing that was told, and what came of it."""

    told: WorkflowActivation
    completion: Completion


def definition_of(runbook: type) -> "workflow._Definition":
    """What the SDK knows of a class.

    Raises:
        CannotPlay: it is no workflow, or one without a name.

    """
    found = workflow._Definition.from_class(runbook)  # noqa: SLF001 - no public way
    if found is None or found.name is None:
        fix = 'Write @workflow.defn(name="…") above the class.'
        raise CannotPlay(f"{runbook.__name__} is no workflow with a name", fix)
    if runbook.__module__ == "__main__":
        fix = "Write it into a file of its own, and import it."
        raise CannotPlay(f"{runbook.__name__} is in the program that was started", fix)
    return found


def is_workflow(item: type) -> bool:
    """Whether a class can be played."""
    found = workflow._Definition.from_class(item)  # noqa: SLF001 - no public way
    return found is not None and found.name is not None


def name_of(runbook: type) -> str:
    """The workflow type of a class; raises CannotPlay when it has none."""
    return definition_of(runbook).name or ""


def signals_of(runbook: type) -> set[str] | None:
    """The signals that a runbook takes; None when it takes any."""
    names = set(definition_of(runbook).signals)
    return None if None in names else {name for name in names if name}


def children_of(runbook: type, known: Sequence[type]) -> list[type]:
    """The workflows that a runbook may start: those in `known`, and those its file imports."""
    inside = vars(sys.modules[runbook.__module__]).values()
    found = [item for item in (*known, *inside) if isinstance(item, type) and is_workflow(item)]
    return list({name_of(item): item for item in reversed(found)}.values())


class Run:
    """One instance, from its first job to its eviction."""

    def __init__(self, start: Start, lane: Lane) -> None:
        """Import the runbook in the sandbox.

        Raises:
            PlayTrouble: it cannot be imported there.

        """
        self.start = start
        self.name = name_of(start.runbook)
        self.folder = folder_of(start.runbook)
        self.done: list[Done] = []
        self._lane = lane
        self._closed = False
        self._notes: list[str] = []
        self._explained = Explained(self._notes, self.folder)
        with self._explained:
            self._instance = lane.run(self._create)

    @property
    def id(self) -> str:
        """The workflow's id."""
        return self.start.id

    def tell(self, job: Job, now: datetime) -> list[Command]:
        """Tell the run one thing at `now`, and get its commands.

        Raises:
            PlayTrouble: the code cannot go on.

        """
        told = WorkflowActivation(run_id=self.id, history_length=len(self.done), jobs=[job])
        told.timestamp.FromDatetime(now)
        completion = self._activated(told)
        self.done.append(Done(told, completion))
        return list(completion.successful.commands)

    def waits_at(self) -> str:
        """End the run, and say at which `FILE:LINE` the author's code waited, or nothing."""
        self.close()
        return self._explained.last_place()

    def failed(self, failure: Failure) -> RunbookFailed:
        """What its author reads of a failure that it ends with."""
        return self._explained.failed(failure)

    def close(self) -> None:
        """Cancel what the instance still has, as a worker does when it forgets a run."""
        if not self._closed and not self._lane.is_stuck:
            self._closed = True
            forgotten = WorkflowActivation(run_id=self.id, jobs=[jobs.evict()])
            # Code that swallows its cancellation cannot be ended, and what it was for is over.
            with suppress(HungError, RuntimeError):
                self._lane.run(lambda: self._instance.activate(forgotten))

    def replay(self) -> None:
        """Live through the same again, as another worker would after a restart.

        Raises:
            NotDeterministic: it does something else.

        """
        # What an author prints to see what happens is printed once.
        with redirect_stdout(StringIO()):
            second = Run(self.start, self._lane)
            try:
                for told, before in _as_replayed(self.done):
                    after = second._activated(told)
                    _require_same(self.name, before, after)
            finally:
                second.close()

    def _create(self) -> WorkflowInstance:
        definition = definition_of(self.start.runbook)
        runner = sandbox() if definition.sandboxed else UnsandboxedWorkflowRunner()
        details = self._details(definition)

        async def create() -> WorkflowInstance:
            return runner.create_instance(details)

        # The constructor wants a running loop to hang itself on for a moment.
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(create())
        finally:
            loop.close()

    def _details(self, definition: "workflow._Definition") -> WorkflowInstanceDetails:
        extern: dict[str, Any] = {
            "__temporal_get_metric_meter": lambda: MetricMeter.noop,
            "__temporal_assert_local_activity_valid": lambda _name: None,
        }
        endings = Endings().workflow_interceptor_class(WorkflowInterceptorClassInput(extern))
        return WorkflowInstanceDetails(
            payload_converter_factory=jobs.CONVERTER._new_payload_converter,  # noqa: SLF001 - as a worker does
            failure_converter_class=jobs.CONVERTER.failure_converter_class,
            interceptor_classes=[endings, witness(self._notes)],
            defn=definition,
            info=_info(self.start, self.name),
            randomness_seed=self.start.seed,
            extern_functions=extern,
            disable_eager_activity_execution=False,
            worker_level_failure_exception_types=list(BUGS),
            patch_activation_callback=None,
            last_completion_result=Payloads(),
            last_failure=None,
        )

    def _activated(self, told: WorkflowActivation) -> Completion:
        with self._explained:
            completion = self._lane.run(lambda: self._instance.activate(told))
        self._explained.require_awaited(self._lane.never_awaited)
        require_understood(self._lane.logged)
        if completion.HasField("failed"):
            raise self._explained.paused(completion.failed.failure)
        return completion


def folder_of(runbook: type) -> Path:
    """Where the author's file is."""
    try:
        return Path(inspect.getfile(runbook)).parent
    except (TypeError, OSError) as err:
        fix = "Write it into a file; the sandbox imports it from there."
        raise CannotPlay(f"{runbook.__name__} has no file", fix) from err


def _info(start: Start, name: str) -> workflow.Info:
    parent = workflow.ParentInfo(_NAMESPACE, start.parent, start.parent) if start.parent else None
    return workflow.Info(
        attempt=1,
        continued_run_id=None,
        cron_schedule=None,
        execution_timeout=None,
        first_execution_run_id=start.id,
        headers={},
        namespace=_NAMESPACE,
        original_execution_run_id=start.id,
        parent=parent,
        root=None,
        raw_memo={},
        retry_policy=None,
        run_id=start.id,
        run_timeout=None,
        search_attributes={},
        start_time=start.at,
        workflow_start_time=start.at,
        task_queue=QUEUE,
        task_timeout=_TASK_TIMEOUT,
        typed_search_attributes=TypedSearchAttributes.empty,
        workflow_id=start.id,
        workflow_type=name,
        priority=Priority.default,
    )


def _as_replayed(done: Sequence[Done]) -> Iterator[tuple[WorkflowActivation, Completion]]:
    """What a worker would be told when it reads the history: patches first, and no question that
    was refused, because history does not know of it.
    """
    flags: set[int] = set()
    for told, completion in done:
        if _was_refused(told, completion):
            continue
        again = WorkflowActivation()
        again.CopyFrom(told)
        again.is_replaying = True
        flags |= set(completion.successful.used_internal_flags)
        again.available_internal_flags.extend(sorted(flags))
        for job in again.jobs:
            if job.HasField("do_update"):
                job.do_update.run_validator = False
        for command in completion.successful.commands:
            if command.HasField("set_patch_marker"):
                again.jobs.insert(0, jobs.has_patch(command.set_patch_marker.patch_id))
        yield again, completion


def _was_refused(told: WorkflowActivation, completion: Completion) -> bool:
    answers = [command.update_response for command in completion.successful.commands]
    asked = any(job.HasField("do_update") for job in told.jobs)
    return asked and not any(answer.HasField("accepted") for answer in answers)


def _require_same(name: str, before: Completion, after: Completion) -> None:
    was, now = list(before.successful.commands), list(after.successful.commands)
    if was == now:
        return
    first = next(
        (i for i, pair in enumerate(zip(was, now, strict=False)) if pair[0] != pair[1]), -1
    )
    text = f"{name} is not deterministic: first {_told(was, first)}, replayed {_told(now, first)}"
    fix = (
        "Something that outlives a run decides: a module's variable, an import that is passed "
        "through, the order of a set. Keep what you need on `self`."
    )
    raise NotDeterministic(text, fix)


def _told(commands: Sequence[Command], place: int) -> str:
    """The command at that place, or the last, in words."""
    if not commands:
        return "nothing"
    command = commands[place]
    kind = (command.WhichOneof("variant") or "").replace("_", " ")
    what = command.schedule_activity.activity_type
    return f"{kind} {what}".strip()
