"""The four verbs of a runbook on a real Temporal server."""

import asyncio
import base64
import re
from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from contracts.case import Outcome
from contracts.errors import Paused, PlanChanged, Unavailable
from contracts.plan import Reason, Verdict
from durable.conftest import Bench
from durable.faulty_runbooks import (
    SECRET,
    ExitingRunbook,
    ExitsOnASignal,
    KeyErrorRunbook,
    LeakingRunbook,
    ValueErrorRunbook,
)
from runbooks.restart_crash_loop import RestartCrashLoop
from runbooks.rollback_deployment import RollbackBadRollout

pytestmark = pytest.mark.asyncio(loop_scope="session")


def failure(kind: type[Exception], text: str) -> ApplicationError:
    """An activity's failure, as the activity side translates our errors."""
    return ApplicationError(text, type=kind.__name__, non_retryable=True)


async def test_what_was_approved_is_written_once_and_settled(bench: Bench) -> None:
    """Approve, write, settle, verify: one write under the step's key, then resolved."""
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked())

    outcome = await handle.result()

    assert (outcome.status, outcome.receipts) == ("resolved", 1)
    assert [s.state for s in bench.world.settled] == ["done"]
    assert bench.world.ensured == [bench.world.settled[0].key]
    assert bench.world.types == [
        "evidence", "evidence", "plan", "asked", "decided", "note", "written", "note", "verified",
    ]  # fmt: skip


async def test_a_decision_is_an_observation_with_its_seconds(bench: Bench) -> None:
    """The approver's time is recorded, two minutes at most."""
    handle = await bench.start(RollbackBadRollout, service="user-auth", team="identity")
    approval = await bench.asked()
    await bench.environment.fast_forward(handle, timedelta(minutes=5))
    await bench.decide(approval)
    await handle.result()

    (seen,) = [o for r in bench.world.records for o in r.observations]

    assert (seen.person, seen.action, seen.seconds) == ("ana", "approve", 120)
    assert (seen.service, seen.team) == ("user-auth", "identity")


async def test_a_denial_ends_declined_and_writes_nothing(bench: Bench) -> None:
    """The reason is in the outcome."""
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked(), "ben", "deny", "a release is under way")

    outcome = await handle.result()

    assert outcome.status == "declined"
    assert "a release is under way" in outcome.summary
    assert bench.world.ensured == []


async def test_silence_ends_expired_at_the_deadline(bench: Bench) -> None:
    """Open one minute before, expired one minute after; nothing is written."""
    handle = await bench.start(RollbackBadRollout)
    await bench.asked()
    await bench.environment.fast_forward(handle, timedelta(minutes=14))
    assert [a.state for a in bench.world.approvals] == ["open"]

    await bench.environment.fast_forward(handle, timedelta(minutes=2))

    assert (await handle.result()).status == "expired"
    assert [a.state for a in bench.world.approvals] == ["expired"]
    assert bench.world.ensured == []


async def test_policy_shortens_every_deadline(bench: Bench) -> None:
    """The author says 15 minutes, the policy 60 seconds: the shorter counts."""
    handle = await bench.start(RollbackBadRollout, approval_seconds=60)
    approval = await bench.asked()

    assert approval.expires_at - approval.opened_at == timedelta(seconds=60)
    await bench.decide(approval)
    await handle.result()


@pytest.mark.parametrize(
    ("person", "decision", "reason", "kind"),
    [
        ("mallory", "approve", "", "NotAllowed"),
        ("firebreak", "approve", "", "NotAllowed"),
        ("ana", "deny", "  ", "ReasonMissing"),
    ],
)
async def test_an_answer_that_may_not_be_given_is_refused_by_name(
    bench: Bench, person: str, decision: str, reason: str, kind: str
) -> None:
    """A refused answer leaves the question open and nothing in history."""
    handle = await bench.start(RollbackBadRollout)
    approval = await bench.asked()

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await bench.decide(approval, person, decision, reason)

    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == kind
    await bench.decide(approval)
    assert (await handle.result()).status == "resolved"


