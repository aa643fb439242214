"""Sees what an author's code raises before it is translated, because only there the author's own
file and line are known: history is given neither.
"""

import traceback
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from temporalio.worker import (
    ExecuteWorkflowInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from contracts.errors import FirebreakError


class Noted(AbstractContextManager[None]):
    """Keeps the traceback of what leaves the block, as text, and lets it pass."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        err: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        # Text only: an exception would keep alive the frames of a run that is over.
        if err is not None and not isinstance(err, FirebreakError):
            texts = [line for one in _chain(err) for line in traceback.format_exception(one)]
            self._notes.append("".join(texts))


def _chain(err: BaseException) -> list[BaseException]:
    """What it was raised from, also where that is hidden from history, and itself last."""
    return [*(_chain(err.__context__) if err.__context__ else ()), err]


def witness(notes: list[str]) -> type[WorkflowInboundInterceptor]:
    """The class of an innermost interceptor that fills `notes`."""

    class Witness(WorkflowInboundInterceptor):
        async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 - SDK's name
            with Noted(notes):
                return await super().execute_workflow(input)

        async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002 - SDK's name
            with Noted(notes):
                await super().handle_signal(input)

        async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002 - SDK's name
            with Noted(notes):
                return await super().handle_update_handler(input)

    return Witness


class Witnessing(Interceptor):
    """Installs a witness on a worker."""

    def __init__(self, notes: list[str]) -> None:
        self._class = witness(notes)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - the SDK's signature
    ) -> type[WorkflowInboundInterceptor]:
        """The class that sees each run."""
        return self._class
