"""Where the programs of a control plane come from, and what to do when they are nowhere.

`KUBEBUILDER_ASSETS` comes first, since whoever sets it means it; then the user's cache. Nothing is
built or fetched here.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

CONTROLPLANE, KWOK = "controlplane", "kwok"
ASSETS = "KUBEBUILDER_ASSETS"
MULTIPLEXED = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
PROGRAMS = (*MULTIPLEXED, KWOK)


class MissingError(Exception):
    """A program is nowhere; the message says what to do."""


class Binaries(NamedTuple):
    """How each program is called."""

    commands: Mapping[str, tuple[str, ...]]

    def command(self, program: str, *arguments: str) -> list[str]:
        """The command line of a program."""
        return [*self.commands[program], *arguments]


def find_binaries(environ: Mapping[str, str], built: Path) -> Binaries:
    """Every program, from the named folder or from the build.

    Raises:
        MissingError: one is in neither.

    """
    commands = _built(built) | _assets(environ.get(ASSETS, ""))
    lacking = [program for program in PROGRAMS if program not in commands]
    if lacking:
        where = f"neither in {ASSETS} nor " if environ.get(ASSETS) else "not "
        raise MissingError(
            f"{', '.join(lacking)}: {where}in {built}; run `make controlplane` "
            "(about 10 minutes, once)"
        )
    return Binaries(commands)


def find_kubectl(environ: Mapping[str, str], built: Path) -> tuple[str, ...]:
    """The command line of kubectl: of the named folder, of the build, or the one on PATH.

    Raises:
        MissingError: there is none.

    """
    commands = _built(built) | _assets(environ.get(ASSETS, ""))
    on_path = shutil.which("kubectl", path=environ.get("PATH"))
    if "kubectl" in commands:
        return commands["kubectl"]
    if on_path is None:
        raise MissingError("kubectl is not on PATH; install it, or run `make controlplane`")
    return (on_path,)


def _built(folder: Path) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if os.access(folder / CONTROLPLANE, os.X_OK):
        found |= {program: (str(folder / CONTROLPLANE), program) for program in MULTIPLEXED}
    if os.access(folder / KWOK, os.X_OK):
        found[KWOK] = (str(folder / KWOK),)
    return found


def _assets(folder: str) -> dict[str, tuple[str, ...]]:
    paths = {program: Path(folder) / program for program in PROGRAMS} if folder else {}
    return {name: (str(path),) for name, path in paths.items() if os.access(path, os.X_OK)}
