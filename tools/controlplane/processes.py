"""Child processes that never outlive whoever started them, and are ended by their own id.

On Linux the kernel kills a component when the process that started it is gone, however it went.
Nothing is ever found by its name.
"""

import ctypes
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

STOP_SECONDS_MAX = 5.0
_PR_SET_PDEATHSIG = 1
_TAIL_LINES = 15


class EndedError(Exception):
    """A component ended by itself; the message has the end of its log."""


class Component(NamedTuple):
    """One running program and the file of what it says."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


def start(name: str, command: Sequence[str], folder: Path) -> Component:
    """Start a program in the folder; what it says goes to `<name>.log` there."""
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for us alone: we end the components in their order.
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has one thread
        )
    return Component(name, process, log)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def check(components: Sequence[Component]) -> None:
    """Raises EndedError when one of them has ended."""
    for component in components:
        code = component.process.poll()
        if code is not None:
            tail = component.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
            told = "\n".join([f"{component.name} ended with code {code}:", *tail])
            raise EndedError(told)


def stop(components: Sequence[Component]) -> None:
    """End them, the last one first. The database gets the time to close its file."""
    for component in reversed(components):
        if component.name == "etcd":
            component.process.terminate()
        else:
            component.process.kill()
    for component in components:
        try:
            component.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            component.process.kill()
            component.process.wait(STOP_SECONDS_MAX)
