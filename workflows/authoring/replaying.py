"""Replays what production has lived through against the code that is checked out: the last look
before a deploy.

It reads histories and writes nothing. A history that no longer fits would pause its run.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import NamedTuple

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHistory
from temporalio.worker import Replayer

from contracts.redact import redact
from workflows.plugin import firebreak_plugin
from workflows.trigger import name_of

HISTORIES_MAX = 5_000


class Replayed(NamedTuple):
    """One run: `why` is empty when its history fits."""

    workflow: str
    kind: str
    why: str


async def replay(
    client: Client, classes: Sequence[type], since: datetime
) -> AsyncIterator[Replayed]:
    """Every run that began since then or has not ended, `HISTORIES_MAX` of them at most; that
    there are more is told as a run that does not fit. A run of a class that is not there fits as
    long as it has ended.
    """
    known = {name_of(item) for item in classes}
    orphans: list[Replayed] = []
    replayer = Replayer(workflows=list(classes), plugins=[firebreak_plugin()])
    histories = _histories(client, known, since, orphans)
    async with replayer.workflow_replay_iterator(histories) as results:
        async for result in results:
            failure = result.replay_failure
            why = redact(str(failure)) if failure is not None else ""
            yield Replayed(result.history.workflow_id, _kind(result.history), why)
    for orphan in orphans:
        yield orphan


async def _histories(
    client: Client, known: set[str], since: datetime, orphans: list[Replayed]
) -> AsyncIterator[WorkflowHistory]:
    query = f"StartTime > '{since.isoformat()}' OR ExecutionStatus = 'Running'"
    count = 0
    async for run in client.list_workflows(query, limit=HISTORIES_MAX + 1):
        count += 1
        if count > HISTORIES_MAX:
            why = f"there are more than {HISTORIES_MAX}; choose a shorter --since"
            orphans.append(Replayed("all others", "", why))
            return
        if run.workflow_type in known:
            yield await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        elif run.status == WorkflowExecutionStatus.RUNNING:
            why = "it runs, and no such runbook is checked out, so it could not go on"
            orphans.append(Replayed(run.id, run.workflow_type, why))


def _kind(history: WorkflowHistory) -> str:
    started = history.events[0].workflow_execution_started_event_attributes
    return started.workflow_type.name
