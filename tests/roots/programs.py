"""Firebreak's own programs as child processes: a clean environment, and a bound on every wait.

Each is ended by its own pid. Nothing here looks inside a program: what it prints, how it ends and
what it leaves behind are the facts.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

T = TypeVar("T")

REPOSITORY = Path(__file__).parents[2]
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 10.0
_POLL_SECONDS = 0.05


class Done(NamedTuple):
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output, which is one JSON document and nothing else."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """The error it told on standard output."""
        assert set(self.json) == {"error"}
        assert set(self.json["error"]) == {"code", "message", "fix"}
        return dict(self.json["error"])


def clean_environment(folder: Path, **settings: str) -> dict[str, str]:
    """The environment with no settings of Firebreak but those; folders lie in `folder`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FIREBREAK_")}
    own = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(REPOSITORY)}
    return kept | own | settings


def until(holds: Callable[[], T], seconds: float = STOP_SECONDS_MAX) -> T:
    """Wait, for a bounded time, until `holds` gives something true."""
    pause = threading.Event()
    for _ in range(round(seconds / _POLL_SECONDS)):
        if found := holds():
            return found
        pause.wait(_POLL_SECONDS)
    raise TimeoutError(f"not so within {seconds:g} s")


class Program:
    """`python -m MODULE ARGUMENTS`, in `folder`, until the block ends."""

    def __init__(self, folder: Path, *arguments: str, module: str = "cli", **settings: str) -> None:
        self._err = (folder / "stderr.txt").open("w+b")
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env=clean_environment(folder, **settings),
            stdout=subprocess.PIPE,
            stderr=self._err,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(STOP_SECONDS_MAX)
        self._err.close()
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def line(self) -> str:
        """The next line of its standard output, which must come in time."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], START_SECONDS_MAX)
        assert ready, f"no line within {START_SECONDS_MAX:g} s; it said: {self.said()}"
        return self._process.stdout.readline().decode()

    def ready(self) -> dict[str, Any]:
        """The first line of `demo` and `up` with `--json`."""
        line = self.line()
        assert line, f"it ended at once and said: {self.said()}"
        return dict(json.loads(line))

    def said(self) -> str:
        """Its standard error so far."""
        return Path(self._err.name).read_text()

    def kill(self) -> None:
        """As `kill -9`."""
        self._process.kill()
        self._process.wait(STOP_SECONDS_MAX)

    def stop(self, number: int = signal.SIGTERM) -> Done:
        """Send a signal, and see it end in time."""
        self._process.send_signal(number)
        return self.end(STOP_SECONDS_MAX)

    def end(self, seconds: float = START_SECONDS_MAX) -> Done:
        """See it end by itself, in time."""
        out, _ = self._process.communicate(timeout=seconds)
        return Done(self._process.returncode, out.decode(), self.said())


def ran(folder: Path, *arguments: str, module: str = "cli", **settings: str) -> Done:
    """Run a program to its end."""
    with Program(folder, *arguments, module=module, **settings) as program:
        return program.end()


def ready(program: Program) -> list[dict[str, Any]]:
    """The log of a worker, once it says that it works."""
    until(lambda: "worker ready" in program.said(), 30)
    return [json.loads(line) for line in program.said().splitlines()]


def children(pid: int) -> list[int]:
    """The pids of a process's children, from Linux' /proc."""
    return [child for child, parent in _parents() if parent == pid]


def _parents() -> Iterator[tuple[int, int]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        # A process may end between the listing and the reading.
        with contextlib.suppress(OSError):
            after_name = stat.read_text().rpartition(")")[2].split()
            yield int(stat.parent.name), int(after_name[1])


def is_gone(pid: int) -> bool:
    """Whether no such process runs; one that waits to be reaped is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
