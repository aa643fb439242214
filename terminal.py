"""What every command of the terminal shares: the gateway it speaks to, and how it tells its end.

Imports are late on purpose, as in `cli`.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.errors import FirebreakError, InvalidInput, Retry, Unavailable

if TYPE_CHECKING:
    from gateway.client import Api

Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]

FAILED, UNREACHABLE = 1, 3
_URL_FIX = "Write it like https://firebreak.example."


@contextmanager
def api() -> "Iterator[Api]":
    """The gateway of FIREBREAK_URL and FIREBREAK_TOKEN, or the one that `up` left a file about."""
    from httpx import InvalidURL

    from gateway.client import Api

    url, token = address_and_token()
    try:
        client = Api(url, token)
    except InvalidURL as err:
        raise InvalidInput(f"FIREBREAK_URL: {err}", _URL_FIX) from None
    with client:
        yield client


def address_and_token() -> tuple[str, str]:
    """Which gateway, and as whom.

    Raises:
        InvalidInput: none is known, or only half of it is said: one gateway's token is never sent
            to another.

    """
    url, token = os.environ.get("FIREBREAK_URL"), os.environ.get("FIREBREAK_TOKEN")
    if not url and not token:
        return read_client_file()
    if not url or not token:
        raise InvalidInput("one of FIREBREAK_URL and FIREBREAK_TOKEN is missing", "Set both.")
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
        raise InvalidInput("FIREBREAK_URL is no address", _URL_FIX)
    if not re.fullmatch(r"[!-~]+", token):
        raise InvalidInput("FIREBREAK_TOKEN is no token", "Copy it whole, without spaces.")
    return url, token


def read_client_file() -> tuple[str, str]:
    """The address and token that `up` left in the state folder of the settings. It stands here and
    not beside its writer in `stack`, which takes seconds to load. Raises InvalidInput.
    """
    from settings import read_settings

    try:
        found = json.loads((read_settings().state / "client.json").read_text())
        return str(found["url"]), str(found["token"])
    except (OSError, ValueError, KeyError, TypeError):
        fix = "Set FIREBREAK_URL and FIREBREAK_TOKEN, or start `firebreak up`."
        raise InvalidInput("no gateway is known", fix) from None


@contextmanager
def usage() -> Iterator[None]:
    """Turn an argument that cannot be meant into wrong usage."""
    try:
        yield
    except InvalidInput as err:
        raise typer.BadParameter(f"{err.message}. {err.fix}") from None


@contextmanager
def reported(as_json: bool) -> Iterator[None]:
    """Turn an error of our tree into its message, its fix and its exit code."""
    try:
        yield
    except FirebreakError as err:
        fix = remedy(err)
        if as_json:
            say_error(err.code, err.message, fix)
        else:
            text = Text.assemble(("firebreak:", "bold"), f" {err.message}\n  {fix}")
            Console(stderr=True).print(text, soft_wrap=True)
        raise typer.Exit(UNREACHABLE if isinstance(err, Retry) else FAILED) from None


def remedy(err: FirebreakError) -> str:
    """What to do about it here: a workflow tries again by itself, a command does not."""
    if err.fix == Unavailable.fix:
        return "Check that it is up and reachable from here, then try again."
    return err.fix


def say_error(code: str, message: str, fix: str) -> None:
    """An error as one JSON object, as the API gives it."""
    typer.echo(json.dumps({"error": {"code": code, "message": message, "fix": fix}}))


def show(data: Any, text: str | Table, as_json: bool) -> None:
    """One JSON object for scripts, or text for people."""
    if as_json:
        typer.echo(json.dumps(data))
    elif isinstance(text, str):
        # Soft, because a wrapped address cannot be clicked; without markup, because it is data.
        Console().print(text, markup=False, soft_wrap=True)
    else:
        Console().print(text)


def table(title: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> Table:
    """A table of the API's objects; an id is never shortened, because it is typed again."""
    made = Table(title=Text(title), title_justify="left")
    for column in columns:
        made.add_column(column, no_wrap=column == "id", overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell(row.get(column))) for column in columns))
    return made


def cell(value: Any) -> str:
    """A target as people write it, a plan by its summary, anything else as text."""
    if isinstance(value, dict):
        if "summary" in value:
            return str(value["summary"])
        return "/".join(str(value[k]) for k in ("namespace", "kind", "name") if k in value)
    return "" if value is None else str(value)
