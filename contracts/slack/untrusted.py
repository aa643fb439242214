"""Makes text of alerts, clusters and people harmless, and short enough, before Slack shows it.

Such text goes into `plain_text` and the text elements of `rich_text` alone, which Slack never
parses. What remains to be done is here: characters that cannot be seen or that move others, and
length. Nothing is cut without saying so.
"""

import re
import unicodedata
from itertools import groupby
from urllib.parse import urlsplit

from contracts.slack.limits import FALLBACK_CHARS_MAX, URL_CHARS_MAX

# Letters and symbols that show nothing: fillers of Hangul, the empty braille cell.
_BLANKS = dict.fromkeys(map(ord, "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"), " ")
_MARKS_MAX = 2
_FIRST_ISOLATE, _LAST_ISOLATE = "\u2068", "\u2069"
_CUT_ROOM_MIN = 60
_BAD_IN_URL = re.compile(r"[^\x21-\x7e]|[<>|\"'`\\^{}]")
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}


def size(text: str) -> int:
    """The length as Slack's clients count it: UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """`text` without what cannot be seen or moves its neighbours: controls, invisible and
    direction-changing characters, half characters, piles of accents. Lines stay lines.
    """
    text = re.sub(r"\r\n?|[\u0085\u2028\u2029\v\f]", "\n", text).replace("\t", "    ")
    if text.isascii():
        return re.sub(r"[^\n\x20-\x7e]", "", text)
    kept = (c for c in text.translate(_BLANKS) if c == "\n" or unicodedata.category(c)[0] != "C")
    return "".join(_few_marks("".join(kept)))


def _few_marks(text: str) -> list[str]:
    """Accents cover the lines above and below when they are many on one letter."""
    runs = groupby(text, key=lambda c: unicodedata.category(c) in ("Mn", "Me"))
    return ["".join(run)[:_MARKS_MAX] if marks else "".join(run) for marks, run in runs]


def body(text: str, chars_max: int) -> str:
    """Text of several lines, for a preformatted element."""
    return cut(clean(text).strip("\n").rstrip(), chars_max)


def line(text: str, chars_max: int) -> str:
    """Text as one line. With letters that run from right to left it keeps them to itself, so that
    it does not turn the words around it.
    """
    flat = cut(" ".join(clean(text).split()), chars_max)
    if not any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in flat):
        return flat
    inner = cut(flat, chars_max - len(_FIRST_ISOLATE + _LAST_ISOLATE))
    return f"{_FIRST_ISOLATE}{inner}{_LAST_ISOLATE}"


def cut(text: str, chars_max: int) -> str:
    """At most `chars_max` characters: the head and the tail, and how many are left out."""
    if size(text) <= chars_max:
        return text
    if chars_max < _CUT_ROOM_MIN:
        return f"{_head(text, chars_max - 1)}…"
    gap = "\n" if "\n" in text else " "
    note = f"{gap}… {size(text)} characters left out …{gap}"
    room = chars_max - size(note)
    head, tail = _head(text, room - room // 2), _tail(text, room // 2)
    left_out = size(text) - size(head) - size(tail)
    return f"{head}{gap}… {left_out} characters left out …{gap}{tail}"


def crop(text: str, chars_max: int) -> str:
    """The same for what may have been cut before, where no number of characters would be true."""
    if size(text) <= chars_max:
        return text
    gap = "\n" if "\n" in text else " "
    note = f"{gap}… the middle is left out …{gap}"
    room = chars_max - size(note)
    return f"{_head(text, room - room // 2)}{note}{_tail(text, room // 2)}"


def _head(text: str, units: int) -> str:
    return text.encode("utf-16-le")[: 2 * max(0, units)].decode("utf-16-le", "ignore")


def _tail(text: str, units: int) -> str:
    raw = text.encode("utf-16-le")
    return raw[len(raw) - 2 * max(0, units) :].decode("utf-16-le", "ignore")


def fallback(text: str) -> str:
    """Text for notifications and screen readers, which Slack parses: nothing in it can be a
    mention, a link or formatting.
    """
    flat = line(text, FALLBACK_CHARS_MAX)
    plain = re.sub(r"[*~`]", "'", flat).replace("://", ": //")
    plain = re.sub(r"(?<!\w)_|_(?!\w)", " ", plain)
    return plain.translate(_ESCAPES)


def safe_url(url: str) -> str:
    """The URL when it is a plain web address that Slack takes, else the empty string."""
    if size(url) > URL_CHARS_MAX or _BAD_IN_URL.search(url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    is_web = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return url if is_web else ""
