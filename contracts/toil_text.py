"""What people type after `/toil`, read the same way by every door.

Pure. What cannot be read for sure is refused with an example, because a number of minutes that was
guessed stands in the ledger for ever.
"""

import re
from collections.abc import Collection
from typing import Literal, NamedTuple

from contracts.errors import InvalidInput
from contracts.words import listed, minutes_text

SECONDS_MAX = 12 * 3600
TEXT_CHARS_MAX = 500
USAGE = "Write `25m what you did @service`, or start, stop or me."

_ECHO_CHARS_MAX = 80
_NUMBER_CHARS_MAX = 9
# `25m`, `25 min`, `2 hours`, `1h30m`, `1 h 30 min`; each unit once, the larger first.
_HOURS = r"(?:(?P<hours>[0-9]{1,4})\s*(?:h|hours?))?"
_MINUTES = r"(?:(?P<minutes>[0-9]{1,4})\s*(?:m|mins?|minutes?))?"
_SECONDS = r"(?:(?P<seconds>[0-9]{1,5})\s*(?:s|secs?|seconds?))?"
_DURATION = re.compile(rf"{_HOURS}\s*{_MINUTES}\s*{_SECONDS}(?=\s|$)", re.IGNORECASE)
_SERVICE = re.compile(r"(?:^|\s)@(?P<name>\S+)\s*$")
_UNITS = {"hours": 3600, "minutes": 60, "seconds": 1}


Word = Literal["log", "start", "stop", "me"]


class ToilText(NamedTuple):
    """What somebody means: to log `seconds` of work, to start or stop their stopwatch, or to see
    their own figures. `service` is empty or one that is configured.
    """

    word: Word
    seconds: int = 0
    text: str = ""
    service: str = ""


def parse_toil(text: str, services: Collection[str]) -> ToilText:
    """Read `25m what you did @service`, `start what you do @service`, `stop` or `me`.

    Raises:
        InvalidInput: something is missing, too long, or no such service is known.

    """
    first, rest = [*text.split(maxsplit=1), "", ""][:2]
    match first.lower():
        case "start":
            what, service = _what(rest, services)
            return ToilText("start", text=what, service=service)
        case "stop" | "me" as word:
            if rest:
                raise InvalidInput(f"'{word}' takes nothing else", f"Write `{word}` alone.")
            return ToilText(word)
        case _:
            return _logged(text.strip(), services)


def _logged(text: str, services: Collection[str]) -> ToilText:
    if not text:
        raise InvalidInput("what you did is missing", USAGE)
    seconds, rest = _duration(text)
    what, service = _what(rest, services)
    return ToilText("log", seconds, what, service)


def _duration(text: str) -> tuple[int, str]:
    """The seconds at the begin of the text, and what follows them."""
    found = _DURATION.match(text)
    if found is None or not found[0].strip():
        raise _no_duration(text)
    seconds = sum(int(found[unit] or 0) * factor for unit, factor in _UNITS.items())
    if seconds == 0:
        raise InvalidInput("no time at all", "Write how long it took, e.g. 25m.")
    if seconds > SECONDS_MAX:
        told = minutes_text(seconds)
        raise InvalidInput(f"{told} is too long", f"Log at most {minutes_text(SECONDS_MAX)}.")
    return seconds, text[found.end() :]


def _no_duration(text: str) -> InvalidInput:
    first = text.split(maxsplit=1)[0]
    echo = first[:_ECHO_CHARS_MAX]
    if first.isascii() and first.isdecimal():
        return InvalidInput(f"'{echo}' has no unit", _with_unit(int(first[:_NUMBER_CHARS_MAX])))
    return InvalidInput(f"'{echo}' is not a duration", USAGE)


def _with_unit(number: int) -> str:
    """What to write instead; never what would be refused as well."""
    most = minutes_text(SECONDS_MAX)
    units = {"m for minutes": 60, "h for hours": 3600}
    fit = [f"{number}{u}" for u, factor in units.items() if 0 < number * factor <= SECONDS_MAX]
    if not fit:
        return f"Write how long it took, e.g. 25m, {most} at most."
    return f"Write {listed(fit, 'or')}."


def _what(text: str, services: Collection[str]) -> tuple[str, str]:
    """What was done, and the service at its end."""
    found = _SERVICE.search(text)
    service = found["name"] if found else ""
    what = (text[: found.start()] if found else text).strip()
    if service and service not in services:
        known = listed(sorted(services)) or "none; see [[services]] in firebreak.toml"
        named = service[:_ECHO_CHARS_MAX]
        raise InvalidInput(f"there is no service '{named}'", f"Known are: {known}.")
    if not what:
        raise InvalidInput("what you did is missing", USAGE)
    if len(what) > TEXT_CHARS_MAX:
        raise InvalidInput("the text is too long", f"Say it in {TEXT_CHARS_MAX} characters.")
    return what, service
