"""The commands that a runbook gives to Temporal, in order, read from its text.

A run that is replayed must give the same commands again. Layout, comments, texts of outcomes and
durations change nothing; another step, another order or another condition does. Helper files
count, too: they run inside every runbook that imports them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.model import digest_of
from workflows.authoring.checks.shapes import VERBS, classes
from workflows.authoring.checks.source import parsed
from workflows.authoring.fingerprints.outline import chosen, leaves, normal, read, written
from workflows.authoring.fingerprints.reading import Reader

NO_HELPERS: Mapping[str, str] = {}
HELPERS_MAX = 200


def commands_of(
    text: str, class_name: str, helpers: Mapping[str, str] = NO_HELPERS
) -> tuple[str, ...]:
    """The commands of a class, one a line, with what depends on a condition indented below it.
    `helpers`: the texts of the helper files beside it, by module name (`helpers_beside`).

    Raises:
        SyntaxError: the text does not parse.
        LookupError: it has no such class.

    """
    source = parsed(Path(f"{class_name}.py"), text)
    owner = next((node for node in classes(source) if node.name == class_name), None)
    if owner is None:
        raise LookupError(f"there is no class {class_name} in the text")
    return written(normal(Reader(source, owner, helpers).outline()))


def steps_of(
    text: str, class_name: str, helpers: Mapping[str, str] = NO_HELPERS
) -> tuple[str, ...]:
    """The verbs alone, as people read them: `look PodLogs`, `act RolloutRestart`. Of a guarded
    change, what runs that start now do. Raises what `commands_of` raises.
    """
    lines = chosen(read(commands_of(text, class_name, helpers)), lambda _: True)
    return tuple(line for line in leaves(lines) if line.partition(" ")[0] in VERBS)


def fingerprint_of(commands: Sequence[str]) -> str:
    """`sha256:` and 64 hexadecimal digits, equal for equal commands."""
    return digest_of(list(commands))


def helpers_beside(path: Path) -> dict[str, str]:
    """The texts of the helper files (`_NAME.py`) in the folder of a runbook, by module name; what
    cannot be read is left out.
    """
    files = [file for file in sorted(path.parent.glob("_*.py")) if file.is_file()][:HELPERS_MAX]
    return {file.stem: file.read_text(encoding="utf-8", errors="replace") for file in files}
