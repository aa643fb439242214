"""Blanks secrets in text that is about to be kept or shown.

It knows shapes (tokens, passwords in URLs, `key=value`, private keys) and, where the caller has
them, exact values. It is the last net, not a licence: nothing here makes it right to read a
Secret. It blanks too much rather than too little, and gives back text it has seen unchanged.
"""

import logging
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

BLANK = "[redacted]"
TEXT_CHARS_MAX = 262_144
VALUES_MAX = 1000
# Shorter values of harmless variables ("info", "8080") are words of every log line.
_SECRET_VALUE_CHARS_MIN = 4
_PLAIN_VALUE_CHARS_MIN = 8

_WORD = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key"
    r"|private[_-]?key|signing[_-]?key|encryption[_-]?key|credentials?|signature)"
)
_ESCAPES = r"\\{0,4}"
# Quoted, quoted inside a string of JSON, or bare; never what an earlier pass has left.
_VALUE = (
    r"(?!\[redacted\])"
    r"""(?:"(?:[^"\\\n]|\\.)*+"?|\\{1,4}"[^"\\\n]*+(?:\\{1,4}")?|'[^'\n]*+'?"""
    r"""|(?:[^\s,;&"'\\]|\\(?=[^\s"'\\]))++)"""
)
_SECRET_NAME = re.compile(_WORD + r"|(?:^|_)(?:key|auth|dsn|pass)$", re.IGNORECASE)

# Repetitions are bounded, or cannot overlap, so that hostile text costs linear time.
_PEM = r"(?s)-----BEGIN [A-Z0-9 ]{1,40}-----.*?(?:-----END [A-Z0-9 ]{1,40}-----|\Z)"
_KEY_END = rf"{_ESCAPES}[\"']?\s{{0,3}}"
_HEADER = rf"(?i)\b((?:proxy-)?authorization{_KEY_END}[:=]\s{{0,3}}{_ESCAPES}[\"']?)"
_SCHEME = r"(?:(?:basic|bearer|digest|token|negotiate|apikey)\s{1,3})?"
_URL_USER = r"([a-zA-Z][a-zA-Z0-9+.-]{0,20}://[^\s:/@]{0,256}:)"
_FLAG = rf"(?i)(--[\w-]{{0,40}}{_WORD}[\w-]{{0,40}}\s{{1,3}})"
_PAIR = rf"(?i)({_WORD}[\w.-]{{0,40}}{_KEY_END}(?>=>|[:=>])\s{{0,3}}+)"

_WHOLE = (
    _PEM,
    r"\beyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?",  # a JSON web token
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{8,}",
    r"\bgh[oprsu]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}",
    r"\b[rs]k_(?:live|test)_\w{8,}|\bsk-[\w-]{20,}|\bAIza[\w-]{30,}|\bhv[bs]\.[\w-]{20,}",
)
# What comes before the secret is kept, in the first group, so that a reader sees what it was.
_AFTER = (
    rf"{_HEADER}{_SCHEME}[^\s,\"'\\]+",
    r"(?i)\b(bearer\s{1,3})[\w.~+/=-]{8,}",
    r"(?i)\b((?:set-)?cookie:\s{0,3})[^\r\n]+",
    rf"{_URL_USER}[^\s/]{{1,256}}(?=@)",
    r"(https://hooks\.slack\.com/)[^\s\"'<>]+",
    rf"{_FLAG}{_VALUE}",
    rf"{_PAIR}{_VALUE}",
)
_SHAPES = (
    *((re.compile(shape), BLANK) for shape in _WHOLE),
    *((re.compile(shape), rf"\1{BLANK}") for shape in _AFTER),
)


def redact(text: str, values: Collection[str] = ()) -> str:
    """`text` with secrets replaced by `[redacted]`; `values` are blanked wherever they stand.

    Text of more than 256 KiB is cut at a line, and says so at its end.
    """
    text = _cut(text)
    for value in sorted(values, key=len, reverse=True)[:VALUES_MAX]:
        text = text.replace(value, BLANK) if value else text
    for pattern, into in _SHAPES:
        text = pattern.sub(into, text)
    return text


def _cut(text: str) -> str:
    if len(text) <= TEXT_CHARS_MAX:
        return text
    # Never through the middle of a word: half a token matches no shape.
    end = max(text.rfind(mark, 0, TEXT_CHARS_MAX) for mark in "\n ")
    end = max(end, 0)
    return f"{text[:end]}\n[{len(text) - end} characters cut]"


def env_values(pod_template: Mapping[str, Any]) -> frozenset[str]:
    """The values of a pod template's environment that must not show in what its pods print.

    Values of variables whose name sounds secret count from 4 characters on, others from 8; each
    line of a longer value counts by itself.
    """
    spec = pod_template.get("spec") or {}
    containers = [
        container
        for group in ("initContainers", "containers", "ephemeralContainers")
        for container in spec.get(group) or ()
    ]
    return frozenset(
        line
        for container in containers
        for variable in container.get("env") or ()
        for line in _lines(variable)
    )


def _lines(variable: Mapping[str, Any]) -> Iterator[str]:
    sounds_secret = _SECRET_NAME.search(str(variable.get("name", "")))
    least = _SECRET_VALUE_CHARS_MIN if sounds_secret else _PLAIN_VALUE_CHARS_MIN
    value = str(variable.get("value") or "")
    yield from (line for text in value.splitlines() if len(line := text.strip()) >= least)


class RedactingFilter(logging.Filter):
    """Blanks the message, the traceback and the keys of a log record; for a root's handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; every record passes."""
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        # A formatter that finds exc_info would format it again, unredacted.
        record.exc_info = None
        for name, value in vars(record).items():
            if name != "msg":
                setattr(record, name, _redacted(value))
        return True


def _redacted(value: Any) -> Any:
    """Strings blanked, also inside the lists and mappings that `extra` may hold."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list | tuple):
        return [_redacted(item) for item in value]
    if isinstance(value, dict):
        return {key: _redacted(item) for key, item in value.items()}
    return value
