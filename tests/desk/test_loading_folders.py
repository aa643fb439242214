"""A team's own folders: what is served, what is named and skipped, and what refuses the start."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import runbooks
from contracts.errors import InvalidInput
from workflows.authoring import folders
from workflows.authoring.folders import Loaded, load

GOOD = '''\
"""Restart the payment worker."""

from temporalio import workflow

from contracts import Case, Outcome
from contracts.kubernetes import RolloutHealthy, RolloutRestart
from workflows import Runbook, on_alert


@on_alert("PaymentsStuck")
@workflow.defn(name="NAME")
class Restart(Runbook):
    """Once."""

    @workflow.run
    async def run(self, case: Case) -> Outcome:
        """Restart, verify."""
        await self.act(RolloutRestart(target=case.target))
        if await self.verify(RolloutHealthy(target=case.target)):
            return Outcome(status="resolved", summary="well")
        return Outcome(status="escalated", summary="still sick")
'''

Write = Callable[..., Path]
SHIPPED = {found.name for found in load(runbooks).runbooks}


def good(name: str) -> str:
    """A runbook without a fault."""
    return GOOD.replace("NAME", name)


def names(loaded: Loaded) -> set[str]:
    """What is served besides what ships."""
    return {found.name for found in loaded.runbooks} - SHIPPED


@pytest.fixture(name="write")
def _write(tmp_path: Path) -> Iterator[Write]:
    """Write files into a folder of the test; Python's path and modules are as before afterwards."""
    path, modules = list(sys.path), set(sys.modules)

    def written(folder: str = "team", **files: str) -> Path:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for stem, text in files.items():
            (place / f"{stem}.py").write_text(text)
        return place

    yield written
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_the_runbooks_that_ship_have_no_fault() -> None:
    """Whatever a team adds, these are there."""
    loaded = load(runbooks)

    assert loaded.faults == ()
    assert {"restart_crash_loop", "rollback_deployment"} <= {f.name for f in loaded.runbooks}
    assert all(found.shipped for found in loaded.runbooks)


def test_a_teams_folder_is_served_beside_them(write: Write) -> None:
    """Under the name of its workflow, not of its file."""
    loaded = load(runbooks, [write(fld_restart=good("restart_payments"))])

    assert names(loaded) == {"restart_payments"}
    assert [f.shipped for f in loaded.runbooks if f.name == "restart_payments"] == [False]


def test_helpers_and_tests_are_no_runbooks(write: Write) -> None:
    """A file that begins with `_` is imported by others, and a test by pytest."""
    folder = write(
        _fld_words='WORD = "restart_with_help"\n',
        fld_helped=good("restart_with_help").replace(
            "from workflows", "from _fld_words import WORD as WORD\nfrom workflows"
        ),
        test_fld_helped="raise RuntimeError\n",
        conftest="raise RuntimeError\n",
    )

    loaded = load(runbooks, [folder])

    assert loaded.faults == ()
    assert names(loaded) == {"restart_with_help"}


@pytest.mark.parametrize(
    ("bad", "line", "said"),
    [
        ("def\n", 1, "does not parse"),
        (
            good("x").replace('"""Once."""', '"""Once."""\n\n    size: int = 1 // 0'),
            15,
            "ZeroDivision",
        ),
        (good("x") + "\nraise SystemExit(3)\n", 23, "when the worker loads"),
        (good("x").replace("RolloutHealthy, R", "RolloutHealed, R", 1), 6, "RolloutHealed"),
        (good("x") + '\nBIG = int("ten")\n', 23, "ValueError: invalid literal"),
    ],
)
def test_a_bad_file_is_named_and_stops_no_other(
    write: Write, request: pytest.FixtureRequest, bad: str, line: int, said: str
) -> None:
    """With the line of the author's own file, whatever it raises."""
    stem = f"fld_bad_{len(request.node.name)}_{line}"
    loaded = load(runbooks, [write(**{stem: bad, f"{stem}_not": good("the_good_one")})])

    assert names(loaded) == {"the_good_one"}
    assert {(f.path.stem, f.line) for f in loaded.faults} == {(stem, line)}
    assert any(said in fault.reason for fault in loaded.faults)


@pytest.mark.parametrize(("stem", "owner"), [("queue", "queue.py"), ("worker", "worker.py")])
def test_a_file_whose_name_is_taken_is_told_by_whom(write: Write, stem: str, owner: str) -> None:
    """Importing it would give another module: the folder comes last on the path."""
    loaded = load(runbooks, [write(**{stem: good("restart_payments")})])

    assert names(loaded) == set()
    assert owner in loaded.faults[0].reason
    assert "Rename the file" in loaded.faults[0].remedy


