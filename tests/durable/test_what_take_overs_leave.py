"""A run that is cancelled gives nothing back: what it lent is told, with the way back."""

import asyncio

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from contracts.kubernetes import PodStates, Restore, RolloutHistory, Surroundings
from contracts.plan import Plan, Verdict
from contracts.signals import AlertsResolved
from contracts.step import Changed, StepCall
from durable.conftest import SHIPPED, Bench
from runbooks._capacity import HELD
from runbooks.raise_hpa_maximum import RaiseHpaMaximum
from runbooks.rollback_deployment import RollbackBadRollout

pytestmark = pytest.mark.asyncio(loop_scope="session")

RAISED = Changed(
    kind="HorizontalPodAutoscaler", name="web", uid="u", path="/spec/maxReplicas", before=5, after=8
)


def busy(bench: Bench) -> None:
    """A service at its autoscaler's maximum that alerts however many pods it gets; no questions."""
    world = bench.world
    world.facts_of = {
        PodStates.activity: {"cause": ""},
        Surroundings.activity: {"autoscaler": {"name": "web", "max": 5, "at_max": True}},
        RolloutHistory.activity: {"current_age_seconds": 40},
    }
    world.changed = (RAISED,)
    world.holds = {AlertsResolved.activity: False}
    world.verdict = Verdict(ruling="allow")


async def lending(bench: Bench) -> WorkflowHandle[object, object]:
    """A run that has raised the maximum, and waits."""
    busy(bench)
    handle = await bench.start(RaiseHpaMaximum, alerts=(bench.alert(),))
    await bench.until(lambda: "escalated" in bench.world.types)
    return handle


async def taken_over(handle: WorkflowHandle[object, object]) -> None:
    """Cancel it, and wait for its end."""
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()


def told(bench: Bench) -> list[str]:
    """The lines about what stays."""
    return [text for _, text in bench.world.events if text.startswith("still changed")]


async def test_a_take_over_during_a_loan_says_how_it_is_given_back(bench: Bench) -> None:
    """One line, with the command that the plan of the return knows; nothing is given back."""
    handle = await lending(bench)

    await taken_over(handle)

    kubectl = "kubectl -n shop rollout undo deployment/user-auth --to-revision=1"
    assert told(bench) == [f"still changed: revision 2; give it back with: {kubectl}"]
    assert len(bench.world.ensured) == 1


async def test_a_take_over_in_the_middle_of_the_raising_says_it_too(bench: Bench) -> None:
    """The write that was sent is waited for, and it is the one that stays."""
    busy(bench)
    bench.world.ensure_gate = asyncio.Event()
    handle = await bench.start(RaiseHpaMaximum, alerts=(bench.alert(),))
    await bench.until(lambda: bench.world.ensuring)
    await bench.cancelled(handle)
    bench.world.ensure_gate.set()

    with pytest.raises(WorkflowFailureError):
        await handle.result()

    assert [s.state for s in bench.world.settled] == ["done"]
    assert len(told(bench)) == 1


async def test_what_was_given_back_is_not_told(bench: Bench) -> None:
    """Cancelled while the return was under way, which is finished first."""
    handle = await lending(bench)
    bench.world.ensuring, bench.world.ensure_gate = False, asyncio.Event()
    await bench.environment.fast_forward(handle, HELD)
    await bench.until(lambda: bench.world.ensuring)
    await bench.cancelled(handle)
    bench.world.ensure_gate.set()

    with pytest.raises(WorkflowFailureError):
        await handle.result()

    assert [type(step) for step in bench.world.acted[1:]] == [Restore]
    assert told(bench) == []


async def test_a_run_that_lent_nothing_says_nothing(bench: Bench) -> None:
    """A question was open, and that is all."""
    handle = await bench.start(RollbackBadRollout)
    await bench.asked()

    await taken_over(handle)

    assert told(bench) == []


@pytest.mark.parametrize("away", [True, False], ids=["unreadable", "nothing_left"])
async def test_without_a_plan_of_the_return_its_fields_are_told(
    idle_bench: Bench, away: bool
) -> None:
    """The API server is away: the receipt says what was set. What nobody left there is no line."""

    @activity.defn(name=f"{Restore.activity}.plan")
    async def plan(call: StepCall[Restore]) -> Plan:
        if away:
            raise ApplicationError("it is away", type="Rejected", non_retryable=True)
        found = await idle_bench.world.planned_for(call)
        return found.model_copy(update={"noop": True})

    async with idle_bench.serving(SHIPPED, [plan]):
        await taken_over(await lending(idle_bench))

    fields = "maxReplicas of HorizontalPodAutoscaler/web was 5, and was set to 8"
    wanted = f"still changed: {fields}; give it back by hand (it is away)"
    assert told(idle_bench) == ([wanted] if away else [])
