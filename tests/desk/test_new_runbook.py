"""A new runbook: two short files that pass as they are, from a template or from another one."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import InvalidInput
from workflows.authoring.copying import renamed
from workflows.authoring.new import class_name_of, write_new
from workflows.trigger import name_of, triggers_of

ROOT = Path(__file__).resolve().parents[2]
PYTEST = Path(sys.executable).with_name("pytest")
SECONDS_MAX = 60
LINES_MAX = 25


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Iterator[Path]:
    """A team's own folder, which leaves nothing on Python's path."""
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    sys.path[:] = path
    for module in set(sys.modules) - modules:
        del sys.modules[module]


def passes(folder: Path) -> str:
    """The last line that pytest says of the folder, run from there."""
    done = subprocess.run(
        [PYTEST, "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


def source_of(name: str) -> str:
    """A shipped runbook."""
    return (ROOT / "runbooks" / f"{name}.py").read_text()


def test_what_is_written_passes_as_it_is(folder: Path) -> None:
    """A short runbook, and three tests of it."""
    runbook, test = write_new("restart_payment_worker", folder)
    assert (runbook.name, test.name) == (
        "restart_payment_worker.py",
        "test_restart_payment_worker.py",
    )
    assert len(runbook.read_text().splitlines()) <= LINES_MAX
    assert max(map(len, runbook.read_text().splitlines())) <= 100
    assert passes(folder).startswith("3 passed")


def test_the_new_runbook_says_where_to_think(folder: Path) -> None:
    """Four numbered questions: the alert, the evidence, the action, the proof."""
    runbook, _ = write_new("restart_cart", folder)
    lines = runbook.read_text().splitlines()
    assert [line.partition("# ")[2][0] for line in lines if "# " in line] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("shipped", ["restart_crash_loop", "rollback_deployment"])
def test_a_copy_passes_beside_the_one_it_comes_from(folder: Path, shipped: str) -> None:
    """Another class, another name, and of one alert it is the heavier."""
    name = f"my_{shipped}"
    runbook, _ = write_new(name, folder, source_of(shipped))
    assert "of two, the heavier weight wins" in runbook.read_text()
    module, original = sys.modules[name], sys.modules[f"runbooks.{shipped}"]
    copied = getattr(module, class_name_of(name))
    first = next(v for v in vars(original).values() if isinstance(v, type) and triggers_of(v))
    assert name_of(copied) == name
    assert [t.weight for t in triggers_of(copied)] == [t.weight + 1 for t in triggers_of(first)]
    assert passes(folder).startswith("3 passed")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("RestartCart", "is no name for a runbook"),
        ("restart-cart", "is no name for a runbook"),
        ("_restart", "is no name for a runbook"),
        ("restart__cart", "is no name for a runbook"),
        ("class", "is no name for a runbook"),
        ("test_cart", "is no name for a runbook"),
        ("conftest", "is no name for a runbook"),
        ("x" * 61, "is no name for a runbook"),
        ("queue", "the module 'queue' is there already"),
        ("worker", "the module 'worker' is there already"),
    ],
)
def test_a_name_that_cannot_be_is_refused(folder: Path, name: str, says: str) -> None:
    """Before anything is written."""
    with pytest.raises(InvalidInput, match=says):
        write_new(name, folder)
    assert list(folder.iterdir()) == []


def test_nothing_is_written_over(folder: Path) -> None:
    """Neither the runbook nor the test."""
    (folder / "test_mend_cart.py").write_text("# mine")
    with pytest.raises(InvalidInput, match=r"test_mend_cart\.py is there already"):
        write_new("mend_cart", folder)
    assert [path.name for path in folder.iterdir()] == ["test_mend_cart.py"]


def test_a_folder_that_is_not_there_is_named(folder: Path) -> None:
    """Nobody knows where it should be."""
    with pytest.raises(InvalidInput, match="there is no folder"):
        write_new("mend_cart", folder / "away")


def test_a_copy_that_cannot_be_played_leaves_nothing(folder: Path) -> None:
    """Its own remedy is told."""
    source = (
        source_of("restart_crash_loop")
        .replace("self.receipts", "")
        .replace("lines=200", "lines=200_000")
    )
    with pytest.raises(InvalidInput, match="no test can be written for it"):
        write_new("mend_cart", folder, source)
    assert [path.name for path in folder.glob("*.py")] == []


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def broken(:\n", "is no Python"),
        ("X = 1\n", "holds 0 workflow classes"),
        (
            "@workflow.defn\nclass A: ...\n@workflow.defn(name='b')\nclass B: ...\n",
            "holds 2 workflow classes",
        ),
    ],
)
def test_a_source_that_holds_no_runbook_is_refused(source: str, says: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidInput, match=says):
        renamed(source, "mine", "Mine")


def test_only_names_and_weights_change_in_a_copy() -> None:
    """Also where nothing was given, where letters are wider than a byte, and in a later use."""
    source = (
        '"""Ärger."""\n'
        "@on_alert('Ä', weight=W)\n@on_alert(\n    'B',\n)\n@workflow.defn\n"
        "class Old(Runbook):\n    def me(self) -> Old:\n        return Old(self.case)  # Old\n"
    )
    assert renamed(source, "new_one", "NewOne") == (
        '"""Ärger."""\n'
        "# The same alert as the runbook this was copied from; of two, the heavier weight wins.\n"
        "@on_alert('Ä', weight=W + 1)\n@on_alert(\n    'B', weight=1,\n)\n"
        '@workflow.defn(name="new_one")\n'
        "class NewOne(Runbook):\n    def me(self) -> NewOne:\n"
        "        return NewOne(self.case)  # Old\n"
    )


def test_a_package_of_runbooks_is_imported_by_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the shipped ones are."""
    package = folder / "team_books"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(folder))
    _, test = write_new("mend_cart", package)
    assert "from team_books.mend_cart import MendCart" in test.read_text()
