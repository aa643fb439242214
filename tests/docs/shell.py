"""Follows a page as a reader would: the shell it is typed into, and what the page says comes back.

Each command is a process of its own; what it exports and where it goes is kept for the next one,
as in a terminal that stays open.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

COMMAND_SECONDS_MAX = 120
_ANY = "…"
# The shell remembers in its own folder what the command exported, and where it went.
_REMEMBER = 'at="$PWD"; cd "$HOME"; export -p > exported; printf %s "$at" > folder'


class Typed(NamedTuple):
    """One command of a console block, and the lines that the page shows below it."""

    command: str
    shown: str


def typed_in(console: str) -> Iterator[Typed]:
    """The commands of a console block. A command goes on after a backslash or an open quote."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        taken = next(n for n in range(1, len(lines) + 1) if _whole("\n".join(lines[:n])))
        yield Typed("\n".join(lines[:taken]), "\n".join(lines[taken:]))


def _whole(command: str) -> bool:
    return not command.endswith("\\") and command.count("'") % 2 == 0


class Shell:
    """A terminal in a folder, with this installation's programs on its path and nothing else of
    the person who runs the tests.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self._memory = folder / ".shell"
        self._memory.mkdir()
        (self._memory / "exported").touch()
        (self._memory / "folder").write_text(str(folder))
        programs = Path(sys.executable).parent
        self._environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(self._memory),
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "TERM": "dumb",
            **variables,
        }

    def run(self, command: str) -> str:
        """What the command prints on both of its outputs."""
        with self._started(f"{command}\n{_REMEMBER}") as process:
            try:
                return process.communicate(timeout=COMMAND_SECONDS_MAX)[0]
            except subprocess.TimeoutExpired:
                process.kill()
                raise

    def run_until(self, command: str, shown: str) -> str:
        """What a command that waits for Ctrl-C prints until it has printed what is shown; it gets
        its Ctrl-C then. One that never prints it is stopped by the test's own timeout.
        """
        printed = ""
        with self._started(f"exec {command}") as process:
            try:
                for line in process.stdout or ():
                    printed += line
                    if matches(shown, printed):
                        break
            finally:
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=COMMAND_SECONDS_MAX)
        return printed

    def _started(self, script: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["bash", "-c", f'. ./exported; cd "$(cat folder)"\n{script}'],
            cwd=self._memory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def matches(shown: str, printed: str) -> bool:
    """Whether the page shows what was printed. `…` in a line stands for anything in that line; a
    line with nothing else stands for any number of lines. How many spaces stand in a row depends
    on the width of the terminal, and does not count.
    """
    lines = [_pattern(line) for line in _tidy(shown)]
    text = "".join(f"{line}\n" for line in _tidy(printed))
    return re.fullmatch("".join(lines), text) is not None


def _tidy(text: str) -> list[str]:
    return [re.sub(" {2,}", "  ", line.rstrip()) for line in text.strip("\n").splitlines()]


def _pattern(line: str) -> str:
    if line.strip() == _ANY:
        return r"(?:[^\n]*\n)*?"
    return "[^\n]*".join(map(re.escape, line.split(_ANY))) + "\n"
