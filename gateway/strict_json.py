"""JSON as a door must read it: hostile bytes end in one clear error, never in a surprise.

Python's parser takes UTF-16, byte order marks, NaN and duplicate keys in silence; every one of
them lets two readers see two different messages. Nothing here knows what the message means.
"""

import json
from collections import Counter
from typing import Any, NoReturn

from gateway.errors import NotJson

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_KEY_CHARS_SHOWN = 60


def parse(body: bytes) -> Any:
    """Read one JSON value.

    Raises:
        NotJson: not UTF-8, not JSON, a key given twice, a number that is no finite number, or
            nesting deeper than the parser's stack.

    """
    try:
        return json.loads(
            _text(body),
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=_constant,
        )
    except RecursionError as err:
        raise NotJson("the body is nested too deeply") from err
    except json.JSONDecodeError as err:
        raise NotJson(f"the body is not JSON: {err.msg} at character {err.pos}") from err
    except ValueError as err:
        raise NotJson("a number in the body is too long") from err


def _text(body: bytes) -> str:
    if body.startswith(_BYTE_ORDER_MARK):
        raise NotJson("the body begins with a byte order mark")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as err:
        raise NotJson(f"the body is not UTF-8 at byte offset {err.start}") from err
    # UTF-16 text of ASCII characters is valid UTF-8 with a NUL in every second place.
    if "\x00" in text:
        raise NotJson("the body holds NUL bytes; UTF-16 is not read")
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
    raise NotJson(f"the key {shown(twice)} is given twice in one object")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise NotJson(f"{text[:_KEY_CHARS_SHOWN]} is larger than any number we can hold")
    return number


def _constant(text: str) -> NoReturn:
    raise NotJson(f"{text} is not JSON")


def shown(value: object) -> str:
    """Untrusted text, short and printable, for an error message."""
    text = value if isinstance(value, str) else type(value).__name__
    safe = text[:_KEY_CHARS_SHOWN].encode("unicode_escape", "backslashreplace").decode("ascii")
    return f"'{safe}'" + ("…" if len(text) > _KEY_CHARS_SHOWN else "")
