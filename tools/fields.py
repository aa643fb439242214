"""Reads what people must know of a pydantic model from its source: type, default, bounds, meaning.

Used by `tools/reference.py`; it must never guess a meaning that nobody wrote.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from tools.markdown import one_line

_WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    datetime: "time with a zone",
    Path: "path",
    SecretStr: "text (secret)",
    Any: "any",
}
_KEY = re.compile(r"(?P<key>\w+) = [^#]*?(?P<note>#.*)?")
_TABLE = re.compile(r"\[+(?P<table>\w+)(\.\w+(\.(?P<key>\w+))?)?\]+")


class Row(NamedTuple):
    """One field as a reference shows it."""

    name: str
    type: str
    default: str
    meaning: str


def rows_of(model: type[BaseModel]) -> Iterator[Row]:
    """The fields of a model, in the order in which they are written."""
    meanings = meanings_of(model)
    for name, field in model.model_fields.items():
        kind = ", ".join(filter(None, (words_of(field.annotation), bounds_of(field))))
        yield Row(name, kind, default_of(field), meanings.get(name, ""))


def meanings_of(model: type) -> dict[str, str]:
    """The text that stands under each field of a class or of its parents."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if kind.__module__.partition(".")[0] not in ("builtins", "pydantic", "pydantic_settings"):
            found |= _texts_under(kind)
    return found


def _texts_under(kind: type) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(kind))
    except (OSError, TypeError):
        return {}
    definition = ast.parse(source).body[0]
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        field.target.id: one_line(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def words_of(annotation: Any) -> str:
    """A type in words: `tuple[str, ...]` is a list of text."""
    inner = [item for item in get_args(annotation) if item not in (NoneType, Ellipsis)]
    origin = get_origin(annotation)
    if annotation in _WORDS:
        return _WORDS[annotation]
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin is dict:
        return f"table of {words_of(inner[1])}"
    wordings = {tuple: "list of {}", list: "list of {}", Annotated: "{}"}
    if origin in wordings:
        return wordings[origin].format(words_of(inner[0]))
    either = origin in (Union, UnionType)
    return " or ".join(map(words_of, inner)) if either else _name_of(annotation)


def _name_of(annotation: Any) -> str:
    return str(getattr(annotation, "__name__", annotation)).lower()


def bounds_of(field: FieldInfo) -> str:
    """The least and the most that a number may be, or a text may hold."""
    limits = {
        name: getattr(item, name)
        for item in field.metadata
        for name in ("ge", "gt", "le", "min_length", "max_length")
        if getattr(item, name, None) is not None
    }
    if "ge" in limits and "le" in limits:
        return f"{limits['ge']} to {limits['le']}"
    if limits.get("min_length") == 1:
        del limits["min_length"]
    words = {
        "ge": "at least {}",
        "gt": "more than {}",
        "le": "at most {}",
        "min_length": "{} characters at least",
        "max_length": "{} characters at most",
    }
    return ", ".join(words[name].format(value) for name, value in limits.items())


def default_of(field: FieldInfo) -> str:
    """What holds when nothing is given. A default that is computed is told by the meaning."""
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "none" if field.default_factory is dict else "see the meaning"
    value = field.default
    if isinstance(value, BaseModel) or value in (None, "", ()):
        return "none"
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def notes_of(toml: str) -> dict[tuple[str, str], str]:
    """What the comments of a commented TOML file say of each (table, key): the block right above
    and what stands behind it. A key outside tables has the table "", a table itself the key "".
    """
    notes: dict[tuple[str, str], str] = {}
    table, above = "", [""]
    for line in toml.splitlines():
        if line.startswith("#"):
            above.append(line)
            continue
        if header := _TABLE.fullmatch(line):
            table = header["table"]
            notes.setdefault((table, header["key"] or ""), _told(above))
        elif found := _KEY.fullmatch(line):
            notes.setdefault((table, found["key"]), _told([*above, found["note"] or ""]))
        above = []
    return notes


def _told(lines: Sequence[str]) -> str:
    return one_line(" ".join(line.removeprefix("#").strip() for line in lines))
