"""How long a worker takes to start with 200 runbooks, as a ratio to one with those that ship.

The floor is a worker with the runbooks that ship and one more, started in the same run, by turns,
against the same Temporal, database and cluster. Nothing is asserted.

    python -m bench.many_runbooks [--json] [--runs N]
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.table import Table

import runbooks
from bench.common import ROOT, environment, options, tell
from devserver import Ports, dev_server, find_binary, free_port
from sandbox.server import SandboxServer
from toil.database import open_engine, upgrade
from workflows.authoring.folders import files_of

MODEL = Path(runbooks.__file__ or "").with_name("restart_crash_loop.py")
SHIPPED = len(files_of(MODEL.parent))
FEW, MANY = 1, 200 - SHIPPED
READY = "worker ready"
STOP_SECONDS_MAX = 60.0


def write_runbooks(folder: Path, count: int) -> Path:
    """So many runbooks, each with a name, a class and an alert of its own."""
    folder.mkdir()
    text = MODEL.read_text()
    for number in range(count):
        own = text.replace("restart_crash_loop", f"many_{number}")
        own = own.replace("RestartCrashLoop", f"Many{number}")
        own = own.replace("KubePodCrashLooping", f"Many{number}")
        (folder / f"many_{number}.py").write_text(own)
    return folder


def start_seconds(settings: Mapping[str, str]) -> float:
    """From the start of the process to the line that says that it takes work."""
    began = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, ROOT / "worker.py"],
        env=dict(settings),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        told: list[str] = []
        for line in process.stderr:
            told.append(line)
            if READY in line:
                break
        seconds = time.perf_counter() - began
        process.terminate()
        process.communicate(timeout=STOP_SECONDS_MAX)
    if READY not in told[-1]:
        raise RuntimeError("".join(told))
    return seconds


async def measure(runs: int) -> dict[int, list[float]]:
    """Seconds by how many runbooks there were."""
    with TemporaryDirectory(prefix="firebreak-bench-") as place, SandboxServer() as sandbox:
        folder = Path(place)
        kubeconfig = sandbox.write_kubeconfig(folder / "kubeconfig")
        url = f"sqlite:///{folder / 'books.db'}"
        engine = open_engine(url)
        upgrade(engine)
        engine.dispose()
        binary = await find_binary(None, folder / "bin")
        ports = Ports(free_port(), free_port())
        folders = {n + SHIPPED: write_runbooks(folder / f"many-{n}", n) for n in (FEW, MANY)}
        found: dict[int, list[float]] = {count: [] for count in folders}
        async with dev_server(binary, folder / "temporal.db", ports) as server:
            common = environment(
                FIREBREAK_TEMPORAL_ADDRESS=server.address,
                FIREBREAK_DATABASE_URL=url,
                FIREBREAK_KUBECONFIG=str(kubeconfig),
                FIREBREAK_CONFIG=str(ROOT / "deploy" / "demo.toml"),
            )
            for _ in range(runs + 1):
                for count, place_of in folders.items():
                    given = common | {"FIREBREAK_RUNBOOKS": str(place_of)}
                    found[count].append(await asyncio.to_thread(start_seconds, given))
    # The first of each compiles bytecode and warms the disk.
    return {count: seconds[1:] for count, seconds in found.items()}


def _table(result: Mapping[str, Any]) -> Table:
    table = Table(
        title="From the start of the process to `worker ready`",
        caption=f"ratio {result['ratio']:.2f}",
    )
    for column in ("runbooks", "median s", "fastest s", "slowest s"):
        table.add_column(column, justify="right")
    for count, seconds in result["seconds"].items():
        figures = (result["medians"][count], min(seconds), max(seconds))
        table.add_row(str(count), *(f"{figure:.2f}" for figure in figures))
    return table


def main() -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--runs", type=int, default=5, help="starts of each kind")
    given = parser.parse_args()
    found = asyncio.run(measure(given.runs))
    medians = {count: statistics.median(seconds) for count, seconds in found.items()}
    ratio = medians[max(medians)] / medians[min(medians)]
    result = {"seconds": found, "medians": medians, "ratio": ratio}
    tell(result, _table(result), as_json=given.json)


if __name__ == "__main__":
    main()
