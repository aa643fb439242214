"""Writes the generated parts of docs/reference from the code, so that a page tells no other story.

    .venv/bin/python tools/reference.py            rewrites the pages
    .venv/bin/python tools/reference.py --check    names each stale page, and exits 1

Only what stands between a page's markers is generated; the prose around it is written by hand.
"""

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_origin

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pydantic import BaseModel  # noqa: E402 - the path must be known first, run as a script

import contracts  # noqa: E402
import runbooks  # noqa: E402
from contracts import errors as tree  # noqa: E402
from contracts.alert import Alert  # noqa: E402
from contracts.approval import Decision  # noqa: E402
from contracts.case import Case, Outcome  # noqa: E402
from contracts.catalogue import ServedRunbook  # noqa: E402
from contracts.errors import FirebreakError, Retry, Stop  # noqa: E402
from contracts.policy import Policy  # noqa: E402
from contracts.step import Action, Check, Evidence, Look, Receipt, Step  # noqa: E402
from contracts.target import Target  # noqa: E402
from gateway import errors as doors  # noqa: E402
from gateway.errors import status_of  # noqa: E402
from sandbox.scenario_file import SHIPPED, Scenario, read_scenario  # noqa: E402
from sandbox.scripts import FAULTS  # noqa: E402
from settings import PREFIX, Settings  # noqa: E402
from tools.commandline import commands  # noqa: E402
from tools.fields import Row, notes_of, rows_of, words_of  # noqa: E402
from tools.markdown import one_line, table  # noqa: E402
from tools.rulebook import rules  # noqa: E402
from workflows.attempts import RUN_WITHIN  # noqa: E402
from workflows.authoring.folders import load  # noqa: E402
from workflows.authoring.play import troubles  # noqa: E402
from workflows.authoring.portraits import portrait  # noqa: E402
from workflows.calls import READ, WRITE  # noqa: E402
from workflows.runbook import Runbook  # noqa: E402

REFERENCE = ROOT / "docs" / "reference"
EXAMPLE = ROOT / "deploy" / "firebreak.example.toml"
MEND = ".venv/bin/python tools/reference.py"

_PART = re.compile(
    r"(?P<begin><!-- generated: begin (?P<name>[\w -]+) -->\n).*?(?P<end><!-- generated: end -->)",
    re.DOTALL,
)
_VALUES: tuple[type[BaseModel], ...] = (Case, Alert, Target, Evidence, Decision, Receipt, Outcome)
_HEADS = ("Field", "Type", "Default", "Meaning")


def pages() -> dict[str, dict[str, str]]:
    """Every page with its generated parts, by the names of their markers."""
    return {
        "runbook-verbs.md": {"verbs": verbs(), "bounds": bounds()},
        "steps.md": steps(),
        "settings.md": {"environment": environment(), "policy": policy()},
        "errors.md": errors(),
        "cli.md": dict(commands()),
        "runbooks.md": {"runbooks": shipped()},
        "guardrails.md": {"rules": rules()},
        "scenarios.md": {"scenarios": scenarios(), "keys": scenario_keys()},
    }


def filled(page: str, text: str, parts: dict[str, str]) -> str:
    """The text of a page with its generated parts as they must be; raises ValueError."""
    names = [found["name"] for found in _PART.finditer(text)]
    if sorted(names) != sorted(parts):
        wrong = ", ".join(sorted(set(names) ^ set(parts)) or names)
        raise ValueError(f"docs/reference/{page}: correct the marker of each of: {wrong}")
    return _PART.sub(
        lambda found: f"{found['begin']}\n{parts[found['name']]}\n\n{found['end']}", text
    )


def stale(folder: Path = REFERENCE) -> dict[Path, str]:
    """The pages that are not as the code is, with the text that they should have."""
    texts = {folder / page: parts for page, parts in pages().items()}
    wanted = {path: filled(path.name, path.read_text(), parts) for path, parts in texts.items()}
    return {path: text for path, text in wanted.items() if path.read_text() != text}


