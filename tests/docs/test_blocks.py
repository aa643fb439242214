"""Every block of code is what it says it is: Python that parses, policies that are accepted."""

import ast
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.pages import DOCS, NOTES, PAGES, ROOT, Block, blocks, blocks_of, shown
from sandbox.scenario_file import read_scenario
from settings import read_policy

LANGUAGES = {"console", "json", "python", "text", "toml", "yaml"}
_COMMENT = re.compile(r"<!-- (?!generated: )(.*?) -->", re.DOTALL)


def where(block: Block) -> str:
    """The test's name for it."""
    return block.place


def test_every_block_says_its_language() -> None:
    """One that says none is looked at by no test."""
    assert [b.place for b in blocks() if b.language not in LANGUAGES] == []


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_fence_is_that_of_a_block(page: Path) -> None:
    """An indented one, or one that is not closed, would not be seen."""
    fences = page.read_text().count("```")
    assert fences == 2 * len(list(blocks_of(page)))


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_note_is_above_a_block_and_known(page: Path) -> None:
    """A misspelled note would switch a test off in silence."""
    comments = _COMMENT.findall(page.read_text())
    noted = [f"{b.note}: {b.told}" for b in blocks() if b.page == page and b.note]
    assert noted == comments
    assert {text.partition(": ")[0] for text in comments} <= set(NOTES)


@pytest.mark.parametrize("block", blocks("python"), ids=where)
def test_python_parses(block: Block) -> None:
    """A fragment may await, as it does in the function that it is taken from."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compile(block.body, block.place, "exec", flags=flags)


@pytest.mark.parametrize("block", [b for b in blocks() if b.note == "from"], ids=where)
def test_what_is_quoted_stands_there(block: Block) -> None:
    """A quotation is the file's own text, or it is none."""
    assert block.body in (ROOT / block.told).read_text()


@pytest.mark.parametrize("block", blocks("json"), ids=where)
def test_json_parses(block: Block) -> None:
    """What is left out is left out inside a text."""
    json.loads(block.body)


@pytest.mark.parametrize("block", blocks("yaml"), ids=where)
def test_yaml_parses(block: Block) -> None:
    """Configurations of other systems."""
    assert yaml.safe_load(block.body)


@pytest.mark.parametrize("block", [b for b in blocks("toml") if b.note != "file"], ids=where)
def test_a_policy_is_accepted(block: Block, tmp_path: Path) -> None:
    """A fragment stands in the demo's policy, in place of the tables that it has itself."""
    path = tmp_path / "firebreak.toml"
    path.write_text(merged((ROOT / "deploy" / "demo.toml").read_text(), block.body))
    read_policy(path)


@pytest.mark.parametrize("block", [b for b in blocks("toml") if b.note == "file"], ids=where)
def test_a_scenario_is_accepted(block: Block, tmp_path: Path) -> None:
    """Read as a rehearsal reads it."""
    assert "/scenarios/" in block.told
    path = tmp_path / "scenario.toml"
    path.write_text(block.body)
    read_scenario(path)


def merged(policy: str, fragment: str) -> str:
    """The policy with the fragment's tables instead of its own of the same names."""
    own = {_identity(table) for table in _tables(fragment)}
    kept = [table for table in _tables(policy) if _identity(table) not in own]
    return "\n".join([*kept, fragment])


def _tables(toml: str) -> list[str]:
    return re.split(r"^(?=\[)", toml, flags=re.MULTILINE)


def _identity(table: str) -> tuple[Any, ...]:
    """The head of a table, and for one of several its name."""
    head = table.partition("\n")[0].partition("#")[0].strip()
    inner = tomllib.loads(table.removeprefix(table.partition("\n")[0]))
    return (head, inner.get("id") or inner.get("name")) if head.startswith("[[") else (head,)


def test_a_fragment_takes_the_place_of_its_own_tables_only() -> None:
    """`[limits]` replaces `[limits]`, a service the service of that name."""
    policy = '[[services]]\nname = "a"\n[[services]]\nname = "b"\n[limits]\nattempts_max = 1\n'
    made = tomllib.loads(merged(policy, '[[services]]\nname = "a"\nteam = "x"\n'))
    assert made["services"] == [{"name": "b"}, {"name": "a", "team": "x"}]
    assert made["limits"] == {"attempts_max": 1}
    assert tomllib.loads(merged(policy, "[limits]\nattempts_max = 3\n"))["limits"] == {
        "attempts_max": 3
    }


def test_there_are_blocks_of_each_kind() -> None:
    """The search finds them: no test here passes by finding none."""
    assert {block.language for block in blocks()} == LANGUAGES
    assert {block.note for block in blocks()} >= {"", *NOTES}
    assert all(block.page.is_relative_to(ROOT) for block in blocks())
    assert any(block.page.is_relative_to(DOCS) for block in blocks())
