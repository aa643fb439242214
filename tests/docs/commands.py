"""The command line as the tests of its documentation see it."""

import re
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

import typer

import cli
from docs.pages import blocks, shown

_COMMAND = re.compile(r"^(?:[$] )?(?:[.]venv/bin/)?firebreak (.+)$", re.MULTILINE)


class Command(NamedTuple):
    """One command line of the documentation, and where it stands."""

    page: str
    words: tuple[str, ...]


def commands() -> dict[tuple[str, ...], Any]:
    """Every command by its path, e.g. `("toil", "log")`."""
    return dict(_below((), typer.main.get_command(cli.app)))


def _below(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    below = getattr(command, "commands", {})
    for name, inner in below.items():
        yield from _below((*path, name), inner)
    if not below:
        yield path, command


def written_commands() -> Iterator[Command]:
    """Every `firebreak …` line of every shell block; a trailing backslash goes on."""
    for block in blocks("console", "sh", "bash"):
        for line in _COMMAND.findall(block.body.replace("\\\n", " ")):
            yield Command(shown(block.page), tuple(shlex.split(line)))
