"""A runbook's manual as parts of a page, and the lines of the policy file that it lives by. Pure.

A docstring is what an author wrote for other authors' editors: it stays text, and no markup in it
is believed.
"""

import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from typing import Literal, NamedTuple

from markupsafe import Markup, escape

from contracts.catalogue import ServedRunbook

_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
_CODE = re.compile(r"``?([^`\n]+)``?")
_ITEM = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_INDENT = "    "


class Block(NamedTuple):
    """One part: a paragraph or lines of code (one text each), or a list (a text for each item)."""

    kind: Literal["text", "list", "code"]
    texts: tuple[str, ...]


def blocks_of(manual: str) -> tuple[Block, ...]:
    """The parts of a docstring, in order."""
    parts = _BLANK.split(inspect.cleandoc(manual))
    return tuple(block for part in parts if part.strip() for block in _blocks(part.rstrip()))


def _blocks(part: str) -> Iterator[Block]:
    lines = part.splitlines()
    if all(line.startswith(_INDENT) for line in lines):
        yield Block("code", (textwrap.dedent(part),))
        return
    first = next((place for place, line in enumerate(lines) if _ITEM.match(line)), len(lines))
    if lines[:first]:
        yield Block("text", (_joined(lines[:first]),))
    if lines[first:]:
        yield Block("list", tuple(_items(lines[first:])))


def _items(lines: list[str]) -> Iterator[str]:
    begins = [place for place, line in enumerate(lines) if _ITEM.match(line)]
    for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
        yield _joined([_ITEM.sub("", lines[begin], count=1), *lines[begin + 1 : end]])


def _joined(lines: list[str]) -> str:
    return " ".join(line.strip() for line in lines)


def coded(text: str) -> Markup:
    """The text, escaped, with what stands between backticks as code."""
    # Every other piece is what the pattern caught.
    pieces = enumerate(_CODE.split(text))
    told = (Markup("<code>{}</code>").format(p) if n % 2 else escape(p) for n, p in pieces)
    return Markup("").join(told)


def breakable(name: str) -> Markup:
    """The name, escaped; a narrow screen may break it after each underscore."""
    return escape(name).replace("_", Markup("_<wbr>"))


def policy_lines(runbook: ServedRunbook, example: str) -> str:
    """The table of `firebreak.toml` that says what holds now; `example` is a service to name where
    the runbook has none of its own.
    """
    services = runbook.services or {example: runbook.autonomy}
    pairs = ", ".join(f'{_key(name)} = "{word}"' for name, word in sorted(services.items()))
    lines = (
        f"[runbooks.{_key(runbook.name)}]",
        f'autonomy = "{runbook.autonomy}"',
        f"{'' if runbook.services else '# '}services = {{ {pairs} }}",
    )
    return "\n".join(lines)


def _key(name: str) -> str:
    # A basic string of TOML has JSON's escapes.
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name)
