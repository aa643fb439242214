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

from tools.controlplane.owned import ROOT, control_plane
from tools.controlplane.processes import EndedError

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


def serve(folder: Path) -> "subprocess.Popen[str]":
    """What `control_plane` starts."""
    return subprocess.Popen(
        [sys.executable, "-m", "tools.controlplane", "serve", "--state", str(folder / "s")],
        cwd=ROOT,
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
