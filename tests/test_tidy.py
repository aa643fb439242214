"""The style as a test: sizes, words, names and modules, measured over the whole tree.

A rule that a reader would have to remember stands here instead. A message says where the fault
is and what to do about it; a limit is raised by a decision, never by the way.
"""

import ast
import re
import statistics
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "contracts",
    "workflows",
    "activities",
    "runbooks",
    "guardrails",
    "toil",
    "gateway",
    "sandbox",
)
ROOTS = (
    "worker.py",
    "parts.py",
    "cli.py",
    "terminal.py",
    "authoring.py",
    "tryout.py",
    "backtest.py",
    "settings.py",
    "stack.py",
    "devserver.py",
    "demo.py",
    "demoslack.py",
    "playing.py",
    "staging.py",
    "rehearsal.py",
    "doctor.py",
    "timekeeping.py",
)
# Where foreign code is imported, which may raise anything; what it raised is told, not hidden.
FOREIGN_CODE = ("workflows/authoring/folders.py",)
OTHERS = ("tests", "tools", "bench")
TEXTS = ("*.py", "*.md", "*.toml", "*.html", "*.css", "*.yaml", "*.yml", "*.sh", "*.json")

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
FUNCTION_LINES_MEDIAN = 8
FUNCTION_LINES_P90 = 25
PARAMETERS_P90 = 4

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Defined(NamedTuple):
    """One function: where it is, its lines without its docstring, its parameters without self."""

    place: str
    lines: int
    parameters: tuple[ast.arg, ...]
    node: Function


class Ban(NamedTuple):
    """A text that does not belong in the files under `where`, and what to do instead."""

    pattern: str
    where: tuple[str, ...]
    instead: str


# Written so that no pattern matches its own line.
EVERYWHERE = (*PACKAGES, *ROOTS, *OTHERS, "docs", "deploy", ".ci/run", "Makefile", "README.md")
BANS = (
    Ban(r"\bTO[D]O\b|\bFIX[M]E\b", EVERYWHERE, "do it now, or write an issue"),
    Ban(r"\bunittest[.]mock\b|\bmocker[.]", OTHERS, "write a fake that behaves like the real one"),
    Ban(r"\btime[.]sleep[(]", ("tests",), "skip time, or wait for the condition itself"),
    Ban(r"^from __future__ import anno[t]ations", EVERYWHERE, "Temporal and pydantic read types"),
    Ban(r"^\s*prin[t][(]", (*PACKAGES, *ROOTS), "log an event with keys, or use rich in the CLI"),
    Ban(r"pypi[.]org|pythonhoste[d]|/simpl[e]\b", EVERYWHERE, "name no registry; the user has one"),
    Ban(r"(?<![\w.])/(home|root|Users)/\w+", EVERYWHERE, "no path of anybody's machine"),
    Ban(r"@pytest[.]mark[.](xfail|ski[p])\b", ("tests",), "mend it, or delete the test"),
    Ban(r"#\s*type: ignore(?!\[)", EVERYWHERE, "name the code, and say why"),
    Ban(r"#\s*noqa(?!:)", EVERYWHERE, "name the rule, and say why"),
)


def python_files(*places: str) -> Iterator[Path]:
    """The Python files under the given top-level names."""
    for place in places:
        path = ROOT / place
        yield from [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))


def text_files(*places: str) -> Iterator[Path]:
    """The files that people write, without what others wrote and we only serve."""
    for place in places:
        path = ROOT / place
        found = [path] if path.is_file() else (f for kind in TEXTS for f in path.rglob(kind))
        yield from (f for f in sorted(found) if "vendor" not in f.parts)


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(path.read_text(), str(path))


def shown(path: Path) -> str:
    """The path as people write it."""
    return str(path.relative_to(ROOT))


def functions_of(paths: Iterable[Path]) -> list[Defined]:
    """Every function and method, also the inner ones."""
    return [
        Defined(
            f"{shown(path)}:{node.lineno} {node.name}",
            lines_of(node),
            parameters_of(node),
            node,
        )
        for path in paths
        for node in ast.walk(tree_of(path))
        if isinstance(node, Function)
    ]


