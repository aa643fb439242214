"""Tells of the command line from its own definition; used by `tools/reference.py`."""

import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import cli
from tools.markdown import one_line, table

WIDTH = 88
# Keeps an option and its value on one line.
_GLUE = "\N{NO-BREAK SPACE}"


def commands() -> Iterator[tuple[str, str]]:
    """The exit codes, the plain commands, and a part for each group."""
    codes = re.findall(r"(\d) ([^,.]+)", (cli.__doc__ or "").partition("Exit codes:")[2])
    yield "exit codes", table(("Exit code", "Meaning"), [(code, one_line(t)) for code, t in codes])
    top = typer.main.get_command(cli.app)
    found: dict[str, Any] = getattr(top, "commands", {})
    groups = {name: item.commands for name, item in found.items() if hasattr(item, "commands")}
    plain = {name: item for name, item in found.items() if name not in groups}
    yield "commands", "\n\n".join(command(name, item) for name, item in plain.items())
    for group, inner in groups.items():
        told = [command(f"{group} {name}", item) for name, item in inner.items()]
        yield f"commands {group}", "\n\n".join(told)


def command(name: str, item: Any) -> str:
    """One command: how it is written, what it does, and what it takes."""
    params = [param for param in item.params if "--help" not in param.opts]
    words = " ".join([f"firebreak {name}", *(_usage(p).replace(" ", _GLUE) for p in params)])
    indent = " " * len(f"firebreak {name} ")
    lines = textwrap.wrap(words, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
    written = "\n".join(lines).replace(_GLUE, " ")
    rows = [
        (f"`{_named(p)}`", "required" if p.required else _default(p.default), _meaning(p))
        for p in params
        if "--json" not in p.opts
    ]
    told = table(("Argument", "Default", "Meaning"), rows) if rows else ""
    title = f"### `firebreak {name}`"
    help_text = re.sub(r"\n{2,}", "\n\n", inspect.cleandoc(item.help or ""))
    return "\n\n".join(filter(None, (title, f"```text\n{written}\n```", help_text, told)))


def _usage(param: Any) -> str:
    return _named(param) if param.required else f"[{_named(param)}]"


def _named(param: Any) -> str:
    """`--limit N`, `--json`, `APPROVAL`."""
    flag = next((text for text in param.opts if text.startswith("--")), "")
    if getattr(param, "is_flag", False):
        return flag
    placeholder = param.metavar or _placeholder(param)
    return f"{flag} {placeholder}" if flag else placeholder + ("…" if param.nargs != 1 else "")


def _placeholder(param: Any) -> str:
    annotation = param.type_descriptor.annotation
    if not param.opts[0].startswith("--"):
        return str(param.name).upper()
    return {int: "N", Path: "PATH"}.get(annotation, "TEXT")


def _default(value: Any) -> str:
    return "" if value in (None, "", False) else f"`{value}`"


def _meaning(param: Any) -> str:
    least, most = getattr(param, "min", None), getattr(param, "max", None)
    limits = f"{least} to {most}" if least is not None and most is not None else ""
    return "; ".join(filter(None, (getattr(param, "help", None), limits)))
