"""Alertmanager's matchers, for triggers of runbooks and for services in the policy file.

The syntax and meaning are Alertmanager's own: `name="value"`, `!=`, `=~`, `!~`; a regular
expression is anchored at both ends; a label that is missing equals the empty string. Expressions
are RE2's, as Alertmanager's are: what would take exponential time does not compile.
"""

import re
from functools import cached_property
from typing import Any, Literal

import re2
from pydantic import Field, model_validator

from contracts.model import Contract

Operator = Literal["=", "!=", "=~", "!~"]
_MATCHER = re.compile(
    r"""\s*(?P<label>[^\s=!~"]+)\s*(?P<op>=~|!~|!=|=)\s*"""
    r"""(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^"\s](?:[^"]*[^"\s])?)?)\s*""",
    re.DOTALL,
)
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


class Matcher(Contract):
    """One condition on one label."""

    label: str = Field(min_length=1)
    op: Operator
    value: str

    @model_validator(mode="after")
    def _regex_compiles(self) -> "Matcher":
        if self.op in ("=~", "!~"):
            try:
                _compiled(self.value)
            except re2.error as err:
                why = err.args[0].decode() if isinstance(err.args[0], bytes) else str(err)
                raise ValueError(f'{self}: not a regular expression ({why}); quote "\\"') from err
        return self

    @cached_property
    def _pattern(self) -> Any:
        return _compiled(self.value)

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether `labels` satisfy this condition."""
        actual = labels.get(self.label, "")
        if self.op in ("=", "!="):
            return (actual == self.value) is (self.op == "=")
        return (self._pattern.fullmatch(actual) is not None) is (self.op == "=~")

    def __str__(self) -> str:
        """The text that parses back to this matcher."""
        return f'{self.label}{self.op}"{_escaped(self.value)}"'


def _compiled(text: str) -> Any:
    quiet = re2.Options()
    quiet.log_errors = False
    return re2.compile(f"(?s:{text})", options=quiet)


def parse_matcher(text: str) -> Matcher:
    r"""Read one matcher, e.g. `severity=~"page|critical"` (the quotes may be left out).

    Inside quotes `\"`, `\\` and `\n` are escapes, as in Alertmanager; other backslashes stay.

    Raises:
        ValueError: the text is no matcher, or its regular expression does not compile.

    """
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text}' is not a matcher; write label, one of = != =~ !~, and a value")
    quoted = found["quoted"]
    value = found["bare"] or "" if quoted is None else _unescaped(quoted)
    return Matcher.model_validate({"label": found["label"], "op": found["op"], "value": value})


def _unescaped(text: str) -> str:
    return re.sub(r'\\[n"\\]', lambda escape: _ESCAPES[escape[0]], text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class Trigger(Contract):
    """All matchers must hold. Of several runbooks that match, the heaviest `weight` wins."""

    matchers: tuple[Matcher, ...]
    weight: int = 0

    @model_validator(mode="after")
    def _not_empty(self) -> "Trigger":
        if not self.matchers:
            raise ValueError("a trigger needs at least one matcher; an empty one would match all")
        return self

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether every matcher holds for `labels`."""
        return all(matcher.matches(labels) for matcher in self.matchers)

    def first_miss(self, labels: dict[str, str]) -> Matcher | None:
        """The first matcher that fails, to tell an author why nothing started."""
        return next((m for m in self.matchers if not m.matches(labels)), None)
