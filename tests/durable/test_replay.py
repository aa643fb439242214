"""Histories recorded in the past still fit today's code: a deploy pauses no run in flight.

`FIREBREAK_RECORD_HISTORIES=1 pytest tests/durable/test_replay.py` records the shapes that are
missing under `tests/histories/VERSION/`; a recorded file is never changed. When one of them fails,
put the change behind `workflow.patched("a-name")`: runs that began before take the old branch.
"""

import asyncio
import json
import os
import tomllib
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHistory
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import Replayer

from contracts.calls import Owner, PageRequest, PersonRequest, RunRequest
from contracts.plan import Reason, Verdict
from durable.conftest import SHIPPED, Bench
from durable.shipped_shapes import SHIPPED_SHAPES, Handle, Shape, shape_of
from durable.test_triage import pod_alert, triage
from durable.test_what_take_overs_leave import lending
from runbooks.restart_crash_loop import RestartCrashLoop
from runbooks.rollback_deployment import RollbackBadRollout
from workflows.incident import Incident
from workflows.messenger import Messenger
from workflows.plugin import firebreak_plugin
from workflows.triage import Triage
from workflows.trigger import name_of

asynchronous = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
HISTORIES = ROOT / "tests" / "histories"
RECORDED = sorted(HISTORIES.glob("*/*.json"))
RECORDING = os.environ.get("FIREBREAK_RECORD_HISTORIES") == "1"
ANA = PersonRequest(person="ana", reason="by hand")


async def approved(bench: Bench) -> Handle:
    """Asked, approved, written, verified."""
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked())
    return handle


async def restarted(bench: Bench) -> Handle:
    """The other shipped runbook."""
    handle = await bench.start(RestartCrashLoop)
    await bench.decide(await bench.asked())
    return handle


async def allowed(bench: Bench) -> Handle:
    """Written without a question."""
    bench.world.verdict = Verdict(ruling="allow")
    return await bench.start(RollbackBadRollout)


async def denied(bench: Bench, runbook: type = RollbackBadRollout) -> Handle:
    """Asked and declined."""
    handle = await bench.start(runbook)
    await bench.decide(await bench.asked(), "ana", "deny", "not tonight")
    return handle


async def expired(bench: Bench, runbook: type = RollbackBadRollout) -> Handle:
    """Asked, and nobody answered."""
    handle = await bench.start(runbook)
    await bench.asked()
    await bench.environment.fast_forward(handle, timedelta(minutes=16))
    return handle


async def called(bench: Bench, times: int) -> Handle:
    """Asked with a ladder; so many of its rungs are over."""
    ladder = {"remind_percent": 40, "page_percent": 70}
    handle = await bench.start(RollbackBadRollout, **ladder)
    await bench.asked()
    for kind in ("reminded", "paged", "expired")[:times]:
        await bench.environment.fast_forward(handle, timedelta(minutes=6))
        await bench.until(lambda kind=kind: kind in bench.world.types)  # type: ignore[misc]  # bound now
    return handle


async def called_and_approved(bench: Bench) -> Handle:
    """Reminded, then answered."""
    handle = await called(bench, 1)
    await bench.decide(await bench.asked())
    return handle


async def called_and_expired(bench: Bench) -> Handle:
    """Reminded, paged, and nobody came."""
    return await called(bench, 3)


async def refused(bench: Bench, runbook: type = RollbackBadRollout) -> Handle:
    """The guardrails said no."""
    no = Reason(rule="namespaces", ruling="deny", text="not on the list")
    bench.world.verdict = Verdict(ruling="deny", reasons=(no,))
    return await bench.start(runbook)


async def asked_twice(bench: Bench) -> Handle:
    """The target changed between the answer and the write."""
    bench.world.generations = [2, 3]
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked(1))
    await bench.decide(await bench.asked(2))
    return handle


async def unknown(bench: Bench) -> Handle:
    """A write whose outcome nobody knows."""
    bench.world.ensure_fails = ApplicationError("reset", type="Unavailable", non_retryable=True)
    handle = await bench.start(RollbackBadRollout)
    await bench.decide(await bench.asked())
    return handle


async def cancelled(bench: Bench) -> Handle:
    """A person took over while people were asked."""
    handle = await bench.start(RollbackBadRollout)
    await bench.asked()
    await handle.cancel()
    return handle


async def cancelled_while_lending(bench: Bench) -> Handle:
    """A person took over while pods were lent."""
    handle = await lending(bench)
    await handle.cancel()
    return handle


