"""Python's regular expressions as greenery understands them, within bounds.

greenery reads a smaller language: `^` and `$` are plain characters to it, and much may not be
escaped. What cannot be said in it without a change of meaning is not said at all.
"""

import re
import string
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from greenery import Charclass, Fsm, Pattern, parse  # type: ignore[import-untyped] # it has no marker
from greenery.parse import NoMatch  # type: ignore[import-untyped] # it has no marker

REGEX_CHARS_MAX = 200
# What an expression may unfold to before it is too large to reason about.
ATOMS_MAX = 64
# Each wildcard beside a repeat may double the states.
WILDCARDS_MAX = 6
ENDS_MAX = 32
CHARS_OF_A_CLASS_MAX = 4
SAMPLES_MAX = 3

READABLE = "x" + string.ascii_letters + string.digits + "-_. /:"
_TOKEN = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\x[0-9a-fA-F]{2}|\\.|\{,|.", re.DOTALL)
_PART = re.compile(r"\\x[0-9a-fA-F]{2}|\\.|.", re.DOTALL)
_SPECIAL = frozenset("\\[]|().?*+{}")
_SPECIAL_IN_CLASS = frozenset("\\[]^-")
_SHORT = frozenset("dDsSwWntrvf")


class End(NamedTuple):
    """A text with which some matches begin; `whole` when there is no more to them."""

    text: str
    whole: bool


ANY_END = (End("", whole=False),)


@lru_cache(maxsize=1024)
def pattern_of(regex: str) -> Pattern | None:
    """What greenery makes of an expression that is anchored at both ends; None when nothing."""
    if len(regex) > REGEX_CHARS_MAX:
        return None
    try:
        return parse(_translated(regex))
    except (NoMatch, ValueError, IndexError, re.error):
        return None


@lru_cache(maxsize=1024)
def machine_of(regex: str) -> Fsm | None:
    """The automaton of an expression; None when it cannot be said or would be too large."""
    pattern = pattern_of(regex)
    return pattern.to_fsm() if pattern is not None and _is_small(pattern) else None


@lru_cache(maxsize=1024)
def heads(regex: str) -> tuple[End, ...]:
    """How all matches begin: each begins with one of these."""
    pattern = pattern_of(regex)
    return ANY_END if pattern is None else _heads(pattern)


@lru_cache(maxsize=1024)
def tails(regex: str) -> tuple[End, ...]:
    """How all matches end, read backwards."""
    pattern = pattern_of(regex)
    return ANY_END if pattern is None else _heads(pattern.reversed())


def words_of(regex: str) -> tuple[str, ...] | None:
    """All matches, if they are few, as of `page|critical`; None when they are many."""
    ends = heads(regex)
    return tuple(end.text for end in ends) if all(end.whole for end in ends) else None


@lru_cache(maxsize=1024)
def samples_of(regex: str) -> tuple[str, ...]:
    """A few short matches, if it can be told."""
    pattern = pattern_of(regex)
    found = () if pattern is None else islice(_samples(pattern), SAMPLES_MAX)
    return tuple(text for text in found if re.fullmatch(f"(?:{regex})", text, re.DOTALL))


def _translated(regex: str) -> str:
    """The same language in greenery's words; raises ValueError when there are none."""
    if "[:" in regex:
        raise ValueError("a class of characters by its name, which only RE2 knows")
    re.compile(regex)
    text = regex.removeprefix("^")
    if text.endswith("$") and not text.endswith("\\$"):
        text = text[:-1]
    if text != regex and _has_top_level_bar(text):
        raise ValueError("an anchor of one alternative only")
    return "".join(map(_said, _TOKEN.findall(text)))


def _has_top_level_bar(text: str) -> bool:
    depth = 0
    for part in _TOKEN.findall(text):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if part == "|" and depth == 0:
            return True
    return False


def _said(part: str) -> str:
    if part in ("^", "$"):
        raise ValueError("an anchor inside")
    if part == "{,":
        return "{0,"
    if part.startswith("[") and len(part) > 1:
        return _class(part)
    return _escape(part, _SPECIAL) if part.startswith("\\") else part


def _escape(part: str, special: frozenset[str]) -> str:
    char = part[1]
    if char in _SHORT or part.startswith("\\x"):
        return part
    if char.isalnum():
        raise ValueError("an escape that greenery does not know")
    return f"\\{char}" if char in special else char


def _class(part: str) -> str:
    r"""`[]a-c^-]` is `[\]a-c\^\-]`."""
    begin = "[^" if part.startswith("[^") else "["
    parts = _PART.findall(part[len(begin) : -1])
    inner = [_range_sign(parts, index) or _in_class(one) for index, one in enumerate(parts)]
    return f"{begin}{''.join(inner)}]"


def _range_sign(parts: list[str], index: int) -> str:
    return "-" if parts[index] == "-" and 0 < index < len(parts) - 1 else ""


def _in_class(part: str) -> str:
    if part.startswith("\\"):
        return _escape(part, _SPECIAL_IN_CLASS)
    return f"\\{part}" if part in _SPECIAL_IN_CLASS else part


def _heads(pattern: Pattern) -> tuple[End, ...]:
    ends = tuple(end for conc in pattern.concs for end in _heads_of_row(conc.mults))
    return ends if len(ends) <= ENDS_MAX else ANY_END


def _heads_of_row(mults: Iterable[Any]) -> tuple[End, ...]:
    """How a row of parts begins: the parts are joined while they are few and known whole."""
    ends: tuple[End, ...] = (End("", whole=True),)
    for mult in mults:
        more = _heads_of_part(mult)
        longer = tuple(
            End(end.text + other.text, other.whole) if end.whole else end
            for end in ends
            for other in (more if end.whole else more[:1])
        )
        if len(longer) > ENDS_MAX:
            return tuple(End(end.text, whole=False) for end in ends)
        ends = longer
    return ends


def _heads_of_part(mult: Any) -> tuple[End, ...]:
    least, most = mult.multiplier.min.v, mult.multiplier.max.v
    inner = _heads(mult.multiplicand) if _is_group(mult) else _heads_of_class(mult.multiplicand)
    if (least, most) == (1, 1):
        return inner
    if (least, most) == (0, 1):
        return (End("", whole=True), *inner)
    return tuple(End(end.text, whole=False) for end in inner) if least else ANY_END


def _heads_of_class(chars: Charclass) -> tuple[End, ...]:
    few = not chars.negated and chars.num_chars() <= CHARS_OF_A_CLASS_MAX
    return tuple(End(char, whole=True) for char in chars.get_chars()) if few else ANY_END


def _samples(pattern: Pattern) -> Iterator[str]:
    """One short match of each alternative."""
    return ("".join(map(_sample, conc.mults)) for conc in pattern.concs)


def _sample(mult: Any) -> str:
    part = mult.multiplicand
    text: str
    if _is_group(mult):
        text = next(_samples(part), "")
    else:
        text = next(filter(part.accepts, READABLE), "") or next(part.get_chars(), "")
    return text * min(int(mult.multiplier.min.v), ATOMS_MAX)


class Size(NamedTuple):
    """What an expression unfolds to."""

    atoms: int = 0
    wildcards: int = 0
    repeats: int = 0


def _is_small(pattern: Pattern) -> bool:
    size = _size(pattern, 1)
    few = not size.repeats or size.wildcards <= WILDCARDS_MAX
    return few and size.atoms <= ATOMS_MAX


def _size(pattern: Pattern, times: int) -> Size:
    parts = [_size_of_part(mult, times) for conc in pattern.concs for mult in conc.mults]
    return Size(*(sum(numbers) for numbers in zip(*parts, strict=True))) if parts else Size()


def _size_of_part(mult: Any, times: int) -> Size:
    least, most = mult.multiplier.min.v, mult.multiplier.max.v
    times *= least + 1 if most is None else most
    repeats = int(least != most)
    if _is_group(mult):
        inner = _size(mult.multiplicand, times)
        choices = times if len(mult.multiplicand.concs) > 1 else 0
        return Size(inner.atoms, inner.wildcards + choices, inner.repeats + repeats)
    literal = not mult.multiplicand.negated and mult.multiplicand.num_chars() == 1
    wildcards = 0 if literal else least * times // (least + 1) if most is None else times
    return Size(times, wildcards, repeats)


def _is_group(mult: Any) -> bool:
    return isinstance(mult.multiplicand, Pattern)