async def test_two_people_must_agree_when_the_verdict_says_two(bench: Bench) -> None:
    """The same person twice is not two people."""
    bench.world.verdict = Verdict(ruling="ask", needed=2, approvers=("ana", "ben"))
    handle = await bench.start(RollbackBadRollout)
    approval = await bench.asked()
    assert (await bench.decide(approval)).state == "open"

    with pytest.raises(WorkflowUpdateFailedError):
        await bench.environment.client.get_workflow_handle(approval.workflow).execute_update(
            "decide",
            {"approval": approval.id, "person": "ana", "decision": "approve"},
            id="another-click",
        )
    assert bench.world.ensured == []

    assert (await bench.decide(approval, "ben")).state == "approved"
    assert (await handle.result()).status == "resolved"


async def test_a_changed_target_voids_the_approval_and_asks_again(bench: Bench) -> None:
    """The first approval is worth nothing once the generation has moved."""
    bench.world.generations = [2, 3]
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked(1))

    second = await bench.asked(2)
    assert bench.world.approvals[0].state == "void"
    assert bench.world.ensured == []
    await bench.decide(second)

    assert (await handle.result()).status == "resolved"
    assert len(bench.world.ensured) == 1


async def test_a_change_seen_only_at_the_write_voids_the_approval_too(bench: Bench) -> None:
    """`ensure` refuses; the lock is released, and people are asked about the new plan."""
    bench.world.ensure_fails = failure(PlanChanged, "somebody scaled it")
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked(1))
    await bench.decide(await bench.asked(2))

    assert (await handle.result()).status == "resolved"
    assert [s.state for s in bench.world.settled] == ["released", "done"]


async def test_an_unknown_outcome_is_settled_as_unknown_and_escalates(bench: Bench) -> None:
    """A write whose fate nobody knows counts against the budgets."""
    bench.world.ensure_fails = failure(Unavailable, "the API server reset the connection")
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked())

    outcome = await handle.result()

    assert outcome.status == "escalated"
    assert "reset" in outcome.summary
    assert [s.state for s in bench.world.settled] == ["unknown"]


async def test_the_kill_switch_right_before_the_write_refuses(bench: Bench) -> None:
    """Paused between approval and write: nothing written, the lock released."""
    bench.world.ensure_fails = failure(Paused, "paused: all, by ana")
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked())

    assert (await handle.result()).status == "refused"
    assert [s.state for s in bench.world.settled] == ["released"]


async def test_a_denied_plan_is_refused_with_its_reasons(bench: Bench) -> None:
    """Nobody is asked about what the guardrails forbid."""
    no = Reason(rule="namespaces", ruling="deny", text="shop is not on the list", fix="add it")
    bench.world.verdict = Verdict(ruling="deny", reasons=(no,))
    handle = await bench.start(RollbackBadRollout)

    outcome = await handle.result()

    assert (outcome.status, outcome.summary) == ("refused", "shop is not on the list")
    assert bench.world.approvals == []


async def test_an_allowed_plan_runs_without_a_question(bench: Bench) -> None:
    """Autonomy `auto`: planned, judged, written."""
    bench.world.verdict = Verdict(ruling="allow")
    handle = await bench.start(RestartCrashLoop)

    assert (await handle.result()).status == "resolved"
    assert bench.world.approvals == []
    assert len(bench.world.ensured) == 1


async def test_every_plan_of_one_write_is_made_at_one_time(bench: Bench) -> None:
    """A restart's annotation is its plan's time, so the re-plan before the write repeats it."""
    handle = await bench.start(RestartCrashLoop)
    approval = await bench.asked()
    await bench.environment.fast_forward(handle, timedelta(minutes=3))
    await bench.decide(approval)
    await handle.result()

    assert len(bench.world.planned) == 2
    assert len(set(bench.world.planned)) == 1


async def test_a_look_that_fails_is_evidence_too(bench: Bench) -> None:
    """The runbook goes on without the facts and says that it has no rollout to blame."""
    bench.world.look_fails = failure(Unavailable, "no logs today")
    handle = await bench.start(RollbackBadRollout)

    assert (await handle.result()).status == "escalated"
    assert "no logs today" in bench.world.events[0][1]


