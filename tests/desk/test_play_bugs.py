"""The bugs that authors write: each is named, with its own file and line, and what to do."""

import inspect
import re
import warnings

import pytest

from contracts import Case
from desk import buggy_runbooks as buggy
from workflows.authoring.play.player import play
from workflows.authoring.play.sample_case import sample_case
from workflows.authoring.play.troubles import (
    CannotPlay,
    NeverEnds,
    NotDeterministic,
    PlayTrouble,
    RunbookFailed,
    RunbookStuck,
)
from workflows.authoring.play.world import Script

BUGGY = "tests/desk/buggy_runbooks.py"


def trouble_of(runbook: type, script: Script | None = None) -> PlayTrouble:
    """What its author would read."""
    with pytest.raises(PlayTrouble) as trouble:
        play(runbook, sample_case(), script or Script())
    return trouble.value


def line_of(runbook: type, code: str) -> int:
    """The line of the file on which that code of the class stands."""
    lines, begin = inspect.getsourcelines(runbook)
    return begin + next(number for number, line in enumerate(lines) if code in line)


@pytest.mark.parametrize(
    ("runbook", "kind", "code", "says", "fix"),
    [
        (buggy.WrongKey, RunbookFailed, "found.facts[", "KeyError: 'reason'", "Mend that line"),
        (buggy.WallClock, NotDeterministic, "dt.UTC", "datetime.datetime.now", "workflow.now()"),
        (buggy.ThrowsDice, NotDeterministic, "random.r", "random.random", "workflow.random()"),
        (buggy.ReadsAFile, NotDeterministic, "with open", "open", "Do it in a step"),
        (buggy.ForgetsAwait, RunbookFailed, "self.look", "'look' is called and not", "await self"),
        (buggy.UsesUnawaited, RunbookFailed, "self.look", "'look' is called and not", "await"),
        (buggy.ForgetsSuper, RunbookFailed, "self.look", "has no attribute", "super().__init__"),
        (buggy.WrongContract, RunbookStuck, "PodLogs(", "less than or equal to 2000", "fields"),
        (buggy.RaisesOSError, RunbookStuck, "raise OSError", "no such disk", "tried again"),
        (buggy.LoopsForEver, NeverEnds, "self.look", "no outcome after 5000 commands", "bound"),
        (buggy.SleepsForEver, NeverEnds, "workflow.sleep", "no outcome within 2 d", "bound"),
        (buggy.WaitsForNothing, NeverEnds, "wait_condition", "never comes", "signals="),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_a_bug_is_named_with_its_line_and_its_remedy(
    runbook: type, kind: type[PlayTrouble], code: str, says: str, fix: str
) -> None:
    """As compilers do it."""
    trouble = trouble_of(runbook)
    assert type(trouble) is kind
    assert trouble.message.startswith(f"{BUGGY}:{line_of(runbook, code)}: ")
    assert says in trouble.message
    assert fix in trouble.fix


def test_code_that_never_hands_over_is_interrupted() -> None:
    """And the next play is not disturbed by it."""
    trouble = trouble_of(buggy.Spins)
    assert isinstance(trouble, NeverEnds)
    assert re.match(rf"{BUGGY}:\d+: nothing is awaited for 2 s", trouble.message)
    assert "KeyError" in trouble_of(buggy.WrongKey).message


def test_a_run_that_something_outlives_is_not_deterministic() -> None:
    """The replay takes another way, and both ways are named."""
    trouble = trouble_of(buggy.Remembers)
    assert isinstance(trouble, NotDeterministic)
    assert "first schedule activity kubernetes.events" in trouble.message
    assert "replayed schedule activity kubernetes.pod_logs" in trouble.message


def test_a_runbook_ends_with_an_outcome() -> None:
    """Another value is refused, with the line to write."""
    trouble = trouble_of(buggy.NoOutcome)
    assert "no_outcome returned 'no_outcome', which is no Outcome" in trouble.message
    assert "return Outcome(" in trouble.fix


def test_a_bug_in_a_signal_s_handler_is_found_where_it_is() -> None:
    """Not where the run happened to wait."""
    trouble = trouble_of(buggy.BadSignal, Script(signals=["poke"]))
    line = line_of(buggy.BadSignal, "raise LookupError")
    assert trouble.message == f"{BUGGY}:{line}: LookupError: nobody is poked"


def test_what_only_a_server_can_do_is_said() -> None:
    """Instead of being played wrongly."""
    trouble = trouble_of(buggy.Continues)
    assert isinstance(trouble, CannotPlay)
    assert "continues as new" in trouble.message


def test_a_class_that_is_no_workflow_is_refused() -> None:
    """With the decorator that is missing."""
    trouble = trouble_of(Case)
    assert "Case is no workflow" in trouble.message
    assert "@workflow.defn" in trouble.fix


def test_a_trouble_tells_what_had_happened() -> None:
    """A failed test shows all of it."""
    trouble = trouble_of(buggy.WrongKey)
    assert [line.kind for line in trouble.transcript] == ["LOOK"]
    assert str(trouble).endswith("LOOK    events of deployment shop/web: nothing special")


def test_the_sdk_s_own_words_about_a_bug_are_not_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """An author reads one message, not three; and no warning escapes."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trouble_of(buggy.RaisesOSError)
        trouble_of(buggy.WallClock)
        trouble_of(buggy.ForgetsAwait)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