def verbs() -> str:
    """How each verb is called, what it gives, and what it does."""
    rows = []
    for name in ("look", "approve", "act", "verify"):
        verb = inspect.unwrap(vars(Runbook)[name])
        _, first, *more = inspect.signature(verb).parameters.values()
        words = [first.name.upper(), *(f"{p.name}={minutes(p.default)}" for p in more)]
        gives = inspect.signature(verb).return_annotation.__name__
        does = one_line((verb.__doc__ or "").partition("\n\n")[0])
        rows.append((f"`await self.{name}({', '.join(words)})`", f"`{gives}`", does))
    return table(("Verb", "Gives", "What it does"), rows)


def bounds() -> str:
    """How long what a runbook does may take."""
    rows = [("a runbook", minutes(RUN_WITHIN))]
    for what, timing in {"a look or a plan": READ, "a write": WRITE}.items():
        whole = minutes(timedelta(seconds=timing.total_seconds))
        tries = f"{timing.attempt_seconds} s an attempt, {timing.attempts_max} attempts"
        rows.append((what, f"{tries}, {whole} in all"))
    away = f"{READ.unserved_seconds} s, then the step fails as `Unavailable`"
    return table(("What", "At most"), [*rows, ("a cluster that nobody serves", away)])


def minutes(span: timedelta) -> str:
    """`15 min`, `48 h`."""
    whole = int(span.total_seconds()) // 60
    return f"{whole} min" if whole % 60 else f"{whole // 60} h"


def steps() -> dict[str, str]:
    """Looks, actions and checks, and the values that a runbook is given and gets."""
    for info in pkgutil.iter_modules(contracts.__path__):
        importlib.import_module(f"{contracts.__name__}.{info.name}")
    kinds: dict[str, type[Step]] = {"looks": Look, "actions": Action, "checks": Check}
    parts = {name: "\n\n".join(map(step, _steps_below(kind))) for name, kind in kinds.items()}
    return parts | {"values": "\n\n".join(map(value, _VALUES))}


def _steps_below(kind: type[Step]) -> list[type[Step]]:
    ours = (k for k in kind.__subclasses__() if k.__module__.startswith(f"{contracts.__name__}."))
    return sorted(ours, key=lambda k: k.__name__)


def step(kind: type[Step]) -> str:
    """One step: where it is imported from, what it does, what it takes besides its target."""
    fields = [_told(row) for row in rows_of(kind) if row.name != "target"]
    text = f"### `{kind.__name__}`\n\n{one_line(kind.__doc__)}\n\nFrom `{kind.__module__}`"
    if not fields:
        return f"{text}. It takes a `target` only."
    return f"{text}. Besides its `target` it takes:\n\n{table(_HEADS, fields)}"


def value(model: type[BaseModel]) -> str:
    """One value: what it is, its fields, and what it can be asked."""
    rows = [_told(row) for row in rows_of(model)]
    for name, item in vars(model).items():
        if isinstance(item, property) and not name.startswith("_"):
            result = words_of(inspect.signature(item.fget).return_annotation)  # type: ignore[arg-type]  # a property without a getter would be none
            rows.append((f"`{name}`", result, "computed", one_line(item.__doc__)))
    return f"### `{model.__name__}`\n\n{one_line(model.__doc__)}\n\n{table(_HEADS, rows)}"


def _told(row: Row) -> tuple[str, ...]:
    return (f"`{row.name}`", row.type, row.default, row.meaning)


def environment() -> str:
    """The settings of a process."""
    rows = [(f"`{PREFIX}{r.name.upper()}`", *r[1:]) for r in rows_of(Settings)]
    return table(("Variable", *_HEADS[1:]), rows)


def policy() -> str:
    """The keys of the policy file; what the example file says of them is their meaning."""
    return _file_keys(Policy, notes_of(EXAMPLE.read_text()))


def scenarios() -> str:
    """The scenarios that ship, and how each must end."""
    rows = []
    for path in sorted(SHIPPED.glob("*.toml")):
        told = read_scenario(path)
        end = told.expect
        ends = f"{end.runbook}: {end.outcome}" if end.runbook else "waits for people"
        writes = f"{end.effective_writes} write{'' if end.effective_writes == 1 else 's'}"
        rows.append((f"`{path.stem}`", told.title, f"{ends}, {writes}"))
    return table(("Scenario", "What happens", "How it must end"), rows)


def scenario_keys() -> str:
    """The keys of a scenario file, and the faults that the sandbox knows."""
    faults = ", ".join(f"`{name}`" for name in FAULTS)
    return f"{_file_keys(Scenario, {})}\n\nThe sandbox knows these faults: {faults}."


