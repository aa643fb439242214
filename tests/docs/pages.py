"""The pages of the documentation, and the code blocks in them with the notes that stand above them.

A note is an HTML comment in the line above a fence; a reader of the page does not see it:

    file: NAME                      the block is a whole file; it is written down and used
    added: NAME                     the block is added to the end of that file
    written: NAME                   the block is what a command of the page wrote into that file
    from: PATH                      the block is quoted from a file of this repository
    transcript: NAME [KEY=VALUE]    what playing the runbook NAME prints
    printed by: COMMAND             what a command that waits for Ctrl-C prints
    not run: WHY                    a console block that no test can run
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted(
    [*ROOT.glob("*.md"), *(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)]
)
NOTES = ("file", "added", "written", "from", "transcript", "printed by", "not run")

_BLOCK = re.compile(
    r"^(?:<!-- (?P<note>[a-z ]+): (?P<told>[^\n]+) -->\n+)?"
    r"^```(?P<language>[^\n]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """One fenced block. `note` is the first word of its note, `told` the rest of it."""

    page: Path
    line: int
    language: str
    body: str
    note: str
    told: str

    @property
    def place(self) -> str:
        """Where it stands, for a message."""
        return f"{shown(self.page)}:{self.line}"

    @property
    def words(self) -> list[str]:
        """The rest of the note, split as a shell would."""
        return shlex.split(self.told)


def shown(path: Path) -> str:
    """The path as people write it."""
    return str(path.relative_to(ROOT))


def blocks_of(page: Path) -> Iterator[Block]:
    """The blocks of one page, in order."""
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("body"))
        note, told = found["note"] or "", found["told"] or ""
        yield Block(page, line, found["language"], found["body"], note, told)


def blocks(*languages: str) -> list[Block]:
    """Every block of every page in one of the languages; all of them when none is named."""
    every = (block for page in PAGES for block in blocks_of(page))
    return [block for block in every if not languages or block.language in languages]


def prose_of(page: Path) -> str:
    """The page without its blocks."""
    return _BLOCK.sub("", page.read_text())


def reference(name: str) -> str:
    """The text of a reference page."""
    return (REFERENCE / name).read_text()
