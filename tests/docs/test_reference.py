"""The reference is complete: what exists is in it, and what is in it exists."""

import ast
import gc
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from contracts import errors as tree
from contracts.errors import FirebreakError
from contracts.limits import Limits
from contracts.policy import Policy
from docs.commands import commands
from docs.pages import REFERENCE, ROOT, reference
from gateway import errors as door_errors
from gateway.app import build_app, doors_of
from gateway.errors import status_of
from gateway.temporal import TemporalDoor
from guardrails.rules import NAMES
from settings import PREFIX, Settings
from toil.database import open_engine
from toil.tables import Row
from tools.reference import MEND, main, stale
from tools.rulebook import ROWS, rulings_of

_PLACEHOLDER = re.compile(r"\{\w+\}")


@pytest.fixture(autouse=True)
def _no_garbage_while_parsing() -> Iterator[None]:
    """CPython before 3.11.8 fails to parse when a finalizer parses meanwhile (gh-106905), and a
    long run leaves finalizers.
    """
    gc.disable()
    yield
    gc.enable()


def routes(folder: Path) -> set[str]:
    """`METHOD /path` of every route of the gateway, with `{}` for each placeholder."""
    engine = open_engine(f"sqlite:///{folder}/books.db")

    async def connect() -> Any:
        raise AssertionError("a route was called")

    doors = doors_of(Settings(), Policy(), engine, TemporalDoor(connect))
    found = {
        f"{method} {_PLACEHOLDER.sub('{}', route.path or '')}"
        for route in iter_route_contexts(build_app(doors).routes)
        for method in route.methods or ()
    }
    engine.dispose()
    return found


def errors_of(module: Any) -> list[type[FirebreakError]]:
    """The error classes that a module defines."""
    return [
        item
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, FirebreakError)
        and item.__module__ == module.__name__
    ]


def node_ids() -> set[str]:
    """The node ids of the guardrails' tests, without their parameters."""
    return {
        f"tests/guardrails/{path.name}::{node.name}"
        for path in (ROOT / "tests" / "guardrails").glob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_generated_part_is_as_the_code_is() -> None:
    """The reference cannot tell of another program than this one."""
    assert [path.name for path in stale()] == [], f"run `{MEND}`"


def test_a_stale_page_is_named_with_its_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` exits with 1 and changes nothing; without it the page is mended."""
    folder = shutil.copytree(REFERENCE, tmp_path / "reference")
    page = folder / "errors.md"
    page.write_text(page.read_text().replace("| 422 |", "| 200 |"))
    assert main(["--check"], folder) == 1
    assert capsys.readouterr().err == (
        f"docs/reference/errors.md is not as the code is; run `{MEND}`\n"
    )
    assert main([], folder) == 0
    assert page.read_text() == reference("errors.md")
    assert main(["--check"], folder) == 0


def test_a_page_without_a_marker_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new group of commands would otherwise be told of nowhere."""
    folder = shutil.copytree(REFERENCE, tmp_path / "reference")
    page = folder / "cli.md"
    page.write_text(page.read_text().replace("begin commands toil", "begin commands sweat"))
    assert main(["--check"], folder) == 1
    assert "docs/reference/cli.md" in (told := capsys.readouterr().err)
    assert "commands sweat, commands toil" in told


@pytest.mark.parametrize("path", tuple(commands()), ids=" ".join)
def test_every_command_and_option_is_in_the_reference(path: tuple[str, ...]) -> None:
    """docs/reference/cli.md says all that `--help` says."""
    page = reference("cli.md")
    assert f"`firebreak {' '.join(path)}" in page
    options = [o for p in commands()[path].params for o in p.opts if o.startswith("--")]
    lacking = [o for o in options if o not in page and o != "--help"]
    assert lacking == [], f"run `{MEND}`"


def test_every_route_is_in_the_reference_and_no_other(tmp_path: Path) -> None:
    """docs/reference/http.md lists exactly what the gateway serves."""
    page = _PLACEHOLDER.sub("{}", reference("http.md"))
    written = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`?\s]*)`", page))
    there = routes(tmp_path)
    assert there - written == set(), "add them to docs/reference/http.md"
    assert written - there == set(), "take them out of docs/reference/http.md"


@pytest.mark.parametrize("kind", [*errors_of(tree), *errors_of(door_errors)])
def test_every_error_is_in_the_reference(kind: type[FirebreakError]) -> None:
    """With its code; a leaf with its HTTP status and its general advice, too."""
    page = reference("errors.md")
    assert f"`{kind.__name__}`" in page
    assert f"`{kind.code}`" in page
    if kind.__name__ not in ("FirebreakError", "Stop", "Retry"):
        row = f"| `{kind.__name__}` | `{kind.code}` | {status_of(kind('x'))} |"
        line = next((text for text in page.splitlines() if text.startswith(row)), "")
        assert kind.fix in line, f"write a row that begins with {row} and ends with {kind.fix}"


def test_every_guardrail_has_its_row_and_every_row_its_guardrail() -> None:
    """docs/reference/guardrails.md tells each rule once, in the order in which it is asked."""
    assert tuple(ROWS) == NAMES, "add the rule to ROWS in tools/rulebook.py, or take its row away"
    table = reference("guardrails.md").partition("## What counts")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_guardrail_has_a_ruling_and_a_test_that_exists(name: str) -> None:
    """A row that nobody holds would be a promise."""
    assert rulings_of(name), "a rule says deny, ask or allow in so many words"
    assert ROWS[name].test in node_ids()
    assert name in (ROOT / ROWS[name].test.partition("::")[0]).read_text()


def test_every_figure_of_the_limits_belongs_to_a_guardrail() -> None:
    """A key that no rule reads would be a rule that is not in force."""
    told = {key for held in ROWS.values() for key in held.units}
    assert told == set(Limits.model_fields)


@pytest.mark.parametrize("name", [*Settings.model_fields, "secrets_dir", "url", "token"])
def test_every_setting_is_in_the_reference(name: str) -> None:
    """docs/reference/settings.md has each variable."""
    assert f"`{PREFIX}{name.upper()}`" in reference("settings.md")


def test_every_setting_has_a_meaning() -> None:
    """The text under the field in settings.py is the only one there is."""
    page = reference("settings.md")
    lines = [line for line in page.splitlines() if line.startswith(f"| `{PREFIX}")]
    assert lines
    assert [line for line in lines if line.endswith("|  |")] == [], "say it in settings.py"


def test_every_table_is_in_the_reference_and_no_other() -> None:
    """docs/reference/journal-and-ledger.md tells of each table; `entry` and its own are prose."""
    page = reference("journal-and-ledger.md")
    rows = re.findall(
        r"^\| (`\w+`(?:, `\w+`)*) \|", page.partition("Timeline types")[0], re.MULTILINE
    )
    told = {name for row in rows for name in re.findall(r"\w+", row)}
    books = {"observation", "entry", "entry_private"}
    assert all(name in page for name in books)
    assert told | books == set(Row.metadata.tables)


def test_every_policy_key_is_in_the_example() -> None:
    """deploy/firebreak.example.toml is the reference of the policy file."""
    example = (ROOT / "deploy" / "firebreak.example.toml").read_text()
    assert [name for name in Policy.model_fields if name not in example] == []