def _file_keys(model: type[BaseModel], notes: dict[tuple[str, str], str]) -> str:
    """The keys of a TOML file, table by table."""
    plain = [row for row in rows_of(model) if not _tables_of(model, row.name)]
    parts = ["### Outside tables", _keys("", plain, notes)]
    for name in model.model_fields:
        for head, inner in _tables_of(model, name):
            told = " ".join(filter(None, (one_line(inner.__doc__), notes.get((name, ""), ""))))
            parts += [f"### `{head}`", told, _keys(name, rows_of(inner), notes)]
    return "\n\n".join(parts)


def _tables_of(model: type[BaseModel], name: str) -> list[tuple[str, type[BaseModel]]]:
    """How the table of a key is headed, and the model of what is in it; nothing for a plain key."""
    annotation = model.model_fields[name].annotation
    found = [k for k in (annotation, *get_args(annotation)) if inspect.isclass(k)]
    models = [kind for kind in found if issubclass(kind, BaseModel)]
    heads: dict[Any, str] = {tuple: f"[[{name}]]", dict: f"[{name}.NAME]"}
    return [(heads.get(get_origin(annotation), f"[{name}]"), kind) for kind in models]


def _keys(head: str, rows: Iterable[Row], notes: dict[tuple[str, str], str]) -> str:
    cells = [(f"`{r.name}`", *r[1:3], r.meaning or notes.get((head, r.name), "")) for r in rows]
    return table(("Key", *_HEADS[1:]), cells)


def errors() -> dict[str, str]:
    """The error tree: what stops, what may pass, and what only a door says."""
    common = [kind for kind in _defined_in(tree) if kind not in (FirebreakError, Stop, Retry)]
    branches: dict[str, list[type[FirebreakError]]] = {
        "stop": [kind for kind in common if issubclass(kind, Stop)],
        "retry": [kind for kind in common if issubclass(kind, Retry)],
        "doors": _defined_in(doors),
    }
    told = {name: _error_table(kinds) for name, kinds in branches.items()}
    return told | {"desk": table(("Error", "Meaning", "What to do"), map(_play_error, _plays()))}


def _plays() -> list[type[FirebreakError]]:
    return [kind for kind in _defined_in(troubles) if kind is not troubles.PlayTrouble]


def _play_error(kind: type[FirebreakError]) -> tuple[str, str, str]:
    return (f"`{kind.__name__}`", _unstopped(kind.__doc__), kind.fix)


def _defined_in(module: ModuleType) -> list[type[FirebreakError]]:
    items = (item for item in vars(module).values() if inspect.isclass(item))
    return [i for i in items if issubclass(i, FirebreakError) and i.__module__ == module.__name__]


def _error_table(kinds: Iterable[type[FirebreakError]]) -> str:
    rows = [
        (f"`{k.__name__}`", f"`{k.code}`", str(status_of(k("x"))), _unstopped(k.__doc__), k.fix)
        for k in kinds
    ]
    return table(("Error", "Code", "HTTP", "Meaning", "What to do"), rows)


def _unstopped(text: str | None) -> str:
    return one_line(text).removesuffix(".")


def shipped() -> str:
    """The runbooks that ship, as `firebreak runbooks show` tells of them."""
    policy = Policy()
    return "\n\n".join(_runbook(portrait(found, policy)) for found in load(runbooks).runbooks)


def _runbook(told: ServedRunbook) -> str:
    lists = {"Starts for": told.triggers, "Steps": told.steps}
    parts = [f"## `{told.name}`", told.title, told.manual]
    for head, items in lists.items():
        parts.append(f"{head}:\n\n" + "\n".join(f"- `{item}`" for item in items))
    return "\n\n".join(parts)


def main(arguments: Sequence[str], folder: Path = REFERENCE) -> int:
    """Rewrite the pages, or only say which are stale; the exit code."""
    try:
        changed = stale(folder)
    except ValueError as err:
        print(err, file=sys.stderr)
        return 1
    for path, text in changed.items():
        name = f"docs/reference/{path.name}"
        if "--check" in arguments:
            print(f"{name} is not as the code is; run `{MEND}`", file=sys.stderr)
        else:
            path.write_text(text)
            print(name)
    return 1 if changed and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
