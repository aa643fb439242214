"""The little of Temporal that doors need, as a port, and its adapter over the real client.

Every call is bounded by `RPC_TIMEOUT`; an update by the seconds its caller gives. Temporal's own
exceptions end here: a door sees `Unavailable`, or the refusal that a workflow's validator typed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, TypeVar

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from contracts.calls import QUEUE
from contracts.errors import FirebreakError, NotFound, Rejected, Unavailable, error_named
from contracts.model import Contract

RPC_TIMEOUT = timedelta(seconds=3)
UPDATE_SECONDS = 5.0
CONNECT_SECONDS = 3.0

A = TypeVar("A", bound=Contract)
R = TypeVar("R")


class Start(NamedTuple):
    """A workflow to start if it does not run: its type, its id, and its argument."""

    workflow: str
    id: str
    argument: Contract


class Update(NamedTuple):
    """One update: its name, its argument, its idempotency id, and how long to wait for it."""

    name: str
    argument: Contract
    id: str
    within_seconds: float = UPDATE_SECONDS


class Temporal(Protocol):
    """What doors ask of Temporal. Everything raises `Unavailable` when it does not answer."""

    async def signal_with_start(self, start: Start, signal: str, argument: Contract) -> None:
        """Signal the workflow, starting it first when it does not run."""

    async def signal(self, workflow: str, signal: str, argument: Contract) -> bool:
        """Signal a workflow that runs; False when none of that id does."""

    async def update(self, workflow: str, update: Update, answer: type[A]) -> A:
        """Ask a workflow that runs; raises its typed refusal, or `NotFound` when none runs."""

    async def update_with_start(self, start: Start, update: Update, answer: type[A]) -> A:
        """The same, starting it first when it does not run."""

    async def ping(self) -> None:
        """Return when the service answers."""


class TemporalDoor:
    """The adapter. The client is made at the first use, so that a gateway starts, and says that
    it is not ready, while Temporal is away.
    """

    def __init__(self, connect: Callable[[], Awaitable[Client]]) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._lock = asyncio.Lock()

    async def client(self) -> Client:
        """The connected client; raises `Unavailable`."""
        async with self._lock:
            if self._client is None:
                self._client = await _bounded(self._connect(), CONNECT_SECONDS)
            return self._client

    async def signal_with_start(self, start: Start, signal: str, argument: Contract) -> None:
        """See the port."""
        client = await self.client()
        started = client.start_workflow(
            start.workflow,
            start.argument,
            id=start.id,
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=signal,
            start_signal_args=[argument],
            rpc_timeout=RPC_TIMEOUT,
        )
        await _bounded(started, RPC_TIMEOUT.total_seconds())

    async def signal(self, workflow: str, signal: str, argument: Contract) -> bool:
        """See the port."""
        handle = (await self.client()).get_workflow_handle(workflow)
        sent = handle.signal(signal, argument, rpc_timeout=RPC_TIMEOUT)
        try:
            await _bounded(sent, RPC_TIMEOUT.total_seconds())
        except NotFound:
            return False
        return True

    async def update(self, workflow: str, update: Update, answer: type[A]) -> A:
        """See the port."""
        handle = (await self.client()).get_workflow_handle(workflow)
        asked = handle.execute_update(
            update.name,
            update.argument,
            id=update.id,
            result_type=answer,
            rpc_timeout=timedelta(seconds=update.within_seconds),
        )
        return answer.model_validate(await _bounded(asked, update.within_seconds))

    async def update_with_start(self, start: Start, update: Update, answer: type[A]) -> A:
        """See the port."""
        client = await self.client()
        operation: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            start.workflow,
            start.argument,
            id=start.id,
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        asked = client.execute_update_with_start_workflow(
            update.name,
            update.argument,
            start_workflow_operation=operation,
            id=update.id,
            result_type=answer,
            rpc_timeout=timedelta(seconds=update.within_seconds),
        )
        return answer.model_validate(await _bounded(asked, update.within_seconds))

    async def ping(self) -> None:
        """See the port."""
        client = await self.client()
        healthy = client.service_client.check_health(timeout=RPC_TIMEOUT)
        if not await _bounded(healthy, RPC_TIMEOUT.total_seconds()):
            raise Unavailable("Temporal says that it does not serve")


async def _bounded(asked: Awaitable[R], within_seconds: float) -> R:
    """Wait, at most so long, and translate what goes wrong into our own errors."""
    try:
        async with asyncio.timeout(within_seconds):
            return await asked
    except WorkflowUpdateFailedError as err:
        raise _refusal(err) from err
    except RPCError as err:
        raise _translated(err) from err
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as err:
        raise Unavailable(f"Temporal gave no answer within {within_seconds:g} s") from err
    except RuntimeError as err:
        # The SDK's only way to say that a connection could not be made.
        raise Unavailable("Temporal cannot be reached") from err


def _refusal(err: WorkflowUpdateFailedError) -> FirebreakError:
    cause = err.cause
    if not isinstance(cause, ApplicationError):
        return Unavailable("the workflow ended before it could answer")
    known = error_named(cause.type or "")
    if known is None:
        return Rejected(f"the workflow refused: {cause.message}")
    return known(cause.message, str(cause.details[0]) if cause.details else None)


def _translated(err: RPCError) -> FirebreakError:
    if err.status == RPCStatusCode.NOT_FOUND:
        return NotFound("no such workflow runs")
    if err.status in (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.PERMISSION_DENIED):
        return Rejected(f"Temporal refused: {err.message}")
    return Unavailable(f"Temporal does not serve now ({err.status.name.lower()})")
