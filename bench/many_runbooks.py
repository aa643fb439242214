"""How long a worker takes to start with 200 runbooks, as a ratio to one with three.

The floor is a worker with the two runbooks that ship and one more, started in the same run, by
turns, against the same Temporal, database and cluster. Nothing is asserted.

    python bench/many_runbooks.py [--json] [--runs N]
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

import runbooks
from devserver import Ports, dev_server, find_binary, free_port
from sandbox.server import SandboxServer
from toil.database import open_engine, upgrade

ROOT = Path(__file__).resolve().parent.parent
MODEL = Path(runbooks.__file__ or "").with_name("restart_crash_loop.py")
FEW, MANY = 1, 198
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


def start_seconds(environment: Mapping[str, str]) -> float:
    """From the start of the process to the line that says that it takes work."""
    began = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, ROOT / "worker.py"],
        env=dict(environment),
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
        folders = {n + 2: write_runbooks(folder / f"many-{n}", n) for n in (FEW, MANY)}
        found: dict[int, list[float]] = {count: [] for count in folders}
        async with dev_server(binary, folder / "temporal.db", ports) as server:
            common = os.environ | {
                "FIREBREAK_TEMPORAL_ADDRESS": server.address,
                "FIREBREAK_DATABASE_URL": url,
                "FIREBREAK_KUBECONFIG": str(kubeconfig),
                "FIREBREAK_CONFIG": str(ROOT / "deploy" / "demo.toml"),
            }
            for _ in range(runs + 1):
                for count, place_of in folders.items():
                    given = common | {"FIREBREAK_RUNBOOKS": str(place_of)}
                    found[count].append(await asyncio.to_thread(start_seconds, given))
    # The first of each compiles bytecode and warms the disk.
    return {count: seconds[1:] for count, seconds in found.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    found = asyncio.run(measure(given.runs))
    medians = {count: statistics.median(seconds) for count, seconds in found.items()}
    ratio = medians[max(medians)] / medians[min(medians)]
    if given.json:
        print(json.dumps({"seconds": found, "medians": medians, "ratio": ratio}))
        return
    table = Table(title="From the start of the process to `worker ready`")
    for column in ("runbooks", "median s", "fastest s", "slowest s"):
        table.add_column(column, justify="right")
    for count, seconds in found.items():
        figures = (medians[count], min(seconds), max(seconds))
        table.add_row(str(count), *(f"{figure:.2f}" for figure in figures))
    Console().print(table, f"ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