async def test_a_workload_that_stays_sick_is_escalated(bench: Bench) -> None:
    """Written is not healed."""
    bench.world.healthy = False
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked())

    outcome = await handle.result()

    assert (outcome.status, outcome.receipts) == ("escalated", 1)


@pytest.mark.parametrize("runbook", [KeyErrorRunbook, ValueErrorRunbook, ExitingRunbook])
async def test_a_bug_fails_the_run_loudly(bench: Bench, runbook: type) -> None:
    """The run fails at once instead of retrying its task for ever."""
    handle = await bench.start(runbook)

    with pytest.raises(WorkflowFailureError):
        await handle.result()


async def test_a_run_that_wants_to_end_its_worker_ends_nobody_s(bench: Bench) -> None:
    """Its task is tried again until the code is mended, and other runs go on."""
    stuck = await bench.start(ExitsOnASignal)
    await stuck.signal("leave")
    await bench.stuck(stuck)

    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked())

    assert (await handle.result()).status == "resolved"


async def test_resolved_alerts_void_an_open_question(bench: Bench) -> None:
    """Nobody is asked about what healed by itself."""
    handle = await bench.start(RollbackBadRollout)
    await bench.asked()

    await handle.signal("stand_down", "the alerts have resolved by themselves")

    outcome: Outcome = await handle.result()
    assert (outcome.status, outcome.receipts) == ("resolved", 0)
    assert bench.world.approvals[0].state == "void"


async def test_cancelling_while_asking_voids_the_question(bench: Bench) -> None:
    """A person takes over: the question closes and nothing is written."""
    handle = await bench.start(RollbackBadRollout)
    await bench.asked()

    await handle.cancel()

    with pytest.raises(WorkflowFailureError):
        await handle.result()
    assert bench.world.approvals[0].state == "void"
    assert bench.world.ensured == []


async def test_taking_over_in_the_middle_of_a_write_settles_it_first(bench: Bench) -> None:
    """The write that was sent is waited for and booked; then the run ends, unverified."""
    bench.world.ensure_gate = asyncio.Event()
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked())
    await bench.until(lambda: bench.world.ensuring)

    await bench.cancelled(handle)
    bench.world.ensure_gate.set()

    with pytest.raises(WorkflowFailureError):
        await handle.result()
    assert [s.state for s in bench.world.settled] == ["done"]
    assert "written" in bench.world.types
    assert "verified" not in bench.world.types


async def test_taking_over_while_the_lock_is_taken_gives_it_back(bench: Bench) -> None:
    """Cancelled between lock and write: nothing is written and the lock is released."""
    bench.world.reserve_gate = asyncio.Event()
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked())
    await bench.until(lambda: bench.world.reserving)

    await bench.cancelled(handle)
    bench.world.reserve_gate.set()

    with pytest.raises(WorkflowFailureError):
        await handle.result()
    assert [s.state for s in bench.world.settled] == ["released"]
    assert bench.world.ensured == []


async def test_what_a_bug_says_enters_history_without_its_secrets(bench: Bench) -> None:
    """History is kept for long and read by many."""
    handle = await bench.start(LeakingRunbook)
    with pytest.raises(WorkflowFailureError):
        await handle.result()

    history = (await handle.fetch_history()).to_json()

    assert SECRET not in decoded(history)
    assert "LookupError" in decoded(history)


def decoded(history: str) -> str:
    """The history with its payloads readable: they travel in base64."""
    found = re.findall(r'"data": "([^"]+)"', history)
    return history + "".join(base64.b64decode(data).decode(errors="replace") for data in found)


async def test_what_may_write_by_itself_does_not_once_the_alerts_have_resolved(
    bench: Bench,
) -> None:
    """A runbook that looked for long enough finds nothing left to heal."""
    bench.world.verdict = Verdict(ruling="allow")
    bench.world.look_gate.clear()
    handle = await bench.start(RollbackBadRollout)
    await bench.until(lambda: bench.world.looking)
    await handle.signal("stand_down", "the alerts have resolved by themselves")
    bench.world.look_gate.set()

    outcome: Outcome = await handle.result()

    assert (outcome.status, outcome.receipts) == ("resolved", 0)
    assert bench.world.ensured == []
