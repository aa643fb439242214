"""A sandbox with a breaking shop, and the command line in this process, with nothing set."""

import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from gateway_fakes import RUN, WORKFLOW, FakeTemporal, agreed, approval, make_doors, open_incident

import cli
from demo import POLICY_FILE
from devserver import DevServer, Ports, find_binary, free_port
from gateway.app import build_app
from gateway.doors import Doors
from roots.programs import Done, until
from sandbox.server import SandboxServer
from stack import listening, web_config
from toil.database import open_engine, upgrade

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


@pytest.fixture(name="temporal_fake")
def _temporal_fake() -> FakeTemporal:
    """The workflows of one incident that waits for a decision."""
    fake = FakeTemporal()
    fake.running |= {WORKFLOW, RUN}
    fake.answers["decide"] = agreed
    return fake


@pytest.fixture(name="doors")
def _doors(tmp_path: Path, temporal_fake: FakeTemporal) -> Iterator[Doors]:
    engine = open_engine(f"sqlite:///{tmp_path / 'books.db'}")
    upgrade(engine)
    doors = make_doors(engine, temporal_fake)
    open_incident(doors.journal, asked=approval())
    yield doors
    engine.dispose()


@pytest.fixture(name="url")
def _url(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The gateway on a real port, and Ana's token in the environment."""
    server = uvicorn.Server(web_config(build_app(doors)))
    with listening("127.0.0.1", 0) as bound:
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        until(lambda: server.started)
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.setenv("FIREBREAK_URL", url)
        monkeypatch.setenv("FIREBREAK_TOKEN", "token-ana")
        yield url
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive()


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="address")
async def _address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A Temporal for the workers of this file."""
    folder = tmp_path_factory.mktemp("temporal")
    binary = await find_binary(None, folder)
    server = DevServer(binary, folder / "temporal.db", Ports(free_port(), free_port()))
    await server.start()
    yield server.address
    server.stop()


@pytest.fixture(name="settings")
def _settings(tmp_path: Path, kubeconfig: Path, address: str) -> dict[str, str]:
    """Everything that a worker needs, and books at the newest schema."""
    database = f"sqlite:///{tmp_path / 'books.db'}"
    engine = open_engine(database)
    upgrade(engine)
    engine.dispose()
    return {
        "FIREBREAK_CONFIG": str(POLICY_FILE),
        "FIREBREAK_DATABASE_URL": database,
        "FIREBREAK_KUBECONFIG": str(kubeconfig),
        "FIREBREAK_TEMPORAL_ADDRESS": address,
    }
