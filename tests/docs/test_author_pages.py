"""What authors are told works: their runbooks are accepted and played, their pages are followed."""

import json
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

import runbooks
from docs.pages import DOCS, ROOT, Block, blocks, blocks_of, shown
from docs.shell import Shell, matches, typed_in
from workflows.authoring.folders import Loaded, load
from workflows.authoring.play.people import Answer
from workflows.authoring.play.player import play
from workflows.authoring.play.sample_case import sample_case
from workflows.authoring.play.world import BEGINS, Script

WRITE = DOCS / "how-to" / "write"
FOLLOWED = [
    *sorted((DOCS / "tutorial").glob("*.md")),
    DOCS / "how-to" / "rehearse-a-failure.md",
    *sorted(WRITE.glob("*.md")),
]
PLAYED = sorted({block.page for block in blocks() if block.note == "transcript"})


@pytest.fixture(name="desk")
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for runbooks; what is imported from it is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def write(block: Block, folder: Path) -> None:
    """Make the file that a block is, or add what it adds."""
    path = folder / block.told
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a" if block.note == "added" else "w") as file:
        file.write(block.body)


def loaded_from(page: Path, folder: Path) -> Loaded:
    """The runbooks of a page, as a worker would load them."""
    for block in blocks_of(page):
        if block.note == "file" and block.language == "python":
            write(block, folder)
    return load(runbooks, [folder])


def script_of(words: list[str]) -> Script:
    """`answer=deny find=pod_logs=OOM signal=migrated begins=2026-11-21T03:00:00Z`."""
    pairs = [word.split("=", 1) for word in words]
    given = {name: text for name, text in pairs if name in ("answer", "begins")}
    found = (text.split("=", 1) for name, text in pairs if name == "find")
    return Script(
        answer=cast("Answer", given.get("answer", "approve")),
        find={step: _value(text) for step, text in found},
        signals=[(text,) for name, text in pairs if name == "signal"],
        begins=datetime.fromisoformat(given["begins"]) if "begins" in given else BEGINS,
    )


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


@pytest.mark.parametrize("page", PLAYED, ids=shown)
def test_every_runbook_of_a_page_is_accepted_and_played(page: Path, desk: Path) -> None:
    """By the check, by Temporal's sandbox, and with the transcript that the page shows."""
    loaded = loaded_from(page, desk)
    assert loaded.faults == ()
    mine = {found.name: found.runbook for found in loaded.runbooks if not found.shipped}
    told = [block for block in blocks_of(page) if block.note == "transcript"]
    for block in told:
        name, *words = block.words
        played = play(mine[name], sample_case(mine[name]), script_of(words))
        assert matches(block.body, str(played)), f"{block.place}:\n{played}"
    assert {block.words[0] for block in told} == set(mine), "show what each of them prints"


@pytest.mark.parametrize("page", FOLLOWED, ids=shown)
def test_a_page_can_be_followed_to_the_letter(page: Path, tmp_path: Path) -> None:
    """In a fresh clone: its files are written, its commands typed, its outputs compared."""
    shell = shell_for(page, tmp_path)
    for block in blocks_of(page):
        if block.note in ("file", "added"):
            write(block, tmp_path)
        elif block.note == "written":
            assert (tmp_path / block.told).read_text() == block.body, block.place
        elif block.note == "printed by":
            printed = shell.run_until(block.told, block.body)
            assert matches(block.body, printed), f"{block.place}:\n{printed}"
        elif block.language == "console" and block.note != "not run":
            follow(block, shell)


def shell_for(page: Path, folder: Path) -> Shell:
    """A terminal in what matters of a clone; the tutorial alone begins without a folder."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    own = {"FIREBREAK_RUNBOOKS": f"{folder}/my-runbooks"} if page.parent == WRITE else {}
    return Shell(folder, **own)


def follow(block: Block, shell: Shell) -> None:
    """Type the commands of one block."""
    for typed in typed_in(block.body):
        printed = shell.run(typed.command)
        assert matches(typed.shown, printed), f"{block.place}: $ {typed.command}\n{printed}"


def test_there_are_pages_to_follow_and_runbooks_to_play() -> None:
    """The search finds those we know of."""
    assert len(FOLLOWED) > 10
    assert WRITE / "share-steps.md" in PLAYED
