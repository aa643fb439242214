"""What plain Python can do on the four verbs: wait, loop, branch, listen, call another runbook."""

from datetime import UTC, datetime

import pytest

from contracts.errors import Unavailable
from desk import plain_runbooks as plain
from runbooks.restart_crash_loop import RestartCrashLoop
from workflows.authoring.play.player import play
from workflows.authoring.play.sample_case import sample_case
from workflows.authoring.play.transcript import Play
from workflows.authoring.play.troubles import CannotPlay
from workflows.authoring.play.world import Script


def played(runbook: type, script: Script | None = None) -> Play:
    """The runbook on the sample case."""
    return play(runbook, sample_case(runbook), script or Script())


def test_a_team_s_own_steps_are_played_like_those_that_ship() -> None:
    """Firebreak has never heard of them."""
    found = played(plain.DrainQueue, Script(find={plain.QueueLength: {"messages": 500}}))
    assert found.steps == (
        "LOOK queue_length",
        "PLAN drain",
        "ASK drain",
        "ACT drain",
        "VERIFY drained",
        "OUTCOME resolved",
    )


def test_a_fact_decides_a_branch() -> None:
    """A short queue is left alone."""
    found = played(plain.DrainQueue, Script(find={"queue_length": {"messages": 3}}))
    assert found.steps == ("LOOK queue_length", "OUTCOME resolved")


def test_a_wait_for_business_hours_takes_no_time() -> None:
    """Time jumps, and the line says how far and what for."""
    found = played(plain.BusinessHours)
    assert str(found.transcript[0]) == "WAIT    6 h (business hours)"
    assert found.outcome.summary == "at 09:00"


def test_the_hour_at_which_it_begins_decides_how_long_it_waits() -> None:
    """Half past eight is near."""
    at = datetime(2026, 11, 18, 8, 30, tzinfo=UTC)
    assert played(plain.BusinessHours, Script(begins=at)).steps[0] == "WAIT 30 min"


def test_a_loop_ends_when_the_check_holds() -> None:
    """Answers are taken in turn, the last one again and again."""
    found = played(plain.PatientLoop, Script(find={"rollout_healthy": [False, True]}))
    assert found.outcome.summary == "after 2 restarts"
    assert found.steps.count("WAIT 5 min") == 1


def test_a_loop_ends_at_its_bound() -> None:
    """Three rounds, three pauses."""
    found = played(plain.PatientLoop, Script(find={"rollout_healthy": False}))
    assert (found.outcome.status, len(found.receipts)) == ("escalated", 3)
    assert found.steps.count("WAIT 5 min") == 3


def test_each_question_may_have_its_own_answer() -> None:
    """Yes the first time, no the second."""
    script = Script(answer=["approve", "deny"], find={"rollout_healthy": False})
    found = played(plain.PatientLoop, script)
    assert (found.outcome.status, len(found.receipts)) == ("declined", 1)


def test_a_check_that_fails_takes_the_time_it_was_given() -> None:
    """So that a loop which goes by the clock comes to its end."""
    found = played(plain.UntilDeadline, Script(find={"rollout_healthy": False}))
    assert found.outcome.summary == "3 times in vain"


def test_a_check_can_be_cut_short() -> None:
    """A minute passes, not ten."""
    found = played(plain.ImpatientCheck, Script(find={"rollout_healthy": False}))
    assert found.outcome.summary == "03:01"


def test_looks_may_run_at_once() -> None:
    """Both answers arrive, in the order of the calls."""
    found = played(plain.AllAtOnce, Script(find={"pod_logs": "one", "events": "two"}))
    assert found.steps[:2] == ("LOOK pod_logs", "LOOK events")
    assert found.outcome.summary == "one and two"


def test_a_signal_arrives_before_time_is_skipped() -> None:
    """The hour is not waited for."""
    found = played(plain.Listening, Script(signals=[("release_finished", "v7")]))
    assert found.steps == ("LOOK events", "SIGNAL release_finished", "OUTCOME resolved")
    assert str(found.transcript[1]) == "SIGNAL  release_finished('v7')"


def test_without_its_signal_a_wait_ends_at_its_timeout() -> None:
    """An hour later."""
    found = played(plain.Listening)
    assert found.steps == ("LOOK events", "WAIT 1 h", "OUTCOME escalated")


def test_another_runbook_is_played_as_a_child() -> None:
    """Its steps are part of the story."""
    found = played(plain.CallsAnother)
    assert found.steps == ("WAIT 6 h", "LOOK events", "OUTCOME resolved")
    assert found.outcome.summary == "child: at 09:00"


def test_a_child_asks_its_own_questions() -> None:
    """A class that the file does not import is named by the script."""
    script = Script(answer="deny", known=[RestartCrashLoop])
    found = played(plain.CallsByName, script)
    assert "ASK rollout_restart" in found.steps
    assert found.outcome.status == "declined"


def test_a_child_that_nobody_knows_is_named() -> None:
    """And how to make it known."""
    with pytest.raises(CannotPlay, match="the child 'restart_crash_loop'") as trouble:
        played(plain.CallsByName)
    assert "Script(known=[…])" in trouble.value.fix


def test_a_child_can_be_cancelled() -> None:
    """Its parent is told so."""
    assert played(plain.CancelsAChild).outcome.summary == "CancelledError"


def test_a_child_can_be_signalled_and_a_stranger_is_not_there() -> None:
    """Both in one runbook."""
    assert played(plain.TellsItsChild).outcome.summary == "v2"


def test_a_patched_step_is_taken_and_replays() -> None:
    """A replay finds the marker, as in a real history."""
    assert played(plain.Patched).steps == ("LOOK pod_logs", "LOOK events", "OUTCOME escalated")


def test_a_runbook_may_catch_a_refusal_and_ask_again() -> None:
    """The second answer counts."""
    found = played(plain.AsksFirst, Script(answer=["deny", "approve"]))
    assert found.outcome.summary == "both"
    assert found.steps.count("ASK rollout_restart") == 2


def test_an_activity_that_is_no_step_is_scripted_by_its_name() -> None:
    """A value is returned, an error raised."""
    told = played(plain.ForeignActivity, Script(find={"payments.refund": "refunded"}))
    away = played(plain.ForeignActivity, Script(find={"payments.refund": Unavailable("away")}))
    assert told.outcome.summary == "refunded"
    assert away.outcome.summary == "Unavailable: away"


def test_the_runbook_s_own_validator_decides_who_is_heard() -> None:
    """It refuses, and nobody else answers in time."""
    found = played(plain.NotOnFridays)
    text = "ana was refused (NotAllowed: approve not on Fridays); nobody answered in 15 min"
    assert str(found.transcript[1]).endswith(text)
    assert found.outcome.status == "expired"


def test_what_a_runbook_prints_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The replay is silent."""
    played(plain.BusinessHours)
    assert capsys.readouterr().out == "waiting\n"
