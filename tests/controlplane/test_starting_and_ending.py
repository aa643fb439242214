"""A control plane belongs to whoever started it: on free ports, and no longer than its owner."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from roots.programs import children

from tools.controlplane.owned import ROOT, control_plane
from tools.controlplane.processes import EndedError, start

OWNER = """
import sys, threading
from tools.controlplane.owned import control_plane
with control_plane() as endpoint:
    print(*endpoint.pids.values(), flush=True)
    threading.Event().wait(60)
"""
END_SECONDS_MAX = 15.0
COMPONENTS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}

pytestmark = pytest.mark.usefixtures("binaries")


def lives(pid: int) -> bool:
    """Whether the process runs; one that waits to be buried does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_until_gone(pids: list[int]) -> None:
    """Fails when one of them still runs after END_SECONDS_MAX."""
    deadline = time.monotonic() + END_SECONDS_MAX
    while left := [pid for pid in pids if lives(pid)]:
        assert time.monotonic() < deadline, f"{left} still run"
        threading.Event().wait(0.05)


def test_it_ends_with_its_block_and_leaves_no_file() -> None:
    """Two may run at once, since every port was free."""
    with control_plane() as endpoint:
        assert set(endpoint.pids) == COMPONENTS
        folder = Path(endpoint.kubeconfig).parent
        assert folder.stat().st_mode & 0o777 == 0o700
        assert Path(endpoint.kubeconfig).stat().st_mode & 0o777 == 0o600
    wait_until_gone([*endpoint.pids.values()])
    assert not folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
def test_a_killed_owner_leaves_no_process() -> None:
    """SIGKILL gives nobody the time to clean up; the pipe that closes does it."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        assert len(pids) == len(COMPONENTS)
        assert all(map(lives, pids))
        owner.kill()
    wait_until_gone(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills children with their parent")
def test_a_killed_server_takes_its_components_along(tmp_path: Path) -> None:
    """The kernel ends them, since there is nobody left who could."""
    with serve(tmp_path) as serving:
        pids = [*ready(serving)["pids"].values()]
        serving.kill()
    wait_until_gone(pids)


def test_a_component_that_ends_ends_all_and_is_named(tmp_path: Path) -> None:
    """A control plane without its database must not look alive."""
    with serve(tmp_path) as serving:
        pids = ready(serving)["pids"]
        os.kill(pids["etcd"], signal.SIGKILL)
        assert serving.wait(END_SECONDS_MAX) == 1
        assert serving.stderr is not None
        assert "etcd ended with code -9" in serving.stderr.read()
    wait_until_gone([*pids.values()])


def test_a_state_folder_is_taken_up_again(tmp_path: Path) -> None:
    """What was created is there after a restart; the ports and the tokens are new."""
    state = tmp_path / "s"
    with control_plane(state) as endpoint:
        made = _kubectl(endpoint, "create", "namespace", "kept")
        assert made.returncode == 0, made.stderr
    with control_plane(state) as again:
        assert again.tokens != endpoint.tokens
        assert _kubectl(again, "get", "namespace", "kept").returncode == 0
        assert _kubectl(again, "get", "nodes").stdout.count(" Ready ") == 3


def test_a_folder_with_too_long_a_path_is_refused(tmp_path: Path) -> None:
    """A socket's path has a limit, which etcd would report in its own words."""
    with (
        pytest.raises(EndedError, match="name a shorter folder"),
        control_plane(tmp_path / ("long" * 30)),
    ):
        pass


def test_a_second_one_leaves_the_first_alone_and_says_whose_it_is(tmp_path: Path) -> None:
    """With its pid and its kubeconfig; once the first is killed, the folder is free."""
    with serve(tmp_path) as first:
        endpoint = ready(first)
        before = contents(tmp_path / "s")
        with serve(tmp_path, "up") as second:
            out, err = second.communicate(timeout=END_SECONDS_MAX)
        assert (second.returncode, out) == (1, "")
        assert f"in use by pid {first.pid}: kubeconfig {endpoint['kubeconfig']}" in err
        assert contents(tmp_path / "s") == before
        assert first.poll() is None
        assert all(map(lives, endpoint["pids"].values()))
        first.kill()
    wait_until_gone([*endpoint["pids"].values()])
    with serve(tmp_path) as again:
        assert ready(again)["kubeconfig"] == endpoint["kubeconfig"]
        again.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills children with their parent")
def test_the_folder_of_a_killed_one_is_removed_by_the_next(tmp_path: Path) -> None:
    """Without --state nobody keeps it, and it is big."""
    with serve(tmp_path, state=None) as first:
        endpoint = ready(first)
        first.kill()
    wait_until_gone([*endpoint["pids"].values()])
    left = Path(endpoint["kubeconfig"]).parent
    assert left.is_dir()
    with serve(tmp_path, state=None) as second:
        now = Path(ready(second)["kubeconfig"]).parent
        assert [*tmp_path.glob("firebreak-cp-*")] == [now]
        second.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_one_that_make_started_ends_with_it(tmp_path: Path) -> None:
    """Killed, `make` cannot pass anything on."""
    command = [sys.executable, "-m", "tools.controlplane", "up", "--with-parent"]
    script = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", script, *command, "--state", str(tmp_path / "s")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as make:
        assert make.stdout is not None
        assert any("Ctrl-C ends it" in line for line in make.stdout)
        (serving,) = children(make.pid)
        pids = [serving, *children(serving)]
        assert len(pids) == 1 + len(COMPONENTS)
        make.kill()
    wait_until_gone(pids)


def test_a_log_that_is_begun_anew_has_no_hole(tmp_path: Path) -> None:
    """Somebody who still writes to the old one would leave NUL bytes in it."""
    with (tmp_path / "echo.log").open("wb") as old:
        old.write(b"x" * 1000)
        old.flush()
        new = start("echo", ["echo", "hello"], tmp_path)
        new.process.wait(END_SECONDS_MAX)
        old.write(b"y")
    assert new.log.read_bytes() == b"hello\n"


def contents(folder: Path) -> dict[str, bytes]:
    """The files that a start writes."""
    names = ("tokens.csv", "kubeconfig", "kwok.yaml", "sa.key", "owner.lock")
    return {name: (folder / name).read_bytes() for name in names}


def serve(
    folder: Path, command: str = "serve", *, state: str | None = "s"
) -> "subprocess.Popen[str]":
    """What `control_plane` starts; temporary folders lie in `folder`."""
    words = ["--state", str(folder / state)] if state else []
    return subprocess.Popen(
        [sys.executable, "-m", "tools.controlplane", command, *words],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ready(serving: "subprocess.Popen[str]") -> dict[str, Any]:
    """The line that says that all is ready."""
    assert serving.stdout is not None
    found: dict[str, Any] = json.loads(serving.stdout.readline())
    return found


def _kubectl(endpoint: Any, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [*endpoint.kubectl, "--kubeconfig", endpoint.kubeconfig, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
