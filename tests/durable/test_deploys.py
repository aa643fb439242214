"""What a deploy does to runs in flight: it may pause them, and it never fails them."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporal_server import temporal_options
from temporalio import activity, workflow
from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from contracts import Case, Outcome
from contracts.calls import JUDGE, JudgeCall
from contracts.kubernetes import Events
from durable.conftest import Bench
from durable.fake_activities import FakeWorld
from runbooks.rollback_deployment import RollbackBadRollout
from workflows import Runbook
from workflows.plugin import firebreak_plugin, sandbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


@workflow.defn(name="rollback_deployment")
class Reordered(Runbook):
    """The next version of the runbook, by somebody who did not know `workflow.patched`."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Begin with another step."""
        await self.look(Events(target=case.target))
        return Outcome(status="resolved", summary="another story")


@activity.defn(name=JUDGE)
async def judge_of_another_version(call: JudgeCall) -> dict[str, str]:
    """An answer that today's contract cannot read."""
    return {"verdict_of": call.key}


async def test_a_deploy_that_breaks_determinism_pauses_and_a_good_one_goes_on(
    idle_bench: Bench,
) -> None:
    """Asked by version 1, met by version 2 (which is wrong), finished by version 1."""
    bench = idle_bench
    async with bench.serving():
        handle = await bench.start(RollbackBadRollout)
        approval = await bench.asked()
    async with bench.serving([Reordered]):
        await handle.signal("anything, so that the run is looked at")
        await bench.stuck(handle)
        assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING
    async with bench.serving():
        await bench.decide(approval)
        assert (await handle.result()).status == "resolved"
    assert len(bench.world.ensured) == 1


async def test_a_contract_that_does_not_decode_pauses(idle_bench: Bench) -> None:
    """A ValidationError is a ValueError, but it is no bug of the runbook."""
    async with idle_bench.serving(activities=[judge_of_another_version]):
        handle = await idle_bench.start(RollbackBadRollout)
        await idle_bench.stuck(handle)

        assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING


async def test_our_own_workflow_code_passes_the_sandbox_unpassed(idle_bench: Bench) -> None:
    """A clock or a random number read in `workflows/` would be caught here."""
    contracts_only = tuple(
        name for name in SandboxRestrictions.passthrough_modules_default if name != "workflows"
    )
    runner = sandbox((*contracts_only, "contracts"))
    async with idle_bench.serving(workflow_runner=runner):
        handle = await idle_bench.start(RollbackBadRollout)
        await idle_bench.decide(await idle_bench.asked())

        assert (await handle.result()).status == "resolved"


async def test_a_finished_run_replays(bench: Bench) -> None:
    """The history of a healed case fits today's code."""
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked())
    await handle.result()

    replayer = Replayer(workflows=[RollbackBadRollout], plugins=[firebreak_plugin()])
    result = await replayer.replay_workflow(await handle.fetch_history())

    assert result.replay_failure is None


@pytest_asyncio.fixture(loop_scope="session", name="short")
async def _short() -> AsyncIterator[Bench]:
    """A bench on a server that finds forty events a long history."""
    limit = "limit.historyCount.suggestContinueAsNew=40"
    async with await WorkflowEnvironment.start_local(
        **temporal_options(["--dynamic-config-value", limit]), plugins=[firebreak_plugin()]
    ) as environment:
        bench = Bench(environment)
        async with bench.serving():
            yield bench
        await bench.end()


async def test_continuing_as_new_waits_for_the_approval_and_loses_nothing(short: Bench) -> None:
    """The question counts, then the incident continues, though its alerts weigh over 2 MiB."""
    handle = await short.signal(short.alert())
    approval = await short.asked()
    first_run = (await handle.describe()).run_id
    fat = {"labels": {f"l{n}": "x" * 4000 for n in range(3)}, "annotations": {"a": "y" * 3000}}
    for number in range(140):
        big = short.alert(fingerprint=f"f{number}").model_copy(update=fat)
        await short.signal(big)
    await short.until(lambda: short.world.types.count("alert") == 141)
    assert (await handle.describe()).run_id == first_run

    await short.decide(approval)
    await short.until(lambda: "outcome" in short.world.types)
    for number in range(140):
        await short.signal(short.alert("resolved", fingerprint=f"f{number}"))
    await short.signal(short.alert("resolved"))
    await short.until(lambda: short.world.types.count("alert") == 282)

    assert (await handle.describe()).run_id != first_run
    assert len({record.incident for record in short.world.records}) == 1
    assert len({e.key for r in short.world.records for e in r.events}) == len(short.world.events)
    assert short.world.types.count("opened") == 1


async def test_the_fake_world_has_every_activity_once() -> None:
    """Otherwise the tests above would test another house."""
    world = FakeWorld()

    assert len(world.all([judge_of_another_version])) == len(world.all())
