"""The documentation is complete and does not lie: what exists is in it, what is in it exists."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from fastapi.routing import iter_route_contexts
from typer.testing import CliRunner

import cli
from contracts import errors as tree
from contracts.errors import FirebreakError
from contracts.policy import Policy
from gateway import errors as door_errors
from gateway.app import build_app, doors_of
from gateway.errors import status_of
from gateway.temporal import TemporalDoor
from settings import PREFIX, Settings
from toil.database import open_engine

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]*)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\w+\}")
_COMMAND = re.compile(r"^(?:[$] )?(?:[.]venv/bin/)?firebreak (.+)$", re.MULTILINE)
_SHELLS = ("console", "sh", "bash")


class Command(NamedTuple):
    """One command line of the documentation, and where it stands."""

    page: str
    words: tuple[str, ...]


def shown(path: Path) -> str:
    """The path as people write it."""
    return str(path.relative_to(ROOT))


def reference(name: str) -> str:
    """The text of a reference page."""
    return (REFERENCE / name).read_text()


def commands() -> dict[tuple[str, ...], Any]:
    """Every command by its path, e.g. `("toil", "log")`."""
    return dict(_below((), typer.main.get_command(cli.app)))


def _below(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    below = getattr(command, "commands", {})
    for name, inner in below.items():
        yield from _below((*path, name), inner)
    if not below:
        yield path, command


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


def written_commands() -> Iterator[Command]:
    """Every `firebreak …` line of every shell block; a trailing backslash goes on."""
    for page in PAGES:
        for language, body in _FENCE.findall(page.read_text()):
            if language in _SHELLS:
                for line in _COMMAND.findall(body.replace("\\\n", " ")):
                    yield Command(shown(page), tuple(shlex.split(line)))


def errors_of(module: Any) -> list[type[FirebreakError]]:
    """The error classes that a module defines."""
    return [
        item
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, FirebreakError)
        and item.__module__ == module.__name__
    ]


def rule_names() -> set[str]:
    """Every name that a guardrail gives as its `rule`, read from the source."""
    found = set()
    for path in (ROOT / "guardrails").glob("*.py"):
        source = ast.parse(path.read_text())
        names = {n.targets[0].id: n.value for n in source.body if _names_text(n)}  # type: ignore[attr-defined]  # checked by _names_text
        for given in _rules_given(source):
            value = names.get(given.id, given) if isinstance(given, ast.Name) else given
            if isinstance(value, ast.Constant):
                found.add(str(value.value))
    return found


def _names_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)


def _rules_given(source: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(source):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "_deny":
                yield node.args[0]
            yield from (k.value for k in node.keywords if k.arg == "rule")
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (v for k, v in pairs if isinstance(k, ast.Constant) and k.value == "rule")


def anchor(heading: str) -> str:
    """The fragment under which a heading is reached."""
    kept = re.sub(r"[^\w\s-]", "", heading.lower())
    return re.sub(r"\s", "-", kept.strip())


@pytest.mark.parametrize("path", tuple(commands()), ids=" ".join)
def test_every_command_and_option_is_in_the_reference(path: tuple[str, ...]) -> None:
    """docs/reference/cli.md says all that `--help` says."""
    page = reference("cli.md")
    assert f"`firebreak {' '.join(path)}" in page
    options = [o for p in commands()[path].params for o in p.opts if o.startswith("--")]
    lacking = [o for o in options if o not in page and o != "--help"]
    assert lacking == [], "add them to docs/reference/cli.md"


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


def test_every_guardrail_is_in_the_reference_and_no_other() -> None:
    """docs/reference/guardrails.md has a row for each name that a verdict can give."""
    table = reference("guardrails.md").partition("## Who is asked")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == rule_names()


@pytest.mark.parametrize("name", [*Settings.model_fields, "secrets_dir", "url", "token"])
def test_every_setting_is_in_the_reference(name: str) -> None:
    """docs/reference/settings.md has each variable."""
    assert f"`{PREFIX}{name.upper()}`" in reference("settings.md")


def test_every_policy_key_is_in_the_example() -> None:
    """deploy/firebreak.example.toml is the reference of the policy file."""
    example = (ROOT / "deploy" / "firebreak.example.toml").read_text()
    assert [name for name in Policy.model_fields if name not in example] == []


@pytest.mark.parametrize("command", tuple(written_commands()), ids=lambda c: f"{c.page}: {c.words}")
def test_every_command_in_the_documentation_parses(command: Command) -> None:
    """A reader who copies it gets what the page says, not a usage error."""
    known = commands()
    path = next((command.words[:n] for n in (2, 1) if command.words[:n] in known), None)
    assert path is not None, f"there is no command {command.words}"
    # Raises the usage error that the command line would show.
    known[path].make_context(" ".join(path), list(command.words[len(path) :]))


@pytest.mark.parametrize("path", tuple(commands()), ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    """`--help` works for each and says what it does."""
    result = CliRunner().invoke(cli.app, [*path, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading that it has."""
    dead = []
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        place, _, fragment = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = (page.parent / place).resolve() if place else page
        headings = _HEADING.findall(target.read_text()) if fragment and target.is_file() else []
        if not target.exists() or (fragment and fragment not in map(anchor, headings)):
            dead.append(link)
    assert dead == []


def test_every_page_is_reached_from_the_index() -> None:
    """A page that nothing leads to is not read."""
    index = DOCS / "index.md"
    linked = {(index.parent / link).resolve() for link in _LINK.findall(index.read_text())}
    assert {page for page in DOCS.rglob("*.md") if page != index} - linked == set()


def test_the_documentation_has_commands_to_try() -> None:
    """The search for them finds the ones we know: it would not pass by finding none."""
    found = {command.words[0] for command in written_commands()}
    assert {"demo", "up", "approve", "pause", "toil", "db"} <= found
