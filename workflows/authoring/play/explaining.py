"""Turns what goes wrong in a played runbook into what its author reads: where, why, what to do."""

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import FailureError

from workflows.authoring.play import jobs
from workflows.authoring.play.lane import SECONDS_MAX, HungError
from workflows.authoring.play.troubles import (
    BadScript,
    CannotPlay,
    NeverEnds,
    NotDeterministic,
    PlayTrouble,
    RunbookFailed,
    RunbookStuck,
    at,
    instead_of,
    place_of,
    place_of_error,
)

_RESTRICTED = re.compile(r"Cannot access (?P<name>\S+) from inside a workflow")
_NEVER_AWAITED = re.compile(r"coroutine '(?P<name>[^']+)' was never awaited")
_URL = re.compile(r"For further information visit \S+")
_OF_THE_BASE = re.compile(r"has no attribute '(case|receipts|_\w+)'")
_SUPER_FIX = "Begin `__init__` with `super().__init__(case)`."
_BAD_SIGNAL = "Failed deserializing signal input for "
_CONTRACT_FIX = "Give it the fields that its class has, of the types that they have."


class Explained(AbstractContextManager["Explained"]):
    """Around whatever runs author's code. `notes` are the tracebacks that the witness has seen,
    `folder` is where the author's files are.
    """

    def __init__(self, notes: list[str], folder: Path) -> None:
        self._notes = notes
        self._folder = folder

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        err: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Raises a PlayTrouble in place of any other exception."""
        if isinstance(err, HungError):
            place = place_of(str(err), self._folder)
            raise NeverEnds(at(place, f"nothing is awaited for {SECONDS_MAX:g} s")) from None
        if isinstance(err, ImportError):
            fix = "Write it at the top level of a file whose folder is on Python's path."
            raise CannotPlay(f"the sandbox cannot import it: {err}", fix) from err
        if isinstance(err, Exception) and not isinstance(err, PlayTrouble):
            place = place_of_error(err, self._folder)
            raise stuck(type(err).__name__, str(err), place) from err

    def require_awaited(self, texts: Sequence[str]) -> None:
        """Refuse a coroutine that was dropped; `texts` are Python's own warnings.

        Raises:
            RunbookFailed: names it, and where it was called.

        """
        for text in texts:
            found = _NEVER_AWAITED.search(text)
            name = found["name"].rpartition(".")[2] if found else "a coroutine"
            said = f"'{name}' is called and not awaited, so it does nothing"
            fix = f"Write `await` before it: `await self.{name}(…)`."
            raise RunbookFailed(at(place_of(text, self._folder), said), fix)

    def paused(self, failure: Failure) -> PlayTrouble:
        """What keeps a run from going on, without ending it."""
        kind, message, place = self._read(failure)
        return stuck(kind, message, place)

    def failed(self, failure: Failure) -> RunbookFailed:
        """What a run has ended with."""
        kind, message, place = self._read(failure)
        fix = _SUPER_FIX if _OF_THE_BASE.search(message) else None
        return RunbookFailed(at(place, f"{kind}: {message}"), fix)

    def last_place(self) -> str:
        """Where the author's code was when it was last interrupted or raised, or nothing."""
        seen = (place_of(note, self._folder) for note in reversed(self._notes))
        return next((place for place in seen if place), "")

    def _read(self, failure: Failure) -> tuple[str, str, str]:
        """The error's name, its text, and where it was raised."""
        err = _root_of(jobs.error_of(failure))
        kind = getattr(err, "type", None) or type(err).__name__
        message = str(getattr(err, "message", err))
        trace = getattr(getattr(err, "failure", None), "stack_trace", "")
        told = (note for note in self._notes if message in note)
        return kind, message, place_of(next(told, trace), self._folder)


def _root_of(err: BaseException) -> BaseException:
    """What a child or an activity failed of, rather than that it failed."""
    cause = getattr(err, "cause", None)
    return _root_of(cause) if isinstance(cause, FailureError) else err


def require_understood(logged: Sequence[str]) -> None:
    """Refuse a signal that the SDK has dropped with no more than a line in its log.

    Raises:
        BadScript: names it.

    """
    for text in logged:
        if text.startswith(_BAD_SIGNAL):
            name = text.removeprefix(_BAD_SIGNAL).partition(" ")[0]
            fix = "Give the signal the arguments that its handler takes."
            raise BadScript(f"the arguments of the signal '{name}' do not fit it", fix)


def stuck(kind: str, message: str, place: str) -> PlayTrouble:
    """The trouble of an error that pauses a run instead of ending it."""
    restricted = _RESTRICTED.search(message)
    if restricted:
        name = restricted["name"].removesuffix(".__call__")
        text = f"{name} is not allowed here: it would be another one when the run is replayed"
        return NotDeterministic(at(place, text), instead_of(name))
    if kind == "ValidationError":
        text = " ".join(_URL.sub("", message).split())
        return RunbookStuck(at(place, text), f"{_CONTRACT_FIX} {RunbookStuck.fix}")
    return RunbookStuck(at(place, f"{kind}: {message}"))
