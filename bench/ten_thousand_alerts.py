"""How many alerts a second are durably accepted, and whether any is lost while workers die.

Alerts of as many workloads are sent as Alertmanager sends them, in batches that are repeated after
a 503, while a worker is killed (`kill -9`) and started again every few seconds. Lost is what was
accepted and has no incident in the journal at the end.
The floor is measured in the same run: bare signal-with-starts of an empty workflow on the same
Temporal, as many at once as the gateway allows itself. Nothing is asserted. How far it is goes to
standard error every few seconds.

    python -m bench.ten_thousand_alerts [--json] [--alerts N]
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from rich.table import Table
from sqlalchemy import Engine, func, select
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from bench.alerts import ALERTS_TOKEN, digest, notification, source
from bench.common import environment, options, tell, until
from devserver import Ports, dev_server, find_binary, free_port
from sandbox.server import SandboxServer
from toil.database import open_engine, upgrade
from toil.tables import AlertRow

BATCH = 50
BATCHES_AT_ONCE = 4
STARTS_AT_ONCE = 16
FLOOR_STARTS = 2000
KILL_EVERY_SECONDS = 5.0
TRIES_MAX = 100
DRAIN_SECONDS_MAX = 3600.0
TELL_EVERY_SECONDS = 10.0
NAMESPACE = "bench"
READY = "worker ready"


def policy() -> str:
    """One source; no runbook may do more than look."""
    return f"{source()}[incident]\ngather_seconds = 0\n"


def message(first: int, count: int) -> dict[str, Any]:
    """One message with alerts of so many workloads that no runbook is for."""
    alerts = []
    for number in range(first, first + count):
        alert = notification(NAMESPACE)["alerts"][0]
        labels = alert["labels"] | {"alertname": "Bench", "deployment": f"web-{number}"}
        alerts.append(alert | {"labels": labels, "fingerprint": digest(str(number))[:16]})
    return notification(NAMESPACE) | {"alerts": alerts}


class Progress:
    """How far it is: the phase, and how many alerts were accepted and have incidents."""

    def __init__(self, engine: Engine, count: int) -> None:
        self._engine = engine
        self._count = count
        self.phase = "bare starts"
        self.accepted = 0

    async def incidents(self) -> int:
        """How many alerts have an incident; the books are asked beside the loop."""
        return await asyncio.to_thread(self._incidents)

    def _incidents(self) -> int:
        with self._engine.connect() as connection:
            distinct = select(func.count(func.distinct(AlertRow.identity)))
            return int(connection.execute(distinct).scalar_one())

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """A line now and then on standard error, until the block ends."""
        telling = asyncio.create_task(self._tell())
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self) -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(TELL_EVERY_SECONDS)
            line = (
                f"{time.monotonic() - began:6.0f} s  {self.phase}: {self.accepted} of {self._count}"
                f" accepted, {await self.incidents()} with an incident"
            )
            print(line, file=sys.stderr, flush=True)


class House:
    """A gateway, and a worker that dies a few seconds after it has begun to work."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self._folder = folder
        self._settings = settings
        self.deaths = 0

    def spawn(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a process of ours; its log is in the folder."""
        with (self._folder / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", *words],
                env=self._settings,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )

    async def dying_workers(self) -> None:
        """A worker, killed and replaced every few seconds, until it is cancelled."""
        worker = self.spawn("worker")
        try:
            while True:
                await until(partial(self._is_ready, worker))
                await asyncio.sleep(KILL_EVERY_SECONDS)
                worker.kill()
                worker.wait()
                self.deaths += 1
                worker = self.spawn("worker")
        finally:
            worker.kill()
            worker.wait()

    def _is_ready(self, worker: subprocess.Popen[bytes]) -> bool:
        told = (self._folder / "worker.log").read_text()
        if worker.poll() is not None:
            raise RuntimeError(f"a worker ended by itself:\n{told[-2000:]}")
        return told.count(READY) > self.deaths


@asynccontextmanager
async def gateway(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway, once it is ready."""
    port = free_port()
    process = house.spawn("cli", "gateway", "--port", str(port))
    headers = {"Authorization": f"Bearer {ALERTS_TOKEN}"}
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as http:
        try:
            await until(lambda: _is_ready(http))
            yield http
        finally:
            process.terminate()
            process.wait(30)


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def send_all(http: httpx.AsyncClient, count: int, progress: Progress) -> tuple[float, int]:
    """Send them; alerts a second, and how often a batch had to be repeated."""
    gate, repeated = asyncio.Semaphore(BATCHES_AT_ONCE), 0

    async def send(first: int) -> None:
        nonlocal repeated
        async with gate:
            for _ in range(TRIES_MAX):
                body = message(first, min(BATCH, count - first))
                answer = await http.post("/alerts/alertmanager", json=body)
                if answer.status_code == httpx.codes.ACCEPTED:
                    progress.accepted += len(body["alerts"])
                    return
                repeated += 1
            answer.raise_for_status()

    began = time.perf_counter()
    await asyncio.gather(*(send(first) for first in range(0, count, BATCH)))
    return count / (time.perf_counter() - began), repeated


async def bare_starts(address: str) -> float:
    """Signal-with-starts a second of a workflow that nobody serves."""
    client, gate = await Client.connect(address), asyncio.Semaphore(STARTS_AT_ONCE)

    async def start(number: int) -> None:
        words: dict[str, Any] = {
            "id": f"bare-{number}",
            "task_queue": "bare",
            "start_signal": "alert",
            "start_signal_args": [{"number": number}],
            "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING,
        }
        async with gate:
            await client.start_workflow("Bare", {"number": number}, **words)

    began = time.perf_counter()
    await asyncio.gather(*(start(number) for number in range(FLOOR_STARTS)))
    return FLOOR_STARTS / (time.perf_counter() - began)


async def run(folder: Path, sandbox: SandboxServer, count: int) -> dict[str, Any]:
    """The floor, then the alerts under fire, then the wait for the last incident."""
    binary = await find_binary(None, folder)
    ports = Ports(free_port(), free_port())
    (folder / "firebreak.toml").write_text(policy())
    database = f"sqlite:///{folder / 'books.db'}"
    engine = open_engine(database)
    upgrade(engine)
    progress = Progress(engine, count)
    async with dev_server(binary, folder / "temporal.db", ports) as server, progress.told():
        floor = await bare_starts(server.address)
        house = House(folder, _settings(folder, server.address, database, sandbox))
        under_fire = await _under_fire(house, count, progress)
    engine.dispose()
    rate = under_fire["accepted_per_second"]
    return {
        "alerts": count,
        "bare_starts_per_second": round(floor, 1),
        "ratio": round(floor / rate, 2),
        "workers_killed": house.deaths,
        **under_fire,
    }


async def _under_fire(house: House, count: int, progress: Progress) -> dict[str, Any]:
    """Send all while workers die, and wait until each alert has an incident, or none lives."""
    dying = asyncio.create_task(house.dying_workers())
    async with gateway(house) as http:
        progress.phase = "sending"
        rate, repeated = await send_all(http, count, progress)
    began = time.perf_counter()
    progress.phase = "waiting for incidents"
    found = await _drained(progress, count, dying)
    seconds = time.perf_counter() - began
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    if not dying.cancelled():
        dying.result()
    return {
        "accepted_per_second": round(rate, 1),
        "batches_repeated": repeated,
        "lost": count - found,
        "seconds_until_all_had_incidents": round(seconds, 1),
    }


async def _drained(progress: Progress, count: int, dying: "asyncio.Task[None]") -> int:
    """How many alerts have an incident, once all have, time is up, or no worker lives."""
    deadline = time.monotonic() + DRAIN_SECONDS_MAX
    found = 0
    while found < count and time.monotonic() < deadline and not dying.done():
        found = await progress.incidents()
        await asyncio.sleep(1.0)
    return found


def _settings(folder: Path, address: str, database: str, sandbox: SandboxServer) -> dict[str, str]:
    return environment(
        FIREBREAK_TEMPORAL_ADDRESS=address,
        FIREBREAK_DATABASE_URL=database,
        FIREBREAK_CONFIG=str(folder / "firebreak.toml"),
        FIREBREAK_KUBECONFIG=str(sandbox.write_kubeconfig(folder / "kubeconfig")),
        FIREBREAK_STATE=str(folder),
    )


def _table(result: dict[str, Any]) -> Table:
    table = Table("", "", title="Alerts while workers die", title_justify="left")
    for name, value in result.items():
        table.add_row(name.replace("_", " "), str(value))
    return table


def main() -> None:
    """Run it once and print."""
    parser = options(__doc__)
    parser.add_argument("--alerts", type=int, default=10_000)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="firebreak-bench-") as folder, SandboxServer() as sandbox:
        result = asyncio.run(run(Path(folder), sandbox, given.alerts))
    tell(result, _table(result), as_json=given.json)


if __name__ == "__main__":
    main()
