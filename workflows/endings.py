"""How a run ends, whatever happens in it: the interceptor no runbook can forget.

A named error becomes an outcome. A cancelled run says what it leaves changed. A bug fails the run
loudly. A contract that does not decode pauses the run (its task fails and is retried), because a
deploy can mend that.
"""

import asyncio
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from contracts.case import Outcome, OutcomeStatus
from contracts.errors import Declined, Expired, FirebreakError, NoLongerNeeded, Refused
from contracts.redact import redact
from workflows.runbook import Runbook

# Bugs of a runbook. Never Exception: a replay that differs would fail runs instead of pausing.
BUGS: tuple[type[BaseException], ...] = (
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)

# A run that wants to end its process ends by itself only.
FAILS_A_RUN: tuple[type[BaseException], ...] = (*BUGS, ValueError, SystemExit)

_STATUS: dict[type[FirebreakError], OutcomeStatus] = {
    Refused: "refused",
    Declined: "declined",
    Expired: "expired",
    NoLongerNeeded: "resolved",
}


def outcome_of(err: FirebreakError) -> Outcome:
    """The outcome that an error of our own tree means, when a runbook lets it pass."""
    status = next((s for kind, s in _STATUS.items() if isinstance(err, kind)), "escalated")
    hint = f" ({err.fix})" if status == "escalated" and err.fix else ""
    return Outcome(status=status, summary=f"{err.message}{hint}")


def _bug(err: BaseException) -> ApplicationError:
    return ApplicationError(redact(str(err)), type=type(err).__name__, non_retryable=True)


class EndingsInbound(WorkflowInboundInterceptor):
    """Wraps `run` of every workflow."""

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 - SDK's name
        """Run, translate what was raised, and let updates finish before the run closes."""
        try:
            result = await super().execute_workflow(input)
        except FirebreakError as err:
            if not isinstance(workflow.instance(), Runbook):
                # An incident is never given up; its task is retried until somebody looks.
                raise
            result = outcome_of(err)
        except asyncio.CancelledError:
            await _say_what_stays()
            raise
        except ValidationError:
            raise
        except FAILS_A_RUN as err:
            # Without its cause: what an exception says may hold a secret, and history is kept.
            raise _bug(err) from None
        instance = workflow.instance()
        if isinstance(instance, Runbook) and isinstance(result, Outcome):
            result = result.model_copy(update={"receipts": len(instance.receipts)})
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result


async def _say_what_stays() -> None:
    # Without a reason the run is only evicted from the worker's memory, and goes on elsewhere.
    instance = workflow.instance()
    if isinstance(instance, Runbook) and workflow.cancellation_reason() is not None:
        await instance.say_what_stays()


class Endings(Interceptor):
    """Installs `EndingsInbound` on a worker or a replayer."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - the SDK's signature
    ) -> type[WorkflowInboundInterceptor]:
        """The class that wraps each run."""
        return EndingsInbound
