"""The committed baseline: what it records, what it refuses, and what it teaches."""

import json
from pathlib import Path

import pytest

from contracts.errors import InvalidInput
from workflows.authoring.fingerprints.baseline import (
    DIFF_LINES_MAX,
    FILE,
    accept,
    compare,
    is_recorded,
    read_baseline,
)
from workflows.authoring.fingerprints.commands import fingerprint_of

NAME = "restart_mailer"
MAILER = Path("restart_mailer.py")
OLD = ("look PodLogs", "act RolloutRestart", "verify RolloutHealthy")
NEW = ("look PodLogs", "look Events", "act RolloutRestart", "verify RolloutHealthy")


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """A folder in which the old commands are recorded."""
    accept(tmp_path, NAME, OLD)
    return tmp_path


def told(folder: Path, commands: tuple[str, ...]) -> str:
    """What is said of these commands; nothing when they are fine."""
    return str(compare(NAME, MAILER, commands, read_baseline(folder)) or "")


def test_a_folder_without_a_file_has_no_baseline(tmp_path: Path) -> None:
    """And a runbook that is not recorded has no fault: there is nothing to compare it with."""
    assert read_baseline(tmp_path) == {}
    assert compare(NAME, MAILER, NEW, {}) is None


def test_what_is_accepted_is_read_back(folder: Path) -> None:
    """The commands themselves, so that a diff in git is readable, and their fingerprint."""
    recorded = read_baseline(folder)[NAME]

    assert recorded.commands == OLD
    assert recorded.fingerprint == fingerprint_of(OLD)
    assert is_recorded(NAME, OLD, read_baseline(folder))
    assert not is_recorded(NAME, NEW, read_baseline(folder))


def test_the_file_is_sorted_and_one_command_stands_on_a_line(folder: Path) -> None:
    """Two people who accept two runbooks do not conflict in git."""
    accept(folder, "a_first", ("sleep",))
    text = (folder / FILE).read_text()

    assert list(json.loads(text)) == ["a_first", NAME]
    assert '\n      "act RolloutRestart",\n' in text
    assert text.endswith("}\n")
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_accepting_one_leaves_the_others(folder: Path) -> None:
    """Also the second time."""
    accept(folder, "other", NEW)
    accept(folder, NAME, NEW)

    assert {name: item.commands for name, item in read_baseline(folder).items()} == {
        NAME: NEW,
        "other": NEW,
    }


def test_the_same_commands_are_no_fault(folder: Path) -> None:
    """Nothing has changed for a run in flight."""
    assert told(folder, OLD) == ""


def test_a_change_is_told_with_its_lines_and_the_guard_to_write(folder: Path) -> None:
    """What differs, the lines of a guard with an id that is free, and the command to accept it."""
    text = told(folder, NEW)

    assert text.startswith(f"{MAILER}:0: the commands of 'restart_mailer' are no longer those")
    assert "\n        +look Events\n" in text
    assert '        if workflow.patched("restart_mailer-v2"):\n' in text
    assert "            ...  # what new runs do: look Events\n        else:\n" in text
    assert "what runs in flight have done: nothing" in text
    assert "Only if no run of it can be in flight" in text
    assert "`firebreak runbooks accept restart_mailer`" in text


def test_an_id_that_was_used_is_not_suggested_again(folder: Path) -> None:
    """Runs in flight remember it."""
    guarded = ("if workflow.patched('restart_mailer-v2'):", "  sleep", *OLD)
    accept(folder, NAME, guarded)

    assert 'patched("restart_mailer-v3")' in told(folder, NEW)


def test_a_long_change_is_cut(folder: Path) -> None:
    """The file has the rest."""
    text = told(folder, tuple(f"look Step{n}" for n in range(100)))

    assert "lines more" in text
    assert len(text.splitlines()) < DIFF_LINES_MAX + 15


@pytest.mark.parametrize(
    "guarded",
    [
        ("look PodLogs", "if workflow.patched('a'):", "  look Events", *OLD[1:]),
        ("if workflow.patched('a'):", "  sleep", "else:", "  look PodLogs", *OLD[1:]),
        ("if workflow.patched('a'):", "  sleep", "  return", *OLD),
        (
            *("if workflow.patched('a'):", "  if x:", "    sleep", "else:", "  look PodLogs"),
            *("if workflow.patched('b'):", "else:", "  act RolloutRestart", OLD[2]),
        ),
        (
            "if workflow.patched('a'):",
            *("  if workflow.patched('b'):", "    sleep", "else:"),
            *("  if workflow.patched('c'):", "    sleep", "  look PodLogs", *OLD[1:]),
        ),
    ],
)
def test_a_guarded_change_is_no_fault(folder: Path, guarded: tuple[str, ...]) -> None:
    """Without its guards it is what runs in flight have done."""
    assert told(folder, guarded) == ""


@pytest.mark.parametrize(
    "wrong",
    [
        ("look PodLogs", "if workflow.patched('a'):", "  sleep", "look Events", *OLD[1:]),
        ("if workflow.patched('a'):", "  look PodLogs", "else:", "  sleep", *OLD[1:]),
        ("if workflow.patched('a') and x:", "  sleep", *OLD),
        ("if x:", "  look PodLogs", *OLD[1:]),
    ],
)
def test_a_change_that_is_guarded_badly_is_told(folder: Path, wrong: tuple[str, ...]) -> None:
    """The other way round, beside the guard, or with a condition of its own."""
    assert "no longer those" in told(folder, wrong)


def test_what_runs_in_flight_have_done_under_a_guard_must_stay(tmp_path: Path) -> None:
    """A guard that is recorded has been decided by runs, both ways."""
    accept(tmp_path, NAME, ("if workflow.patched('a'):", "  sleep", *OLD))

    assert told(tmp_path, OLD) != ""
    assert told(tmp_path, ("if workflow.patched('a'):", "  look Events", *OLD)) != ""
    more = ("if workflow.patched('b'):", "  look Events")
    assert told(tmp_path, ("if workflow.patched('a'):", "  sleep", *more, *OLD)) == ""


@pytest.mark.parametrize("text", ["{", "[]", '{"x": {"commands": []}}', '{"x": 3}'])
def test_a_file_that_cannot_be_read_is_told_and_never_overwritten(folder: Path, text: str) -> None:
    """Half a merge must not become an empty baseline."""
    (folder / FILE).write_text(text)

    with pytest.raises(InvalidInput, match="cannot be read") as refused:
        accept(folder, NAME, NEW)
    assert "from git" in refused.value.fix
    assert (folder / FILE).read_text() == text
