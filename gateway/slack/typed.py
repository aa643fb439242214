"""What may be typed after `/firebreak`, as one value. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from contracts.approval import REASON_CHARS_MAX
from contracts.errors import InvalidInput

USAGE = """\
/firebreak status
/firebreak approve APPROVAL [REASON]
/firebreak deny APPROVAL REASON
/firebreak pause [SCOPE] REASON (SCOPE: all, namespace:…, cluster:… or runbook:…)
/firebreak resume [SCOPE]"""
_HELP = "Write one of status, approve, deny, pause, resume."
_ECHO_CHARS_MAX = 80
_KINDS = ("cluster:", "namespace:", "runbook:")


class Command(NamedTuple):
    """What was typed: the word, what it is about, and why."""

    word: str
    about: str = ""
    reason: str = ""


def parse(text: str) -> Command:
    """Read the text after `/firebreak`.

    Raises:
        InvalidInput: it is no such command, or something is missing.

    """
    word, rest = _split(text)
    reader = _READERS.get(word.lower() or "help")
    if reader is None:
        raise InvalidInput(f"there is no /firebreak {word[:40]}", _HELP)
    return reader(rest)


def _split(text: str) -> tuple[str, str]:
    first, _, rest = text.strip().partition(" ")
    return first, rest.strip()


def _plain(word: str) -> Callable[[str], Command]:
    def read(rest: str) -> Command:
        if rest:
            raise InvalidInput(f"/firebreak {word} takes nothing else", f"Write /firebreak {word}.")
        return Command(word)

    return read


def _answer(word: str) -> Callable[[str], Command]:
    def read(rest: str) -> Command:
        about, reason = _split(rest)
        # As it is copied from a message.
        about = about.strip("`*_.,")
        usage = f"/firebreak {word} APPROVAL" + (" REASON" if word == "deny" else "")
        if not about.startswith("apr-"):
            fix = f"Write {usage}; /firebreak status lists what waits."
            raise InvalidInput(f"which approval to {word} is missing", fix)
        if word == "deny" and not reason:
            raise InvalidInput("a denial needs a reason", f"Write {usage}.")
        if len(reason) > REASON_CHARS_MAX:
            raise InvalidInput(
                "the reason is too long", f"Say it in {REASON_CHARS_MAX} characters."
            )
        return Command(word, about, reason)

    return read


def _pause(rest: str) -> Command:
    first, others = _split(rest)
    named = _scope(first)
    _require_clear(first, rest, named)
    scope, reason = (named, others) if named else ("all", rest)
    if not reason:
        raise InvalidInput("the reason is missing", "Write /firebreak pause [SCOPE] REASON.")
    if len(reason) > REASON_CHARS_MAX:
        raise InvalidInput("the reason is too long", f"Say it in {REASON_CHARS_MAX} characters.")
    return Command("pause", scope, reason)


def _require_clear(first: str, rest: str, named: str) -> None:
    """A word that looks like a scope is one, or nothing is done: taken for the begin of a reason,
    it would pause everything.
    """
    if not named and (":" in first or f"{first.lower()}:" in _KINDS):
        fix = (
            "Nothing was paused. Write all, namespace:NAME, cluster:NAME or runbook:NAME; to pause "
            f"everything with this reason: /firebreak pause all {rest[:_ECHO_CHARS_MAX]}"
        )
        raise InvalidInput(f"'{first[:_ECHO_CHARS_MAX]}' is nothing that can be paused", fix)


def _resume(rest: str) -> Command:
    scope, others = _split(rest)
    if others:
        raise InvalidInput("more than a scope was given", "Write /firebreak resume [SCOPE].")
    return Command("resume", _scope(scope) or scope or "all")


def _scope(word: str) -> str:
    """The scope that a word is, with its kind in small letters; empty for any other word."""
    kind, colon, name = word.partition(":")
    kind = kind.lower()
    known = word.lower() == "all" or kind + colon in _KINDS
    return f"{kind}{colon}{name}" if known else ""


_READERS: dict[str, Callable[[str], Command]] = {
    "help": lambda _: Command("help"),
    "status": _plain("status"),
    "approve": _answer("approve"),
    "deny": _answer("deny"),
    "pause": _pause,
    "resume": _resume,
}