def lines_of(node: Function) -> int:
    """From `def` to the end, without the docstring."""
    first = node.body[0]
    told = ast.get_docstring(node, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if told else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


def parameters_of(node: Function) -> tuple[ast.arg, ...]:
    """All parameters, without `self` and `cls`."""
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    every += [arg for arg in (given.vararg, given.kwarg) if arg is not None]
    return tuple(arg for arg in every if arg.arg not in ("self", "cls"))


def p90(numbers: list[int]) -> int:
    """Nine of ten are not above it."""
    return sorted(numbers)[int(0.9 * (len(numbers) - 1))]


OURS = [*python_files(*PACKAGES, *ROOTS, *OTHERS)]


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    """400 lines at most: a longer file holds two ideas."""
    long = {shown(p): n for p in OURS if (n := len(p.read_text().splitlines())) > FILE_LINES_MAX}
    assert long == {}, f"split by idea: {long}"


def test_no_function_is_longer_than_a_screen() -> None:
    """50 lines at most, without the docstring."""
    long = [f"{f.place}: {f.lines}" for f in functions_of(OURS) if f.lines > FUNCTION_LINES_MAX]
    assert long == [], "name its parts and call them"


@pytest.mark.parametrize("places", [(*PACKAGES, *ROOTS), ("tests",)])
def test_functions_are_short_as_a_rule(places: tuple[str, ...]) -> None:
    """Half of them have 8 lines or fewer, nine of ten 25 or fewer."""
    lines = [f.lines for f in functions_of(python_files(*places))]
    longest = [
        f"{f.place}: {f.lines}"
        for f in functions_of(python_files(*places))
        if f.lines > FUNCTION_LINES_P90
    ]
    assert statistics.median(lines) <= FUNCTION_LINES_MEDIAN, "say each step in a function"
    assert p90(lines) <= FUNCTION_LINES_P90, f"shorten some of {longest}"


def test_functions_take_few_parameters_as_a_rule() -> None:
    """Nine of ten take 4 or fewer; what belongs together is a value of its own."""
    counts = [len(f.parameters) for f in functions_of(python_files(*PACKAGES, *ROOTS))]
    assert p90(counts) <= PARAMETERS_P90, "gather what belongs together into a value"


def test_every_parameter_and_every_result_has_a_type() -> None:
    """All of them, in tests and tools too."""
    bare = [
        f.place
        for f in functions_of(OURS)
        if f.node.returns is None or any(arg.annotation is None for arg in f.parameters)
    ]
    assert bare == [], "annotate every parameter and the result"


def test_every_module_says_why_it_is_there() -> None:
    """Its first lines tell what it is for and what it must never do; an empty file needs none."""
    silent = [
        shown(path)
        for path in OURS
        if path.read_text().strip() and not ast.get_docstring(tree_of(path))
    ]
    assert silent == [], "begin the file with a docstring that says why it exists"


def test_nobody_catches_everything() -> None:
    """A bug must be loud: only named errors are caught, and foreign ones translated."""
    caught = [
        f"{shown(path)}:{node.lineno}"
        for path in OURS
        if shown(path) not in FOREIGN_CODE
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler) and _catches_all(node)
    ]
    assert caught == [], "catch the errors you can name, and let the others pass"


def _catches_all(node: ast.ExceptHandler) -> bool:
    names = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else set()
    return node.type is None or bool(names & {"Exception", "BaseException"})


@pytest.mark.parametrize("ban", BANS, ids=lambda ban: ban.pattern)
def test_some_texts_do_not_belong_here(ban: Ban) -> None:
    """Each has a better way, which the message names."""
    pattern = re.compile(ban.pattern, re.MULTILINE)
    found = [
        f"{shown(path)}:{text[: match.start()].count(chr(10)) + 1}"
        for path in text_files(*ban.where)
        for text in [path.read_text()]
        for match in pattern.finditer(text)
    ]
    assert found == [], ban.instead


def test_the_folder_of_runbooks_holds_runbooks_only() -> None:
    """Its `__init__.py` is a docstring: discovery reads the folder, nothing is registered."""
    package = tree_of(ROOT / "runbooks" / "__init__.py")
    assert len(package.body) == 1, "put code into a runbook, or below"
    assert ast.get_docstring(package)


def module_of(path: Path) -> str:
    """The name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(path: Path) -> Iterator[str]:
    """Every module that a file may import: `from a import b` may mean `a` or `a.b`."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_module_is_used() -> None:
    """Something that ships imports it, unless it is started, discovered, or a migration."""
    shipped = [*python_files(*PACKAGES, *ROOTS)]
    used = {name for path in shipped for name in imported_by(path) if name != module_of(path)}
    found_otherwise = re.compile(
        r"runbooks[.].*|toil[.]migrations.*|.*__main__|cli|worker|.*pytest_plugin"
    )
    dead = [
        shown(path)
        for path in shipped
        if module_of(path) not in used
        and path.name != "__init__.py"
        and not found_otherwise.fullmatch(module_of(path))
    ]
    assert dead == [], "delete it, or use it"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("try:\n    f()\nexcept Exception:\n    g()\n", True),
        ("try:\n    f()\nexcept (ValueError, BaseException):\n    g()\n", True),
        ("try:\n    f()\nexcept:\n    g()\n", True),
        ("try:\n    f()\nexcept (ValueError, KeyError):\n    g()\n", False),
    ],
)
def test_catching_everything_is_seen(source: str, *, expected: bool) -> None:
    """The rule itself is held to examples."""
    handlers = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.ExceptHandler)]
    assert [_catches_all(node) for node in handlers] == [expected]


def test_a_function_is_measured_without_its_docstring() -> None:
    """Words about a function do not make it long."""
    source = 'def f(self, a, *b, c, **d):\n    """One.\n\n    Two.\n    """\n    return a\n'
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    assert lines_of(node) == 2
    assert [arg.arg for arg in parameters_of(node)] == ["a", "c", "b", "d"]
