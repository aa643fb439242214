"""`python -m tools.controlplane build | up | serve`: what the Makefile and the tests call.

`up` is for people and runs until Ctrl-C; `serve` is for a program: it prints one JSON object when
all is ready, and ends when its standard input does, which is when the program is gone.

A folder belongs to one of them at a time. What a killed one left behind in temporary folders, the
next one removes.
"""

import argparse
import json
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from sandbox.holding import InUseError, held, temporary_folder
from tools.controlplane.binaries import MissingError, find_binaries
from tools.controlplane.build import build, folder_of
from tools.controlplane.files import Endpoint
from tools.controlplane.lifecycle import running
from tools.controlplane.processes import EndedError, check, end_with_parent

POLL_SECONDS = 0.2
TEMPORARY = "firebreak-cp-"


class _Stopped(Exception):
    """SIGTERM or Ctrl-C came."""


def main() -> None:
    """Read the command line and do as it says."""
    parser = argparse.ArgumentParser(prog="tools.controlplane", description=__doc__)
    parser.add_argument("command", choices=("build", "up", "serve"))
    parser.add_argument("--state", type=Path, help="keep everything in this folder")
    parser.add_argument("--with-parent", action="store_true", help="end when whoever calls does")
    asked = parser.parse_args()
    if asked.command == "build":
        sys.stdout.write(f"{build(os.environ)}\n")
        return
    signal.signal(signal.SIGTERM, _raise_stopped)
    signal.signal(signal.SIGINT, _raise_stopped)
    if asked.with_parent:
        end_with_parent(signal.SIGTERM)
    try:
        _serve(asked.state, for_people=asked.command == "up")
    except _Stopped:
        return
    except InUseError as err:
        sys.exit(_in_use(err))
    except (MissingError, EndedError, TimeoutError) as err:
        sys.exit(str(err))


def _raise_stopped(_number: int, _frame: FrameType | None) -> None:
    # A second signal would interrupt the cleaning up that the first one has begun.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise _Stopped


def _serve(state: Path | None, *, for_people: bool) -> None:
    binaries = find_binaries(os.environ, folder_of(os.environ))
    with _folder(state) as folder, running(binaries, folder) as (endpoint, components):
        told = _greeting(endpoint) if for_people else json.dumps(endpoint._asdict())
        sys.stdout.write(f"{told}\n")
        sys.stdout.flush()
        is_over = _never if for_people else _input_ended
        while not is_over():
            check(components)


@contextmanager
def _folder(state: Path | None) -> Iterator[Path]:
    """The named folder, or a temporary one; nobody else's until the block ends."""
    if state is None:
        with temporary_folder(TEMPORARY) as folder:
            yield folder
        return
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with held(state):
        yield state


def _in_use(err: InUseError) -> str:
    kubeconfig = err.folder.resolve() / "kubeconfig"
    return (
        f"{err.folder} is in use by pid {err.pid or 'unknown'}: kubeconfig {kubeconfig}\n"
        f"Use that one, end it with `kill {err.pid or 'PID'}`, or name another folder."
    )


def _never() -> bool:
    """People end it with a signal."""
    select.select([], [], [], POLL_SECONDS)
    return False


def _input_ended() -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], POLL_SECONDS)
    return bool(ready) and not os.read(sys.stdin.fileno(), 1)


def _greeting(endpoint: Endpoint) -> str:
    kubectl = " ".join([*endpoint.kubectl, "--kubeconfig", endpoint.kubeconfig])
    return f"""
A Kubernetes control plane runs; kwok plays its nodes.
  kubeconfig  {endpoint.kubeconfig}
  audit log   {endpoint.audit_log}

Try:
  {kubectl} get nodes
  {kubectl} create deployment web --image=web:1 --replicas=3
  .venv/bin/firebreak demo --kubeconfig {endpoint.kubeconfig}

Ctrl-C ends it."""


if __name__ == "__main__":
    main()