async def sick(bench: Bench) -> Handle:
    """Rolled back in vain."""
    bench.world.healthy = False
    return await approved(bench)


async def blameless(bench: Bench) -> Handle:
    """The rollout is too old to be the cause: told, and nothing asked."""
    bench.world.facts = {"current_age_seconds": 999_999, "pods_total": 3, "pods_ready": 3}
    return await bench.start(RollbackBadRollout)


async def restart_denied(bench: Bench) -> Handle:
    """The restart, declined."""
    return await denied(bench, RestartCrashLoop)


async def restart_expired(bench: Bench) -> Handle:
    """The restart, with nobody there."""
    return await expired(bench, RestartCrashLoop)


async def restart_refused(bench: Bench) -> Handle:
    """The restart, forbidden."""
    return await refused(bench, RestartCrashLoop)


async def restart_in_vain(bench: Bench) -> Handle:
    """Restarted, and still sick."""
    bench.world.healthy = False
    return await restarted(bench)


async def incurable(bench: Bench) -> Handle:
    """What no restart cures: told, and nothing asked."""
    bench.world.facts = {"beyond_restart": ["OOMKilled"]}
    return await bench.start(RestartCrashLoop)


async def incident_healed(bench: Bench) -> Handle:
    """Opened, healed, resolved, closed, over."""
    handle = await bench.signal(bench.alert())
    await bench.decide(await bench.asked())
    await bench.until(lambda: "outcome" in bench.world.types)
    await bench.signal(bench.alert("resolved"))
    await bench.environment.fast_forward(handle, timedelta(seconds=40))
    await bench.until(lambda: bench.world.status == "closed")
    await bench.environment.fast_forward(handle, timedelta(minutes=11))
    return handle


async def incident_taken_over(bench: Bench) -> Handle:
    """Taken over, handed back, closed by hand, re-opened by a newer firing, stale."""
    handle = await bench.signal(bench.alert())
    await bench.asked()
    await handle.execute_update(Incident.take_over, ANA)
    await bench.until(lambda: bench.world.approvals[0].state == "void")
    await handle.execute_update(Incident.hand_back, ANA)
    await bench.until(lambda: "handed_back" in bench.world.types)
    await handle.execute_update(Incident.close, ANA)
    await bench.until(lambda: bench.world.status == "closed")
    bench.world.runbook = None
    await bench.signal(bench.alert(minute=5))
    await bench.until(lambda: bench.world.status == "escalated")
    with suppress(RPCError):
        for _ in range(3):
            await bench.environment.fast_forward(handle, timedelta(hours=13))
    return handle


async def incident_asked_again(bench: Bench) -> Handle:
    """Nobody came, somebody was paged, somebody had it asked again, and somebody approved."""
    handle = await bench.signal(bench.alert())
    run = bench.environment.client.get_workflow_handle((await bench.asked()).workflow)
    for kind in ("reminded", "paged", "expired"):
        await bench.environment.fast_forward(run, timedelta(minutes=6))
        await bench.until(lambda kind=kind: kind in bench.world.types)  # type: ignore[misc]  # bound now
    await bench.until(lambda: bench.world.status == "escalated")
    await handle.execute_update(Incident.page, PageRequest(person="ana", whom=("ben",)))
    runbook = "rollback_deployment"
    again = RunRequest(request="again", runbook=runbook, person="ben", again=True)
    await handle.execute_update("run", again)
    await bench.decide(await bench.asked(2), "ben")
    await bench.until(lambda: bench.world.types.count("outcome") == 2)
    await bench.signal(bench.alert("resolved"))
    await bench.environment.fast_forward(handle, timedelta(seconds=40))
    await bench.until(lambda: bench.world.status == "closed")
    await bench.environment.fast_forward(handle, timedelta(minutes=11))
    return handle


async def incident_paged_at_a_take_over(bench: Bench) -> Handle:
    """Somebody was paged while a take-over waited for a write; then it was handed back."""
    handle = await bench.signal(bench.alert())
    bench.world.ensure_gate = asyncio.Event()
    await bench.decide(await bench.asked())
    await bench.until(lambda: bench.world.ensuring)
    await handle.execute_update(Incident.take_over, ANA)
    await bench.until(lambda: bench.world.status == "taken_over")
    await handle.execute_update(Incident.page, PageRequest(person="ana", whom=("ben",)))
    await bench.until(lambda: "paged" in bench.world.types)
    bench.world.ensure_gate.set()
    await bench.until(lambda: "outcome" in bench.world.types)
    await bench.signal(bench.alert("resolved"))
    await bench.until(lambda: bench.world.types.count("alert") == 2)
    await handle.execute_update(Incident.hand_back, ANA)
    await bench.until(lambda: "handed_back" in bench.world.types)
    await bench.environment.fast_forward(handle, timedelta(seconds=40))
    await bench.until(lambda: bench.world.status == "closed")
    await bench.environment.fast_forward(handle, timedelta(minutes=11))
    return handle


