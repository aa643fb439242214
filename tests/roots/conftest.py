"""A sandbox with a breaking shop, and the command line in this process, with nothing set."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cli
from roots.programs import Done
from sandbox.server import SandboxServer

Firebreak = Callable[..., Done]


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of whoever runs the tests reaches the roots."""
    for name in [name for name in os.environ if name.startswith("FIREBREAK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(name="firebreak")
def _firebreak(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Firebreak:
    """`firebreak ARGUMENTS`, as the console script does it."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["firebreak", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return Done(int(ended.value.code or 0), told.out, told.err)

    return run


@pytest.fixture(name="sandbox", scope="module")
def _sandbox() -> Iterator[SandboxServer]:
    """A cluster of toys."""
    with SandboxServer(tokens={"sandbox": "sandbox-admin"}) as server:
        yield server


@pytest.fixture(name="kubeconfig", scope="module")
def _kubeconfig(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The way to it."""
    return sandbox.write_kubeconfig(tmp_path_factory.mktemp("cluster") / "kubeconfig")