def test_a_file_of_the_same_name_in_two_folders_is_served_once(write: Write) -> None:
    """The folder that is named first has it; the second file is told about the first."""
    first, second = write("one", fld_same=good("first")), write("two", fld_same=good("second"))

    loaded = load(runbooks, [first, second])

    assert names(loaded) == {"first"}
    assert str(first / "fld_same.py") in loaded.faults[0].reason


def test_a_name_that_stands_twice_refuses_the_start(write: Write) -> None:
    """Nobody could say which of them an approval was for."""
    loaded = load(runbooks, [write(fld_one=good("twin"), fld_two=good("twin"))])

    with pytest.raises(InvalidInput, match="twin") as refused:
        loaded.require_unique()
    assert "fld_one.py" in refused.value.message
    assert "fld_two.py" in refused.value.message


def test_a_name_that_ships_cannot_be_taken_over(write: Write) -> None:
    """A policy that allows it much was written for the one that ships."""
    loaded = load(runbooks, [write(fld_mine=good("restart_crash_loop"))])

    with pytest.raises(InvalidInput, match="restart_crash_loop"):
        loaded.require_unique()


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A typing error in FIREBREAK_RUNBOOKS must not look like a team without runbooks."""
    with pytest.raises(InvalidInput, match="no folder"):
        load(runbooks, [tmp_path / "nowhere"])


def test_what_cannot_be_read_is_named_and_stops_no_other(write: Write) -> None:
    """A dangling link, a folder of that name, a pipe that nobody writes to, another encoding."""
    folder = write(fld_still_good=good("still_good"))
    (folder / "fld_link.py").symlink_to(folder / "nowhere")
    (folder / "_fld_folder.py").mkdir()
    os.mkfifo(folder / "fld_pipe.py")
    (folder / "fld_latin.py").write_bytes('"""é"""'.encode("latin-1"))
    (folder / ".#fld_lock.py").symlink_to("somebody@somewhere")

    loaded = load(runbooks, [folder])

    bad = {fault.path.name for fault in loaded.faults}
    assert bad == {"fld_link.py", "_fld_folder.py", "fld_pipe.py", "fld_latin.py"}
    assert names(loaded) == {"still_good"}
    assert all(found.commands for found in loaded.runbooks)


@pytest.mark.parametrize(
    "raised",
    ["GeneratorExit()", "type('Mine', (BaseException,), {})()", "_Unsayable()"],
)
def test_whatever_an_import_raises_is_a_fault(
    write: Write, monkeypatch: pytest.MonkeyPatch, raised: str
) -> None:
    """Foreign code may raise anything; an error's own text may raise, too."""
    monkeypatch.setattr(folders, "check_source", lambda _path, _text: [])
    stem = f"fld_raises_{len(raised)}"
    unsayable = "class _Unsayable(Exception):\n    def __str__(self):\n        raise OSError\n"
    files = {stem: f"{unsayable}raise {raised}\n", f"{stem}_not": good("another")}

    loaded = load(runbooks, [write(**files)])

    assert names(loaded) == {"another"}
    assert [(fault.path.stem, fault.line) for fault in loaded.faults] == [(stem, 4)]


def test_a_runbook_is_no_better_than_its_helper(write: Write) -> None:
    """What it imports runs inside it."""
    helper = "import time\n\n\nWORD = time.time()\n"
    text = good("badly_helped").replace(
        "from workflows", "from _fld_bad import WORD\nfrom workflows"
    )
    folder = write(_fld_bad=helper, fld_badly=text, fld_alone=good("alone"))

    loaded = load(runbooks, [folder])

    assert names(loaded) == {"alone"}
    assert "its helper _fld_bad.py has a fault" in {fault.reason for fault in loaded.faults}


def test_a_helper_of_one_name_in_two_folders_is_the_first_one_s(write: Write) -> None:
    """What was checked in the second would not be what runs."""
    helped = "from _fld_twice import WORD as WORD\nfrom workflows"
    one = write("one", _fld_twice='WORD = "one"\n')
    text = good("second_helped").replace("from workflows", helped)
    two = write("two", _fld_twice='WORD = "two"\n', fld_second_helped=text)

    loaded = load(runbooks, [one, two])

    assert names(loaded) == set()
    assert [fault.path.parent.name for fault in loaded.faults] == ["two", "two"]


def test_a_secret_in_what_a_file_raises_is_not_told(write: Write) -> None:
    """Faults are logged, shown on pages and posted."""
    bad = good("x") + '\nSIZE = int("password=hunter2-secret")\n'
    loaded = load(runbooks, [write(fld_secret=bad)])

    assert "hunter2" not in str(loaded.faults[0])
