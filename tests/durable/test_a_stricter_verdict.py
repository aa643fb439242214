"""A verdict that became stricter between the plan and the write: people are asked then."""

from datetime import timedelta

import pytest

from contracts.plan import Verdict
from durable.conftest import Bench
from runbooks.rollback_deployment import RollbackBadRollout

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_verdict_that_became_stricter_asks_before_the_write(bench: Bench) -> None:
    """Allowed when it was planned; when the lock is taken a person must agree, and is asked."""
    world = bench.world
    world.verdict = Verdict(ruling="allow")
    world.on_judged = lambda: setattr(world, "verdict", Verdict(ruling="ask", approvers=("ana",)))
    handle = await bench.start(RollbackBadRollout)
    approval = await bench.asked()
    assert world.ensured == []
    await bench.decide(approval)
    outcome = await handle.result()

    assert (outcome.status, len(world.ensured)) == ("resolved", 1)
    assert len(world.approvals) == 1


async def test_a_stricter_verdict_that_nobody_answers_writes_nothing(bench: Bench) -> None:
    """It expires like any question."""
    world = bench.world
    world.verdict = Verdict(ruling="allow")
    world.on_judged = lambda: setattr(world, "verdict", Verdict(ruling="ask", approvers=("ana",)))
    handle = await bench.start(RollbackBadRollout)
    await bench.asked()
    await bench.environment.fast_forward(handle, timedelta(minutes=16))
    outcome = await handle.result()

    assert (outcome.status, world.ensured) == ("expired", [])
