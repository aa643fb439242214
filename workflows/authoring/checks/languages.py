"""Which text a label may have under several conditions: one example, or the certainty of none.

Examples are tried with Python itself, so no example is ever wrong. That there is none is shown
from the texts with which all matches begin and end, or by walking through greenery's automata.
Where greenery has no words for an expression (a word boundary, an anchor in the middle) or it is
too large, nobody knows, and nobody claims to.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice, permutations
from typing import Any, NamedTuple

from contracts.matching import Matcher
from workflows.authoring.checks.expressions import (
    READABLE,
    End,
    heads,
    machine_of,
    samples_of,
    tails,
    words_of,
)

STATES_MAX = 5_000
EXAMPLES_TRIED_MAX = 50
SAMPLES_JOINED_MAX = 6

Holds = Callable[[str], bool]


class Unknown(Exception):
    """Nobody can tell within the bounds of this module."""


class Guess(NamedTuple):
    """What was found without a search; `certain` when a search would find nothing else."""

    text: str | None
    certain: bool


class Walker(NamedTuple):
    """One automaton of several that are walked through at once. `wanted`: it must accept."""

    machine: Any
    wanted: bool


def example(conditions: Iterable[Matcher], *, filled: bool, search: bool = True) -> str | None:
    """A text that holds for all conditions on one label, or None when there is none. `filled`:
    the label always has a value; otherwise a missing label is the empty text. Without `search`,
    only what takes microseconds is tried.

    Raises:
        Unknown: neither is certain.

    """
    ordered = tuple(sorted(set(conditions), key=str))
    guess = _guessed(ordered, filled)
    if guess.certain:
        return guess.text
    if not search:
        raise Unknown
    return _searched(ordered, filled)


@lru_cache(maxsize=8192)
def _guessed(conditions: tuple[Matcher, ...], filled: bool) -> Guess:
    holds = _holds(conditions, filled)
    only = _only(conditions)
    if only is not None:
        return Guess(next(filter(holds, only), None), certain=True)
    if _ends_differ(conditions):
        return Guess(None, certain=True)
    likely = next(filter(holds, _likely(conditions)), None)
    return Guess(likely, certain=likely is not None)


def _holds(conditions: Sequence[Matcher], filled: bool) -> Holds:
    def holds(text: str) -> bool:
        full = bool(text) or not filled
        return full and all(item.matches({item.label: text}) for item in conditions)

    return holds


def _only(conditions: Sequence[Matcher]) -> Sequence[str] | None:
    """The only texts there are, when one of the conditions names them."""
    for item in conditions:
        if item.op == "=":
            return (item.value,)
    named = (words_of(item.value) for item in conditions if item.op == "=~")
    return next((words for words in named if words is not None), None)


def _likely(conditions: Sequence[Matcher]) -> Iterator[str]:
    """Texts that often hold: none, a match of one expression, matches of two of them joined."""
    samples = [s for item in conditions if item.op == "=~" for s in samples_of(item.value)]
    yield from ("", *samples)
    yield from map("".join, permutations(samples[:SAMPLES_JOINED_MAX], 2))
    yield from ("any", "other")


def _ends_differ(conditions: Sequence[Matcher]) -> bool:
    """Whether two expressions cannot both match, as they begin or end with other texts."""
    wanted = [item.value for item in conditions if item.op == "=~"]
    return any(
        _apart(ends(one), ends(other))
        for index, one in enumerate(wanted)
        for other in wanted[index + 1 :]
        for ends in (heads, tails)
    )


def _apart(ones: Sequence[End], others: Sequence[End]) -> bool:
    return not any(_agree(one.text, other.text) for one in ones for other in others)


def _agree(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


@lru_cache(maxsize=1024)
def _searched(conditions: tuple[Matcher, ...], filled: bool) -> str | None:
    walkers = [_walker(item) for item in conditions]
    walkers.append(Walker(machine_of(".+"), wanted=True) if filled else None)
    known = [walker for walker in walkers if walker is not None]
    texts = list(islice(_walked(known), EXAMPLES_TRIED_MAX))
    found = next(filter(_holds(conditions, filled), texts), None)
    # Of fewer conditions there are more texts: where even these have none, there is none.
    if found is None and texts:
        raise Unknown
    return found


def _walker(condition: Matcher) -> Walker | None:
    regex = condition.op in ("=~", "!~")
    machine = machine_of(condition.value if regex else re.escape(condition.value))
    return None if machine is None else Walker(machine, wanted=condition.op == "=~")


def _walked(walkers: Sequence[Walker]) -> Iterator[str]:
    """Texts that hold for all walkers, a shortest one for each way in which they can stand.

    Raises:
        Unknown: there are too many ways.

    """
    letters = _letters(walkers)
    begin = tuple(walker.machine.initial for walker in walkers)
    seen, queue = {begin}, deque([(begin, "")])
    while queue:
        states, text = queue.popleft()
        if _accepted(walkers, states):
            yield text
        for letter, row in letters:
            after = _after(walkers, states, row)
            if after not in seen:
                seen.add(after)
                queue.append((after, text + letter))
        if len(seen) > STATES_MAX:
            raise Unknown


def _after(walkers: Sequence[Walker], states: tuple[Any, ...], row: tuple[Any, ...]) -> Any:
    return tuple(
        walker.machine.map[state][chars]
        for walker, state, chars in zip(walkers, states, row, strict=True)
    )


def _accepted(walkers: Sequence[Walker], states: tuple[Any, ...]) -> bool:
    return all(
        (state in walker.machine.finals) is walker.wanted
        for walker, state in zip(walkers, states, strict=True)
    )


def _letters(walkers: Sequence[Walker]) -> list[tuple[str, tuple[Any, ...]]]:
    """One character for each way in which the automata tell characters apart."""
    bounds = {
        chr(code)
        for walker in walkers
        for chars in walker.machine.alphabet
        for first, last in chars.ord_ranges
        for code in (first, last, last + 1)
    }
    rows = {
        tuple(_class_of(walker.machine, letter) for walker in walkers): letter
        for letter in [*sorted(bounds), *reversed(READABLE)]
    }
    return [(letter, row) for row, letter in rows.items()]


def _class_of(machine: Any, letter: str) -> Any:
    return next(chars for chars in machine.alphabet if chars.accepts(letter))
