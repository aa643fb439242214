"""Why a runbook cannot be played to an outcome, in words for its author.

    PlayTrouble             has the transcript up to there
    ├── BadScript           the script says what cannot be
    ├── RunbookFailed       a bug ended the run; in production people would be told
    ├── RunbookStuck        a run would be tried again and again until the code is mended
    ├── NotDeterministic    a run would not survive the restart of a worker
    ├── NeverEnds           it waits for what never comes, or a bound was reached
    └── CannotPlay          the player has no way to do this without a server

Each message begins with the author's own file and line where they are known.
"""

import difflib
import re
import traceback
from collections.abc import Iterable
from pathlib import Path

from contracts.errors import Stop
from workflows.authoring.play.transcript import Line

LINES_SHOWN_MAX = 20
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')


class PlayTrouble(Stop):
    """The root. `transcript` holds the lines up to the trouble."""

    code = "play"
    fix = "Mend the runbook, then play it again."
    transcript: tuple[Line, ...] = ()

    def __str__(self) -> str:
        """What is wrong, what to do, and what had happened: all that a failed test shows."""
        lines = (f"    {line}" for line in self.transcript[-LINES_SHOWN_MAX:])
        return "\n".join([self.message, self.fix, *lines])


class BadScript(PlayTrouble):
    """The play never had a chance."""

    fix = "Correct the script."


class RunbookFailed(PlayTrouble):
    """A bug of the runbook."""

    fix = "Mend that line. In production the run would end as failed, and people would be told."


class RunbookStuck(PlayTrouble):
    """An error that no run may end with."""

    fix = (
        "Mend that line. In production the run would stop there and be tried again until the "
        "code is mended; nobody would be told."
    )


class NotDeterministic(PlayTrouble):
    """A replay would take another way."""

    fix = "Ask for it in a step, or take it from `workflow.*`, whose answers are recorded."


class NeverEnds(PlayTrouble):
    """No outcome within the bounds."""

    fix = "Give every wait a timeout and every loop a bound; a run is ended after 48 hours."


class CannotPlay(PlayTrouble):
    """Beyond the player."""

    fix = "Play it on a server with the fixture `run_runbook_on_server`."


# What the sandbox refuses, by a part of its name, and what to write instead.
_INSTEAD = (
    (r"datetime|date\.today", "Write `workflow.now()`: the time that the history remembers."),
    (r"\btime\.sleep", "Write `await workflow.sleep(…)`: a timer that outlives the worker."),
    (r"\btime\.", "Write `workflow.time()`, or `workflow.now()`."),
    (r"\buuid\.", "Write `workflow.uuid4()`."),
    (r"\brandom|\bsecrets\.", "Write `workflow.random()`: its numbers are the same in a replay."),
    (r"\bos\.environ|getenv", "Take it from `case.params`; a setting may differ in a replay."),
)
_STEP_INSTEAD = "Do it in a step: a runbook looks, asks, acts and verifies, and touches nothing."


def instead_of(name: str) -> str:
    """What to write instead of something that the sandbox refuses."""
    return next((fix for part, fix in _INSTEAD if re.search(part, name)), _STEP_INSTEAD)


def place_of(text: str, folder: Path) -> str:
    """`FILE:LINE` of the innermost frame in `folder` that a traceback names, or nothing."""
    own = [found for found in _FRAME.finditer(text) if _is_in(Path(found["file"]), folder)]
    return f"{shown(Path(own[-1]['file']))}:{own[-1]['line']}" if own else ""


def place_of_error(err: BaseException, folder: Path) -> str:
    """`FILE:LINE` of the innermost frame of an exception, or of its causes, in `folder`."""
    return place_of("".join(traceback.format_exception(err)), folder)


def at(place: str, text: str) -> str:
    """The text behind its place, if that is known."""
    return f"{place}: {text}" if place else text


def near(word: str, known: Iterable[str]) -> str:
    """`; did you mean a or b?` for the names that look alike, or nothing."""
    alike = difflib.get_close_matches(word, sorted(set(known)), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(alike)}?" if alike else ""


def shown(path: Path) -> str:
    """The path as the author would type it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _is_in(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
