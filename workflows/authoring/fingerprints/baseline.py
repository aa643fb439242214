"""The commands that runs in flight may have given: a file beside the runbooks, kept in git.

A run that was started before a change is replayed against the code after it, and stops where the
commands differ. So a change is either guarded by `workflow.patched`, which sends old runs the old
way, or accepted by somebody who knows that no run is in flight.
"""

import difflib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from contracts.errors import InvalidInput
from contracts.model import Contract
from workflows.authoring.faults import Fault
from workflows.authoring.fingerprints.commands import fingerprint_of
from workflows.authoring.fingerprints.outline import chosen, guards, normal, read, written

FILE = "fingerprints.json"
DIFF_LINES_MAX = 24
_CONTEXT_LINES = 2


class Recorded(Contract):
    """The commands of one runbook when they were accepted, one a line, and their fingerprint."""

    fingerprint: str
    commands: tuple[str, ...]


Baseline = Mapping[str, Recorded]
_BASELINE: TypeAdapter[dict[str, Recorded]] = TypeAdapter(dict[str, Recorded])


def read_baseline(folder: Path) -> Baseline:
    """What is recorded in a folder of runbooks, by workflow name; nothing when there is no file.

    Raises:
        InvalidInput: the file is not readable.

    """
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        return _BASELINE.validate_json(path.read_bytes())
    except (OSError, ValidationError) as err:
        fix = "Take it from git; or delete it, and accept every runbook of the folder again."
        raise InvalidInput(f"{path} cannot be read: {err}", fix) from err


def compare(name: str, path: Path, commands: Sequence[str], baseline: Baseline) -> Fault | None:
    """What a run in flight would not survive. None when the commands are those of the baseline,
    when none are recorded, and when every change is guarded: without the guards that are new, the
    commands are those of the baseline.
    """
    recorded = baseline.get(name)
    if recorded is None or fits(commands, recorded.commands):
        return None
    shown = "\n".join(_difference(recorded.commands, commands))
    reason = (
        f"the commands of '{name}' are no longer those in {FILE}: a run that is in flight would"
        f" stop at the first line that differs\n{_indented(shown)}"
    )
    return Fault(path, 0, reason, _remedy(name, recorded.commands, commands))


def fits(commands: Sequence[str], recorded: Sequence[str]) -> bool:
    """Whether a run that gave the `recorded` commands can be replayed against `commands`."""
    known = guards(read(recorded))
    without = chosen(read(commands), lambda identity: None if identity in known else False)
    return tuple(recorded) in (tuple(commands), written(normal(without)))


def is_recorded(name: str, commands: Sequence[str], baseline: Baseline) -> bool:
    """Whether exactly these commands are recorded. A guarded change that is not recorded yet may
    still be changed freely; once it runs in production it must not be, so it is accepted then.
    """
    recorded = baseline.get(name)
    return recorded is not None and recorded.commands == tuple(commands)


def accept(folder: Path, name: str, commands: Sequence[str]) -> None:
    """Record the commands of a runbook, in one step: nobody reads half a file.

    Raises:
        InvalidInput: the file is there, but not readable.

    """
    entry = Recorded(fingerprint=fingerprint_of(commands), commands=tuple(commands))
    items = {**read_baseline(folder), name: entry}
    told = {key: items[key].model_dump(mode="json") for key in sorted(items)}
    _replace(folder / FILE, json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _difference(old: Sequence[str], new: Sequence[str]) -> list[str]:
    lines = difflib.unified_diff(old, new, "recorded", "now", lineterm="", n=_CONTEXT_LINES)
    found = [line for line in lines if not line.startswith("@@")]
    more = len(found) - DIFF_LINES_MAX
    return [*found[:DIFF_LINES_MAX], *([f"... and {more} lines more"] if more > 0 else [])]


def _remedy(name: str, old: Sequence[str], new: Sequence[str]) -> str:
    lines = [line for line in difflib.ndiff(old, new) if line[0] in "+-"]
    added = "; ".join(line[2:].strip() for line in lines if line[0] == "+") or "nothing"
    removed = "; ".join(line[2:].strip() for line in lines if line[0] == "-") or "nothing"
    guard = (
        f'if workflow.patched("{_new_id(name, old, new)}"):\n'
        f"    ...  # what new runs do: {_cut(added)}\n"
        f"else:\n"
        f"    ...  # what runs in flight have done: {_cut(removed)}"
    )
    return (
        "Guard the change, so that runs in flight go on as they began:\n"
        f"{_indented(guard)}\n"
        "    Only if no run of it can be in flight, record the new commands instead:"
        f" `firebreak runbooks accept {name}`."
    )


def _new_id(name: str, *outlines: Sequence[str]) -> str:
    """The first of `NAME-v2`, `NAME-v3`, ... that nobody has used."""
    used = {identity for outline in outlines for identity in guards(read(outline))}
    return next(f"{name}-v{n}" for n in range(2, len(used) + 3) if f"{name}-v{n}" not in used)


def _cut(text: str, chars_max: int = 80) -> str:
    return text if len(text) <= chars_max else f"{text[: chars_max - 3]}..."


def _indented(text: str) -> str:
    return "\n".join(f"        {line}" for line in text.splitlines())
