"""Loads runbooks: those that ship, and those of a team's own folders.

A team's folder is appended to Python's path, so that `x.py` is the module `x` for the worker, for
Temporal's sandbox and for the author's tests alike. Files beginning with `_` are helpers and
`test_*.py` are tests; every other file is a runbook. What cannot be loaded, or what `check` finds
fault with, is named and skipped, and never stops the others.
"""

import asyncio
import importlib
import importlib.util
import re
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from temporalio import workflow

from contracts.errors import InvalidInput
from contracts.redact import redact
from workflows.authoring.checks.checking import check_source
from workflows.authoring.faults import Fault
from workflows.authoring.fingerprints.commands import commands_of, steps_of
from workflows.plugin import sandbox
from workflows.trigger import name_of

FILES_MAX = 2_000
_HELPERS = "_[!_]*.py"
_NOT_RUNBOOKS = ("_*", ".*", "test_*", "conftest.py")


class Found(NamedTuple):
    """One runbook that can be served. `text` is its file as it was loaded, and `helpers` are the
    files beside it that it may import, by module name.
    """

    name: str
    runbook: type
    path: Path
    shipped: bool
    text: str
    helpers: Mapping[str, str]

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands it gives to Temporal, in order, read from its text and its helpers'."""
        return commands_of(self.text, self.runbook.__name__, self.helpers)

    @property
    def steps(self) -> tuple[str, ...]:
        """The verbs alone, e.g. `look PodLogs`."""
        return steps_of(self.text, self.runbook.__name__, self.helpers)


class Loaded(NamedTuple):
    """What can be served, sorted by name; what is wrong with the other files; and the names that
    stand twice, of which nobody can say which is meant.
    """

    runbooks: tuple[Found, ...]
    faults: tuple[Fault, ...]
    twice: tuple[Fault, ...]

    @property
    def classes(self) -> tuple[type, ...]:
        """The workflow classes."""
        return tuple(found.runbook for found in self.runbooks)

    def require_unique(self) -> None:
        """Refuse to go on while a name means two runbooks.

        Raises:
            InvalidInput: names them.

        """
        if self.twice:
            text = "; ".join(f"{fault.path}: {fault.reason}" for fault in self.twice)
            raise InvalidInput(text, self.twice[0].remedy)


def load(shipped: ModuleType, folders: Sequence[Path] = (), files: Sequence[Path] = ()) -> Loaded:
    """The runbooks of the package `shipped`, of a team's folders, and of single `files`.

    Raises:
        InvalidInput: a folder is not there, or holds more than `FILES_MAX` files.

    """
    add_to_path(folders)
    places = [Place(Path(place).resolve(), f"{shipped.__name__}.") for place in shipped.__path__]
    places += [Place(folder.resolve()) for folder in folders]
    listed = {place: files_of(place.folder) for place in places}
    known = {path for paths in listed.values() for path in paths}
    single = {path.resolve() for path in files if _is_runbook(path)} - known
    add_to_path(sorted({path.parent for path in single}))
    for path in sorted(single):
        listed.setdefault(Place(path.parent), []).append(path)
    items = [item for place, paths in listed.items() for item in _of_place(place, paths)]
    found = [item for item in items if isinstance(item, Found)]
    found.sort(key=lambda item: (item.name, str(item.path)))
    faults = tuple(item for item in items if isinstance(item, Fault))
    return Loaded(tuple(found), faults, tuple(_twice(found)))


def add_to_path(folders: Sequence[Path]) -> None:
    """Append the folders to Python's path, last, so that they hide nothing."""
    for folder in folders:
        if not folder.is_dir():
            fix = "Make it, or correct FIREBREAK_RUNBOOKS."
            raise InvalidInput(f"FIREBREAK_RUNBOOKS: there is no folder {folder}", fix)
        if str(folder.resolve()) not in sys.path:
            sys.path.append(str(folder.resolve()))
    importlib.invalidate_caches()


def files_of(folder: Path) -> list[Path]:
    """The files of a folder that are runbooks, sorted; InvalidInput when they are too many."""
    files = [path for path in sorted(folder.glob("*.py")) if _is_runbook(path)]
    if len(files) > FILES_MAX:
        raise InvalidInput(f"{folder} holds {len(files)} files, {FILES_MAX} at most", "Split it.")
    return files


def _is_runbook(path: Path) -> bool:
    return not any(path.match(pattern) for pattern in _NOT_RUNBOOKS)


