"""Scripts that say what cannot be: refused at once, in words for their author."""

from datetime import datetime
from typing import Any

import pytest

from contracts.errors import Unavailable
from desk import plain_runbooks as plain
from runbooks.restart_crash_loop import RestartCrashLoop
from workflows.authoring.play.player import play
from workflows.authoring.play.sample_case import sample_case
from workflows.authoring.play.troubles import BadScript
from workflows.authoring.play.world import Script


def refusal_of(runbook: type = RestartCrashLoop, **script: Any) -> BadScript:
    """What its author would read."""
    with pytest.raises(BadScript) as refused:
        play(runbook, sample_case(runbook), Script(**script))
    return refused.value


@pytest.mark.parametrize(
    ("find", "says"),
    [
        ({"pod_log": "x"}, "there is no step 'pod_log'; did you mean pod_logs?"),
        ({"kubernetes.pod_log": "x"}, "did you mean pod_logs?"),
        ({"zzz": "x"}, "there is no step 'zzz'; there are "),
        ({"pod_logs": True}, "is a look: give it a text, or a mapping of facts, not True"),
        ({"rollout_healthy": "yes"}, "is a check: give it True or False, not 'yes'"),
        ({"rollout_restart": "x"}, "is an action: give it a mapping"),
        ({"rollout_healthy": []}, "'rollout_healthy' has no answer"),
        ({"rollout_restart": {"genration": 2}}, "a Plan has no field genration"),
        ({"rollout_restart": {"generation": "many"}}, "generation"),
        ({7: "x"}, "7 is no step"),
    ],
)
def test_what_no_step_can_find_is_refused(find: dict[Any, object], says: str) -> None:
    """Before it makes a test pass or fail for the wrong reason."""
    assert says in refusal_of(find=find).message


def test_a_name_that_two_steps_have_must_be_whole() -> None:
    """Neither is guessed."""

    # Classes stay known until they are collected, so no other test may use their short name.
    class One(plain.QueueLength):
        activity = "payments.namesake"

    class Other(plain.QueueLength):
        activity = "orders.namesake"

    refused = refusal_of(find={"namesake": "x"})
    assert f"'namesake' may be {Other.activity} or {One.activity}" in refused.message


def test_an_answer_that_nothing_asked_for_is_named() -> None:
    """A name with a dot may be anybody's activity, so it is known only afterwards."""
    refused = refusal_of(
        plain.ForeignActivity, find={"payments.refund": "x", "payments.refnd": "x"}
    )
    assert "nothing asked for 'payments.refnd'; did you mean payments.refund?" in refused.message


def test_an_activity_without_an_answer_is_named() -> None:
    """With the words to script it."""
    refused = refusal_of(plain.ForeignActivity)
    assert "'payments.refund' is no step" in refused.message
    assert "find={'payments.refund': …}" in refused.fix


def test_a_signal_that_has_no_handler_is_refused() -> None:
    """Temporal would keep it in silence."""
    refused = refusal_of(plain.Listening, signals=[("release_finishd", "v1")])
    assert "did you mean release_finished?" in refused.message


def test_arguments_that_do_not_fit_a_signal_are_refused() -> None:
    """Temporal would drop it with a line in its log."""
    refused = refusal_of(plain.Listening, signals=[("release_finished", {"version": 1})])
    assert "the arguments of the signal 'release_finished' do not fit" in refused.message


@pytest.mark.parametrize("answer", ["yes", ["approve", "maybe"]])
def test_only_three_answers_are_known(answer: object) -> None:
    """They are named."""
    assert "approve, deny, silence" in refusal_of(answer=answer).fix


def test_a_time_without_a_zone_is_refused() -> None:
    """Business hours are somewhere."""
    assert "has no zone" in refusal_of(begins=datetime(2026, 1, 1)).message  # noqa: DTZ001 - the fault


def test_an_error_in_a_list_is_raised_in_its_turn() -> None:
    """First away, then there."""
    found = play(
        plain.AllAtOnce,
        sample_case(),
        Script(find={"pod_logs": [Unavailable("away"), "one"], "events": "two"}),
    )
    assert found.outcome.summary == " and two"
