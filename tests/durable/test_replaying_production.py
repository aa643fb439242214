"""The replay gate: what a server has lived through, against the code that is checked out."""

from datetime import timedelta

import pytest
from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import Events, RolloutRestart
from durable.conftest import SHIPPED, Bench
from runbooks.restart_crash_loop import RestartCrashLoop
from workflows import Runbook
from workflows.authoring.replaying import Replayed, replay
from workflows.triage import Triage

asynchronous = pytest.mark.asyncio(loop_scope="session")
MINUTE = timedelta(minutes=1)


@workflow.defn(name="restart_crash_loop", sandboxed=False)
class RestartsFirst(Runbook):
    """The same name, and another order of steps."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Ask before anything was looked at."""
        await self.act(RolloutRestart(target=case.target))
        await self.look(Events(target=case.target))
        return Outcome(status="resolved", summary="done")


async def replayed(bench: Bench, workflow_id: str, *classes: type) -> list[Replayed]:
    """What is said of one run."""
    client = bench.environment.client
    since = (await client.get_workflow_handle(workflow_id).describe()).start_time - MINUTE
    found = [row async for row in replay(client, classes, since)]
    return [row for row in found if row.workflow == workflow_id]


@asynchronous
async def test_a_run_fits_the_code_that_it_ran_on(bench: Bench) -> None:
    """Nothing has changed."""
    handle = await bench.start(RestartCrashLoop)
    await bench.decide(await bench.asked())
    await handle.result()

    rows = await replayed(bench, handle.id, *SHIPPED)

    assert rows == [Replayed(handle.id, "restart_crash_loop", "")]


@asynchronous
async def test_a_run_that_waits_is_replayed_too(bench: Bench) -> None:
    """These are the ones that a deploy would pause."""
    handle = await bench.start(RestartCrashLoop)
    await bench.asked()

    rows = await replayed(bench, handle.id, RestartsFirst)

    assert [row.kind for row in rows] == ["restart_crash_loop"]
    assert "TMPRL1100" in rows[0].why


@asynchronous
async def test_a_run_that_began_long_ago_and_waits_is_replayed(bench: Bench) -> None:
    """Whatever --since says: it is the one that a deploy would pause."""
    handle = await bench.start(RestartCrashLoop)
    await bench.asked()
    client = bench.environment.client
    later = (await handle.describe()).start_time + MINUTE

    rows = [row async for row in replay(client, [RestartsFirst], later)]

    assert "TMPRL1100" in next(row.why for row in rows if row.workflow == handle.id)


@asynchronous
async def test_a_run_whose_runbook_is_gone_is_told_while_it_runs(bench: Bench) -> None:
    """It could not go on; one that has ended does not need to."""
    handle = await bench.start(RestartCrashLoop)
    asked = await bench.asked()
    rows = await replayed(bench, handle.id, Triage)
    assert "no such runbook" in rows[0].why

    await bench.decide(asked)
    await handle.result()
    await bench.until_listed(handle)

    assert await replayed(bench, handle.id, Triage) == []
