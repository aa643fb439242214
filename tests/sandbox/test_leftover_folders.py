"""A temporary folder goes with its owner, however that ends; a folder in use is left alone."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from roots.programs import clean_environment

from sandbox.holding import OWNER, InUseError, held, remove_leftovers, temporary_folder

PREFIX = "firebreak-test-"
HOLDS = """
import sys, threading
from pathlib import Path
from sandbox.holding import held, temporary_folder
with (temporary_folder(sys.argv[1]) if len(sys.argv) == 2 else held(Path(sys.argv[2]))) as folder:
    if folder:
        (folder / "big").mkdir()
        (folder / "big" / "file").write_text("x" * 1000)
    print(folder, flush=True)
    threading.Event().wait(60)
"""


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's real temporary folders are looked at."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


class Holder:
    """Another process that holds a folder, until it is killed."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDS, *words],
            env=clean_environment(folder),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.folder = Path(self.process.stdout.readline().strip())

    def kill(self) -> None:
        """As `kill -9`."""
        self.process.kill()
        self.process.communicate()


def test_a_folder_is_gone_with_its_block() -> None:
    """With all that was put into it."""
    with temporary_folder(PREFIX) as folder:
        (folder / "deep" / "er").mkdir(parents=True)
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_what_a_killed_owner_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """It is not touched while its owner lives, and is gone once somebody begins afterwards."""
    other = Holder(tmp_path, PREFIX)
    try:
        with temporary_folder(PREFIX):
            assert (other.folder / "big" / "file").exists()
    finally:
        other.kill()
    assert other.folder.exists()
    with temporary_folder(PREFIX) as mine:
        assert list(tmp_path.glob(f"{PREFIX}*")) == [mine]


def test_only_folders_of_the_kind_are_removed(tmp_path: Path) -> None:
    """Not of another prefix, not one that names no owner, and nothing behind a link."""
    elsewhere, link = tmp_path / "elsewhere", tmp_path / f"{PREFIX}link"
    for folder in (elsewhere, tmp_path / "other-prefix", tmp_path / f"{PREFIX}no-owner"):
        folder.mkdir()
        (folder / "kept").touch()
    for folder in (elsewhere, tmp_path / "other-prefix"):
        (folder / OWNER).touch()
    link.symlink_to(elsewhere)
    assert remove_leftovers(PREFIX) == ()
    assert sorted(p.parent.name for p in tmp_path.glob("*/kept")) == sorted(
        ["elsewhere", f"{PREFIX}link", f"{PREFIX}no-owner", "other-prefix"]
    )


def test_a_folder_in_use_names_its_owner_and_a_kill_frees_it(tmp_path: Path) -> None:
    """A folder that is kept, such as a control plane's."""
    other = Holder(tmp_path, "", str(tmp_path))
    try:
        with pytest.raises(InUseError) as refused, held(tmp_path):
            pass
    finally:
        other.kill()
    assert refused.value.pid == str(other.process.pid)
    with held(tmp_path), pytest.raises(InUseError), held(tmp_path):
        pass
    with held(tmp_path):
        pass
