"""Writes a new runbook and its test: two short files that pass as they are."""

import importlib
import importlib.util
import keyword
import re
import sys
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path
from string import Template
from types import ModuleType

from contracts.errors import InvalidInput
from workflows.authoring.copying import renamed
from workflows.authoring.play.player import play
from workflows.authoring.play.sample_case import sample_case
from workflows.authoring.play.transcript import Play
from workflows.authoring.play.troubles import PlayTrouble
from workflows.authoring.play.world import Script

NAME_CHARS_MAX = 60
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def write_new(name: str, folder: Path, source: str | None = None) -> tuple[Path, Path]:
    """Write `NAME.py` and `test_NAME.py`; `source` is the text of a runbook to start from.

    Raises:
        InvalidInput: the name cannot be used, a file is there already, or the runbook to start
            from cannot be copied.

    """
    _require_name(name)
    path, test = folder / f"{name}.py", folder / f"test_{name}.py"
    module = f"{folder.resolve().name}.{name}" if (folder / "__init__.py").exists() else name
    _require_free(module, path, test)
    class_name = class_name_of(name)
    text = _filled("runbook", name=name, class_name=class_name)
    if source is not None:
        text = renamed(source, name, class_name)
    with ExitStack() as undo:
        path.write_text(text, encoding="utf-8")
        undo.callback(path.unlink)
        runbook = getattr(_imported(module, folder), class_name)
        test.write_text(_test_of(runbook, module, name), encoding="utf-8")
        undo.pop_all()
    return path, test


def class_name_of(name: str) -> str:
    """`RestartPaymentWorker` for `restart_payment_worker`."""
    return "".join(word.capitalize() for word in name.split("_"))


def _require_name(name: str) -> None:
    right = _NAME.fullmatch(name) and len(name) <= NAME_CHARS_MAX and not keyword.iskeyword(name)
    if not right or name.startswith("test_") or name == "conftest":
        fix = f"Write it like restart_payment_worker, {NAME_CHARS_MAX} characters at most."
        raise InvalidInput(f"'{name}' is no name for a runbook", fix)


def _require_free(module: str, path: Path, test: Path) -> None:
    if not path.parent.is_dir():
        raise InvalidInput(f"there is no folder {path.parent}", "Make it, or name another.")
    for file in (path, test):
        if file.exists():
            raise InvalidInput(f"{file} is there already", "Choose another name, or move the file.")
    package = module.rpartition(".")[0]
    if package and importlib.util.find_spec(package) is None:
        fix = "Take its __init__.py away, or put its parent on Python's path."
        raise InvalidInput(f"{path.parent} is a package that nobody can import", fix)
    taken = importlib.util.find_spec(module)
    if taken is not None:
        fix = "Choose another name: that module would be imported instead of your file."
        owner = taken.origin or "Python itself"
        raise InvalidInput(f"the module '{module}' is there already: {owner}", fix)


def _imported(module: str, folder: Path) -> ModuleType:
    if "." not in module and str(folder.resolve()) not in sys.path:
        sys.path.append(str(folder.resolve()))
    importlib.invalidate_caches()
    return importlib.import_module(module)


def _test_of(runbook: type, module: str, name: str) -> str:
    """A test that says what the runbook does now, on the paths that every runbook has."""
    healed, silent = _played(runbook, Script()), _played(runbook, Script(answer="silence"))
    words = {"module": module, "class_name": runbook.__name__, "name": name}
    steps = "\n".join(f'        "{step}",' for step in healed.steps)
    text = _filled("test", **words, steps=steps, **_ended("silent", silent))
    checks = dict.fromkeys(line.step for line in healed.transcript if line.kind == "VERIFY")
    if not checks:
        return text
    sick = _played(runbook, Script(find=dict.fromkeys(checks, False)))
    told = ", ".join(f'"{check}": False' for check in checks)
    return text + _filled("test_sick", **words, sick=told, **_ended("sick", sick))


def _played(runbook: type, script: Script) -> Play:
    try:
        return play(runbook, sample_case(runbook), script)
    except PlayTrouble as err:
        fix = f"Copy the file and its test by hand. {err.fix}"
        raise InvalidInput(f"no test can be written for it: {err.message}", fix) from err


def _ended(which: str, how: Play) -> dict[str, str]:
    return {f"{which}_status": how.outcome.status, f"{which}_receipts": str(len(how.receipts))}


def _filled(template: str, **words: str) -> str:
    text = (files("workflows.authoring") / "templates" / f"{template}.txt").read_text("utf-8")
    return Template(text).substitute(words)