async def incident_run_after_its_close(bench: Bench) -> Handle:
    """Healed and closed; then somebody ran something by hand, which is another incident."""
    handle = await bench.signal(bench.alert())
    await bench.decide(await bench.asked())
    await bench.until(lambda: "outcome" in bench.world.types)
    await bench.signal(bench.alert("resolved"))
    await bench.environment.fast_forward(handle, timedelta(seconds=40))
    await bench.until(lambda: bench.world.status == "closed")
    await bench.asks_for(RunRequest(request="r", runbook="restart_crash_loop", person="ana"))
    await bench.decide(await bench.asked(2), "ben")
    await bench.until(lambda: bench.world.types.count("outcome") == 2)
    await bench.environment.fast_forward(handle, timedelta(seconds=40))
    await bench.until(lambda: bench.world.status == "closed")
    await bench.environment.fast_forward(handle, timedelta(minutes=11))
    return handle


async def triaged(bench: Bench) -> Handle:
    """A pod's alert and its resolve."""
    bench.world.owner = Owner(target=bench.target)
    await triage(bench, pod_alert(bench), pod_alert(bench, "resolved"))
    return bench.environment.client.get_workflow_handle(f"triage/{bench.target.name}")


SHAPES: list[Shape] = [
    approved,
    restarted,
    allowed,
    denied,
    expired,
    called_and_approved,
    called_and_expired,
    refused,
    asked_twice,
    unknown,
    cancelled,
    cancelled_while_lending,
    sick,
    blameless,
    restart_denied,
    restart_expired,
    restart_refused,
    restart_in_vain,
    incurable,
    incident_healed,
    incident_taken_over,
    incident_asked_again,
    incident_paged_at_a_take_over,
    incident_run_after_its_close,
    triaged,
    *map(shape_of, SHIPPED_SHAPES),
]


async def history_of(bench: Bench, shape: Shape) -> WorkflowHistory:
    """Live through the shape; its whole history."""
    handle = await shape(bench)
    try:
        await handle.result()
    except WorkflowFailureError:
        assert shape in (cancelled, cancelled_while_lending)
    return await handle.fetch_history()


def replayer() -> Replayer:
    """Today's code."""
    every = [Incident, Triage, Messenger, *SHIPPED]
    return Replayer(workflows=every, plugins=[firebreak_plugin()])


if RECORDING:

    @asynchronous
    @pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
    async def test_record_the_shape_if_it_is_missing(bench: Bench, shape: Shape) -> None:
        """Never changes a file that is there."""
        path = HISTORIES / VERSION / f"{shape.__name__}.json"
        if path not in RECORDED:
            write(path, (await history_of(bench, shape)).to_json())


def read(path: Path) -> str:
    """The file's text."""
    return path.read_text()


def write(path: Path, text: str) -> None:
    """Write a new file, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_every_shape_of_this_version_is_recorded() -> None:
    """A new shape comes with its history."""
    have = {path.stem for path in RECORDED if path.parent.name == VERSION}

    assert {shape.__name__ for shape in SHAPES} - have == set()


def test_each_outcome_of_each_shipped_runbook_is_recorded() -> None:
    """Whatever way a run may be on when a deploy comes."""
    ends: dict[str, set[str]] = {name_of(item): set() for item in SHIPPED}
    for path in RECORDED:
        history = WorkflowHistory.from_json(path.stem, read(path))
        kind = history.events[0].workflow_execution_started_event_attributes.workflow_type.name
        last = history.events[-1].workflow_execution_completed_event_attributes
        for payload in last.result.payloads if kind in ends else ():
            ends[kind].add(json.loads(payload.data)["status"])

    every = {"resolved", "escalated", "declined", "expired", "refused"}
    assert ends == dict.fromkeys(ends, every)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
@asynchronous
async def test_a_recorded_history_fits_todays_code(path: Path) -> None:
    """Else a deploy would pause every run that is where this one was."""
    history = WorkflowHistory.from_json(path.stem, read(path))

    result = await replayer().replay_workflow(history, raise_on_replay_failure=False)

    assert result.replay_failure is None, "put the change behind workflow.patched(); see above"
