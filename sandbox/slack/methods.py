"""What every method of the Web API is made of: its arguments, what it needs, what it works on."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.slack.modals import Modals
from sandbox.slack.refusals import JSON, Refusal, refused
from sandbox.slack.store import Store

# Calls per minute that Slack allows one app, by the tier of a method.
PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
# chat.postMessage has a tier of its own: about one message a second in each channel.
POSTING = 0


class Args:
    """The arguments of one call, however they were sent: in the address, as a form, as JSON."""

    def __init__(self, given: JSON) -> None:
        self.given = given

    def text(self, name: str) -> str:
        """An argument as text; empty when it is missing or null."""
        value = self.given.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        """An argument that must be there; raises Refusal `invalid_arguments`."""
        if not self.text(name):
            raise refused("invalid_arguments", f"missing required field: {name}")
        return self.text(name)

    def flag(self, name: str) -> bool:
        """A truth as clients send it: true, `true`, 1 or `1`."""
        return self.text(name).lower() in {"true", "1"}

    def number(self, name: str, default: int) -> int:
        """A whole number; raises Refusal `invalid_arguments` for anything else."""
        text = self.text(name)
        if not text:
            return default
        if not text.isdecimal():
            raise refused("invalid_arguments", f"must be an integer: {name}")
        return int(text)

    def has(self, name: str) -> bool:
        """Whether the argument was given at all and is not null."""
        return self.given.get(name) is not None

    def structure(self, name: str, kind: type, code: str) -> Any:
        """A list or an object, also when sent as a string of JSON.

        Raises Refusal `code` when it is no JSON or not of this kind. None when it is missing.
        """
        value = self.given.get(name)
        if isinstance(value, str) and value:
            try:
                value = json.loads(value)
            except ValueError:
                raise Refusal(code) from None
        if value in (None, ""):
            return None
        if not isinstance(value, kind):
            raise Refusal(code)
        return value


@dataclass
class Here:
    """What the methods work on. `url` is the server's own address, without a slash."""

    store: Store
    modals: Modals
    new_ticket: Callable[[], str]
    url: str = ""


@dataclass(frozen=True)
class Method:
    """One method: what it does, the scopes it needs (each of them), its tier, its kind of token.

    `json` False: arguments in a body of JSON are not looked at.
    """

    run: Callable[[Here, Args], JSON]
    scopes: tuple[str, ...] = ()
    tier: int = 3
    token: str = "xoxb-"  # noqa: S105 - the prefix that tells the kind of a token
    json: bool = True


def need_scopes(here: Here, *needed: str) -> None:
    """Raise Refusal `missing_scope` unless the bot's token has every one of them."""
    provided = here.store.workspace.scopes
    if not set(needed) <= provided:
        missing = ",".join(needed)
        raise Refusal("missing_scope", needed=missing, provided=",".join(sorted(provided)))
