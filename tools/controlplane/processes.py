"""Child processes that never outlive whoever started them, and are ended by their own id.

On Linux the kernel kills a component when the process that started it is gone, however it went.
Nothing is ever found by its name.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
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
    # A file of its own, to append to: an earlier component that still writes to the old one would
    # leave a hole of NUL bytes in a file that was only emptied.
    log.unlink(missing_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for us alone: we end the components in their order.
            start_new_session=True,
            preexec_fn=_dying_with(os.getpid()),  # noqa: PLW1509 - this process has one thread
        )
    return Component(name, process, log)


def _dying_with(parent: int) -> Callable[[], None]:
    def die_with_parent() -> None:
        end_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            # It was killed before the kernel knew; nobody would tell this process any more.
            os.kill(os.getpid(), signal.SIGKILL)

    return die_with_parent


def end_with_parent(number: signal.Signals) -> None:
    """Let the kernel send this process that signal when its parent is gone; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


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
