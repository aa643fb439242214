"""A few words to write Slack's shapes down as tables: what an object must hold and may hold.

A check yields one sentence for each fault, with the place as Slack tells it:
`must be less than 151 characters [json-pointer:/blocks/0/text/text]`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Check = Callable[[Any, str], Iterator[str]]


def fault(words: str, at: str) -> str:
    """One fault and its place."""
    return f"{words} [json-pointer:{at}]"


def string(longest: int, shortest: int = 1) -> Check:
    """Text of a bounded length, in characters."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield fault("must be a string", at)
        elif len(value) > longest:
            yield fault(f"must be less than {longest + 1} characters", at)
        elif len(value) < shortest:
            yield fault(f"must be more than {shortest - 1} characters", at)

    return check


def url(longest: int) -> Check:
    """An address of the web."""
    bounded = string(longest)

    def check(value: Any, at: str) -> Iterator[str]:
        yield from bounded(value, at)
        if isinstance(value, str) and not value.startswith(("http://", "https://")):
            yield fault("must be a valid URL", at)

    return check


def flag(value: Any, at: str) -> Iterator[str]:
    """True or false."""
    if not isinstance(value, bool):
        yield fault("must be a boolean", at)


def integer(lowest: int, highest: int) -> Check:
    """A whole number between two others."""

    def check(value: Any, at: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield fault("must be an integer", at)
        elif not lowest <= value <= highest:
            yield fault(f"must be between {lowest} and {highest}", at)

    return check


def one_of(*words: str) -> Check:
    """One of a few words."""

    def check(value: Any, at: str) -> Iterator[str]:
        if value not in words:
            yield fault(f"must be one of: {', '.join(words)}", at)

    return check


def list_of(check_one: Check, most: int, least: int = 1) -> Check:
    """A list, each of its items checked."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield fault("must be an array", at)
            return
        if len(value) > most:
            yield fault(f"no more than {most} items allowed", at)
        if len(value) < least:
            yield fault(f"must provide at least {least} items", at)
        for number, item in enumerate(value):
            yield from check_one(item, f"{at}/{number}")

    return check


@dataclass(frozen=True)
class Shape:
    """An object: keys that it must have, keys that it may have, and no others."""

    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)
    rules: tuple[Check, ...] = ()

    def __call__(self, value: Any, at: str) -> Iterator[str]:
        """Check a value; yields its faults."""
        if not isinstance(value, dict):
            yield fault("must be an object", at)
            return
        for key in self.required:
            if key not in value:
                yield fault(f"missing required field: {key}", at)
        for key, inner in value.items():
            yield from self._key(key, inner, at)
        for rule in self.rules:
            yield from rule(value, at)

    def _key(self, key: str, value: Any, at: str) -> Iterator[str]:
        check = self.required.get(key) or self.optional.get(key)
        if check is not None:
            yield from check(value, f"{at}/{key}")
        elif key != "type":
            yield fault(f"invalid additional property: {key}", at)


def variant(shapes: Mapping[str, Check], *allowed: str) -> Check:
    """An object whose `type` tells its shape; the `allowed` ones, or all of them."""
    names = allowed or tuple(shapes)

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield fault("must be an object", at)
        elif value.get("type") not in names:
            yield fault(f"unsupported type: {value.get('type')}", f"{at}/type")
        else:
            yield from shapes[value["type"]](value, at)

    return check