class Place(NamedTuple):
    """A folder of runbooks, and what stands before the names of its modules."""

    folder: Path
    package: str = ""


def _of_place(place: Place, paths: Sequence[Path]) -> Iterator[Found | Fault]:
    helpers: dict[str, str] = {}
    bad: set[str] = set()
    for path in sorted(place.folder.glob(_HELPERS)):
        text, faults = _read(place, path)
        helpers[path.stem] = text
        bad |= {path.stem} if faults else set()
        yield from faults
    for path in paths:
        text, faults = _read(place, path)
        faults = faults or _unhelped(path, text, bad)
        if faults:
            yield from faults
            continue
        module = f"{place.package}{path.stem}"
        item = _tried(path, lambda: _runbook_of(importlib.import_module(module), path))  # noqa: B023 - called at once
        if isinstance(item, Fault):
            yield item
        else:
            yield Found(name_of(item), item, path, bool(place.package), text, helpers)


def _read(place: Place, path: Path) -> tuple[str, list[Fault]]:
    """The text of a file, and everything that is wrong with it."""
    if not path.is_file():
        return "", [Fault(path, 0, "is no file that can be read", "Put a file there, or nothing.")]
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        return "", [Fault(path, 0, f"cannot be read: {err}", "Make it a readable text in UTF-8.")]
    return text, check_source(path, text) or _named(path, f"{place.package}{path.stem}")


def _unhelped(path: Path, text: str, bad: set[str]) -> list[Fault]:
    """A runbook is no better than the helpers that it imports."""
    used = [stem for stem in sorted(bad) if re.search(rf"\b{stem}\b", text)]
    return [
        Fault(path, 0, f"its helper {stem}.py has a fault", "Mend the helper first.")
        for stem in used
    ]


def _named(path: Path, module: str) -> list[Fault]:
    """Whether importing the name gives this very file: a team's `queue.py` would not be it."""
    spec = importlib.util.find_spec(module) if path.stem.isidentifier() else None
    if spec is not None and spec.origin and Path(spec.origin).resolve() == path.resolve():
        return []
    owner = f"is {spec.origin or 'built in'}" if spec else "is no name that Python can import"
    reason = f"the module '{module}' {owner}, so this file cannot be imported"
    return [Fault(path, 0, reason, "Rename the file; the name of the runbook may stay.")]


def _runbook_of(module: ModuleType, path: Path) -> type:
    found = [
        item
        for item in vars(module).values()
        if isinstance(item, type)
        and item.__module__ == module.__name__
        and workflow._Definition.from_class(item) is not None  # noqa: SLF001 - no public way
    ]
    if len(found) != 1:
        raise InvalidInput(f"{path.name} defines {len(found)} workflow classes, not one")
    _prepare(found[0])
    return found[0]


def _prepare(runbook: type) -> None:
    """What a worker would do first, so that one runbook that Temporal refuses stops no worker. It
    needs an event loop to run, which a worker has and the command line has not.
    """
    runner, definition = sandbox(), workflow._Definition.must_from_class(runbook)  # noqa: SLF001

    async def prepare() -> None:
        runner.prepare_workflow(definition)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(prepare())
    else:
        runner.prepare_workflow(definition)


def _tried(path: Path, work: Callable[[], type]) -> type | Fault:
    try:
        return work()
    except KeyboardInterrupt:
        raise
    except BaseException as err:  # noqa: BLE001 - foreign code may raise anything
        cause = err.__cause__ or err
        frames = [f.lineno for f in traceback.extract_tb(cause.__traceback__) if _is(path, f)]
        line = (frames[-1] if frames else 0) or 0
        reason = f"cannot be loaded: {type(cause).__name__}: {_words(cause)}"
        return Fault(path, line, reason, "Mend that line; `firebreak runbooks check` tries again.")


def _words(err: BaseException) -> str:
    try:
        return redact(str(err))
    except BaseException:  # noqa: BLE001 - so may its text
        return "it has no text"


def _is(path: Path, frame: traceback.FrameSummary) -> bool:
    return Path(frame.filename) == path


def _twice(found: Sequence[Found]) -> Iterator[Fault]:
    counts = Counter(item.name for item in found)
    for item in found:
        if counts[item.name] > 1:
            others = (other.path for other in found if other.name == item.name)
            places = " and ".join(str(path) for path in others)
            reason = f"the runbook '{item.name}' is defined in {places}"
            yield Fault(item.path, 0, reason, "Give one of them another name in @workflow.defn.")
