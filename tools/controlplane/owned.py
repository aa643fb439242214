"""A control plane that ends with the process that asked for it, however that ends.

The owner holds the writing end of a pipe. When the owner is gone, killed or not, the kernel closes
it, the serving process reads the end of its input and ends the components; and should the serving
process be killed itself, the kernel kills them (`processes`).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.controlplane.files import Endpoint
from tools.controlplane.processes import STOP_SECONDS_MAX, EndedError

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def control_plane(state: Path | None = None) -> Iterator[Endpoint]:
    """A running control plane until the block ends; its files are gone then, unless in `state`.

    Raises:
        EndedError: it did not start; the message is its own.

    """
    command = [sys.executable, "-m", "tools.controlplane", "serve"]
    if state is not None:
        command += ["--state", str(state)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as serving:
        try:
            yield _endpoint(serving)
        finally:
            _end(serving)


def _endpoint(serving: "subprocess.Popen[bytes]") -> Endpoint:
    line = serving.stdout.readline() if serving.stdout else b""
    if not line:
        _, told = serving.communicate(timeout=STOP_SECONDS_MAX)
        raise EndedError(told.decode(errors="replace").strip() or "it ended without a word")
    found = json.loads(line)
    return Endpoint(**{**found, "kubectl": tuple(found["kubectl"])})


def _end(serving: "subprocess.Popen[bytes]") -> None:
    if serving.stdin:
        serving.stdin.close()
    try:
        serving.wait(3 * STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        serving.kill()
