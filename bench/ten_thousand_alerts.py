"""How many alerts a second are durably accepted, and whether any is lost while workers die.

Alerts of as many workloads are sent as Alertmanager sends them, in batches that are repeated after
a 503, while a worker is killed (`kill -9`) and started again every few seconds. Lost is what was
accepted and has no incident in the journal at the end.
The floor is measured in the same run: bare signal-with-starts of an empty workflow on the same
Temporal, as many at once as the gateway allows itself. Nothing is asserted.

    python bench/ten_thousand_alerts.py [--json] [--alerts N]
"""

import argparse
import asyncio
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from alert_to_write import TOKEN, notification, until
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, func, select
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from devserver import Ports, dev_server, find_binary, free_port
from sandbox.server import SandboxServer
from toil.database import open_engine, upgrade
from toil.tables import AlertRow

ROOT = Path(__file__).resolve().parent.parent
BATCH = 50
BATCHES_AT_ONCE = 4
STARTS_AT_ONCE = 16
FLOOR_STARTS = 2000
KILL_EVERY_SECONDS = 5.0
TRIES_MAX = 100
DRAIN_SECONDS_MAX = 3600.0
NAMESPACE = "bench"
READY = "worker ready"


def policy() -> str:
    """One source; no runbook may do more than look."""
    digest = hashlib.sha256(f"{TOKEN}-alerts".encode()).hexdigest()
    return f"""
clusters = ["default"]
[[sources]]
name = "bench"
kind = "alertmanager"
cluster = "default"
token_sha256 = ["{digest}"]
[incident]
gather_seconds = 0
"""


def message(first: int, count: int) -> dict[str, Any]:
    """One message with alerts of so many workloads that no runbook is for."""
    alerts = []
    for number in range(first, first + count):
        alert = notification(NAMESPACE)["alerts"][0]
        labels = alert["labels"] | {"alertname": "Bench", "deployment": f"web-{number}"}
        print_ = hashlib.sha256(str(number).encode()).hexdigest()[:16]
        alerts.append(alert | {"labels": labels, "fingerprint": print_})
    return notification(NAMESPACE) | {"alerts": alerts}


class House:
    """A gateway, and a worker that dies a few seconds after it has begun to work."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self.deaths = 0

    def spawn(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a process of ours; its log is in the folder."""
        with (self._folder / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", *words],
                env=self._environment,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )

    async def dying_workers(self, stop: asyncio.Event) -> None:
        """A worker, killed and replaced until `stop`; the last one is left to finish the work."""
        worker = self.spawn("worker")
        try:
            while not stop.is_set():
                await until(lambda worker=worker: stop.is_set() or self._is_ready(worker))
                try:
                    await asyncio.wait_for(stop.wait(), KILL_EVERY_SECONDS)
                except TimeoutError:
                    worker.kill()
                    worker.wait()
                    self.deaths += 1
                    worker = self.spawn("worker")
            await asyncio.Event().wait()
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
    headers = {"Authorization": f"Bearer {TOKEN}-alerts"}
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


async def send_all(http: httpx.AsyncClient, count: int) -> tuple[float, int]:
    """Send them; alerts a second, and how often a batch had to be repeated."""
    gate, repeated = asyncio.Semaphore(BATCHES_AT_ONCE), 0

    async def send(first: int) -> None:
        nonlocal repeated
        async with gate:
            for _ in range(TRIES_MAX):
                body = message(first, min(BATCH, count - first))
                answer = await http.post("/alerts/alertmanager", json=body)
                if answer.status_code == httpx.codes.ACCEPTED:
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
    async with dev_server(binary, folder / "temporal.db", ports) as server:
        floor = await bare_starts(server.address)
        house = House(folder, _environment(folder, server.address, database, sandbox))
        stop = asyncio.Event()
        dying = asyncio.create_task(house.dying_workers(stop))
        async with gateway(house) as http:
            rate, repeated = await send_all(http, count)
        began = time.perf_counter()
        found = await _drained(engine, count, dying)
        stop.set()
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
    engine.dispose()
    _raise_unless_cancelled(dying)
    return {
        "alerts": count,
        "accepted_per_second": round(rate, 1),
        "bare_starts_per_second": round(floor, 1),
        "ratio": round(floor / rate, 2),
        "batches_repeated": repeated,
        "workers_killed": house.deaths,
        "lost": count - found,
        "seconds_until_all_had_incidents": round(time.perf_counter() - began, 1),
    }


def _environment(
    folder: Path, address: str, database: str, sandbox: SandboxServer
) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FIREBREAK_")}
    return kept | {
        "FIREBREAK_TEMPORAL_ADDRESS": address,
        "FIREBREAK_DATABASE_URL": database,
        "FIREBREAK_CONFIG": str(folder / "firebreak.toml"),
        "FIREBREAK_KUBECONFIG": str(sandbox.write_kubeconfig(folder / "kubeconfig")),
        "FIREBREAK_STATE": str(folder),
        "PYTHONPATH": str(ROOT),
    }


def _raise_unless_cancelled(dying: "asyncio.Task[None]") -> None:
    if not dying.cancelled():
        dying.result()


async def _drained(engine: Engine, count: int, dying: "asyncio.Task[None]") -> int:
    """How many alerts have an incident, once all have, time is up, or no worker lives."""
    deadline = time.monotonic() + DRAIN_SECONDS_MAX
    found = 0
    while found < count and time.monotonic() < deadline and not dying.done():
        with engine.connect() as connection:
            distinct = select(func.count(func.distinct(AlertRow.identity)))
            found = int(connection.execute(distinct).scalar_one())
        await asyncio.sleep(1.0)
    return found


def _table(result: dict[str, Any]) -> Table:
    table = Table("", "", title="Alerts while workers die", title_justify="left")
    for name, value in result.items():
        table.add_row(name.replace("_", " "), str(value))
    return table


def main() -> None:
    """Run it once and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--alerts", type=int, default=10_000)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="firebreak-bench-") as folder, SandboxServer() as sandbox:
        result = asyncio.run(run(Path(folder), sandbox, given.alerts))
    if given.json:
        print(json.dumps(result))
    else:
        Console().print(_table(result))


if __name__ == "__main__":
    main()
