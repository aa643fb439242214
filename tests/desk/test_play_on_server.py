"""The same script on a real Temporal server with time skipping: the same transcript."""

from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from contracts.errors import OutcomeUnknown
from desk import buggy_runbooks as buggy
from desk import plain_runbooks as plain
from runbooks.restart_crash_loop import RestartCrashLoop
from runbooks.rollback_deployment import RollbackBadRollout
from workflows.authoring.play.on_server import play_on_server
from workflows.authoring.play.player import play
from workflows.authoring.play.sample_case import sample_case
from workflows.authoring.play.troubles import CannotPlay, PlayTrouble
from workflows.authoring.play.world import Script

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWERS: list[dict[str, Any]] = [
    {"answer": "approve"},
    {"answer": "deny"},
    {"answer": "silence"},
    {"find": {"rollout_healthy": False}},
]
STORIES: list[tuple[type, dict[str, Any]]] = [
    *((runbook, told) for runbook in (RestartCrashLoop, RollbackBadRollout) for told in ANSWERS),
    (RestartCrashLoop, {"find": {"rollout_restart": [{"generation": 1}, {"generation": 4}]}}),
    (RestartCrashLoop, {"find": {"rollout_restart.ensure": OutcomeUnknown("timeout")}}),
    (RestartCrashLoop, {"answer": "silence", "signals": [("stand_down", "calm")]}),
    (plain.PatientLoop, {"answer": ["approve", "deny"], "find": {"rollout_healthy": False}}),
    (plain.AllAtOnce, {"find": {"pod_logs": "one", "events": "two"}}),
    (plain.Listening, {"signals": [("release_finished", "v7")]}),
    (plain.Listening, {}),
    (plain.TellsItsChild, {}),
    (plain.CallsByName, {"known": [RestartCrashLoop]}),
    (plain.NotOnFridays, {}),
    (plain.ForeignActivity, {"find": {"payments.refund": "refunded"}}),
]


@pytest.mark.parametrize(("runbook", "told"), STORIES)
async def test_the_server_tells_the_same_story(
    temporal: WorkflowEnvironment, runbook: type, told: dict[str, Any]
) -> None:
    """Line by line, and with the same outcome."""
    case, script = sample_case(runbook), Script(**told)
    on_server = await play_on_server(temporal, runbook, case, script)
    assert str(on_server) == str(play(runbook, case, script))


@pytest.mark.parametrize(
    "runbook", [buggy.WrongKey, buggy.WallClock, buggy.WrongContract, buggy.NoOutcome]
)
async def test_the_server_names_the_same_bug(temporal: WorkflowEnvironment, runbook: type) -> None:
    """With the author's own line, which history does not hold."""
    with pytest.raises(PlayTrouble) as here:
        play(runbook, sample_case())
    with pytest.raises(PlayTrouble) as there:
        await play_on_server(temporal, runbook, sample_case())
    assert str(there.value) == str(here.value)
    assert type(there.value) is type(here.value)


async def test_a_script_without_an_answer_is_refused_there_too(
    temporal: WorkflowEnvironment,
) -> None:
    """The activity says so, and nobody waits."""
    with pytest.raises(PlayTrouble, match=r"'payments\.refund' is no step"):
        await play_on_server(temporal, plain.ForeignActivity, sample_case())


async def test_a_wait_beside_a_child_is_not_for_the_server(temporal: WorkflowEnvironment) -> None:
    """Its clocks do not move while a child runs; that is said instead of waited for."""
    with pytest.raises(CannotPlay, match="skips no time") as trouble:
        await play_on_server(temporal, plain.CancelsAChild, sample_case())
    assert "run_runbook" in trouble.value.fix


async def test_a_wait_for_nothing_ends_there_too(temporal: WorkflowEnvironment) -> None:
    """No timer runs, and nobody speaks."""
    with pytest.raises(PlayTrouble, match="never comes"):
        await play_on_server(temporal, buggy.WaitsForNothing, sample_case())
