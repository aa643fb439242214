"""After a no nothing runs any more: what fires is somebody's, and a withdrawn wish is nobody's."""

import pytest
from temporalio.client import WorkflowUpdateFailedError

from contracts.calls import RunRequest
from contracts.policy import IncidentRules
from durable.conftest import Bench

pytestmark = pytest.mark.asyncio(loop_scope="session")

ASKED = RunRequest(request="r-1", runbook="restart_crash_loop", person="ana")


async def test_what_fires_on_after_a_no_is_with_people(bench: Bench) -> None:
    """Firebreak has nothing left to do there, and must not look as if it had."""
    await bench.signal(bench.alert())
    await bench.decide(await bench.asked(), "ben", "deny", "not during the sale")
    await bench.until(lambda: "outcome" in bench.world.types)

    assert bench.world.status == "escalated"
    assert bench.world.events[-1] == ("outcome", "declined: ben declined: not during the sale")


async def test_who_asked_may_withdraw_and_may_not_approve(bench: Bench) -> None:
    """A no only prevents; the timeline calls it what it is."""
    bench.world.runbook = None
    handle = await bench.signal(bench.alert())
    await bench.until(lambda: "escalated" in bench.world.types)
    await handle.execute_update("run", ASKED)
    approval = await bench.asked()

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await bench.decide(approval, "ana")
    assert "withdraw" in str(refused.value.cause)
    await bench.decide(approval, "ana", "deny", "wrong workload")
    await bench.until(lambda: "outcome" in bench.world.types)

    assert ("decided", "ana withdrew it: wrong workload") in bench.world.events
    assert ("outcome", "declined: ana withdrew it: wrong workload") in bench.world.events
    assert bench.world.ensured == []


async def test_where_nothing_fires_a_no_ends_it(bench: Bench) -> None:
    """Only whoever asked had wanted it: nobody is needed, and it closes."""
    bench.world.rules = IncidentRules(gather_seconds=0, quiet_seconds=0)
    await bench.asks_for(ASKED)
    await bench.decide(await bench.asked(), "ben", "deny", "no")
    await bench.until(lambda: bench.world.status == "closed")

    assert "escalated" not in bench.world.statuses
