"""The commands of a runbook as an outline: lines, with what depends on them indented below.

It keeps only what changes the order of commands: the commands, the ways out, and the conditions
and loops around them. Written out, an outline is a list of texts that people compare in a diff;
read back, it is the same outline.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

INDENT = "  "
RETURN = "return"
# The block of a helper that has ways out of its own, which leave the helper only.
CALL = "call:"
# What others may say to a run while it is under way.
DOORS = ("signal ", "update ", "begin:")
_JUMPS = ("break", "continue")
_LOOPS = ("for ", "while ")
_GOES_ON = ("else:", "except", "finally:", "case ")
_MAY_VANISH = ("else:", "finally:")
_ENDS_WITH = ("if ", "match ", "else:", "except", "case ")
_GUARD = re.compile(r"""if workflow\.patched\((?P<quote>['"])(?P<id>[^'"]*)(?P=quote)\):""")


class Line(NamedTuple):
    """One line, and the lines that depend on it. A line that ends with `:` begins a block."""

    text: str
    inner: tuple["Line", ...] = ()


Lines = tuple[Line, ...]


def written(lines: Iterable[Line], depth: int = 0) -> tuple[str, ...]:
    """One text a line, two spaces for each level."""
    return tuple(
        text
        for line in lines
        for text in (INDENT * depth + line.text, *written(line.inner, depth + 1))
    )


def read(texts: Sequence[str]) -> Lines:
    """The outline that was written so."""
    found: list[Line] = []
    index = 0
    while index < len(texts):
        end = index + 1
        while end < len(texts) and texts[end].startswith(INDENT):
            end += 1
        inner = [text.removeprefix(INDENT) for text in texts[index + 1 : end]]
        found.append(Line(texts[index], read(inner)))
        index = end
    return tuple(found)


def normal(lines: Iterable[Line]) -> Lines:
    """The outline of a class: its run, and below it what its doors do. Two outlines that give the
    same commands in every case are written alike, as far as the text shows.
    """
    every = tuple(lines)
    run = body(line for line in every if not line.text.startswith(DOORS))
    doors = (Line(d.text, body(d.inner)) for d in every if d.text.startswith(DOORS))
    return (*run, *sorted(door for door in doors if door.inner))


def body(lines: Iterable[Line]) -> Lines:
    """The outline of a whole function: a `return` at its end is what happens there anyway."""
    found = _tidy(lines)
    while (shorter := _tidy(_without_last_return(found))) != found:
        found = shorter
    return found


def _tidy(lines: Iterable[Line]) -> Lines:
    """Without blocks in which nothing happens, and without calls that only group."""
    whole = [Line(line.text, _inner(line)) for line in lines]
    kept = [line for chain in chains(whole) for line in _kept(chain)]
    return tuple(one for line in kept for one in _opened(line))


def _inner(line: Line) -> Lines:
    return body(line.inner) if line.text == CALL else _tidy(line.inner)


def chains(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """`if` with its `else`, `try` with its handlers, everything else alone."""
    chain: list[Line] = []
    for line in lines:
        if chain and not line.text.startswith(_GOES_ON):
            yield chain
            chain = []
        chain.append(line)
    if chain:
        yield chain


def guard_of(line: Line) -> str | None:
    """The id of `if workflow.patched("ID"):`, or None; a condition with more in it is no guard."""
    found = _GUARD.fullmatch(line.text)
    return found["id"] if found else None


def chosen(lines: Iterable[Line], is_new: Callable[[str], bool | None]) -> Lines:
    """The outline with the guards decided: True takes what is new, False what was before, and
    None leaves the guard.
    """
    found: list[Line] = []
    for chain in chains(lines):
        identity = guard_of(chain[0])
        answer = None if identity is None else is_new(identity)
        taken = chain if answer is None else _branch(chain, new=answer)
        deeper = (Line(line.text, chosen(line.inner, is_new)) for line in taken)
        found.extend(deeper if answer is None else chosen(taken, is_new))
    return tuple(found)


def guards(lines: Iterable[Line]) -> set[str]:
    """The ids of all guards."""
    found: set[str] = set()
    for line in lines:
        identity = guard_of(line)
        found |= guards(line.inner) | ({identity} if identity is not None else set())
    return found


def leaves(lines: Iterable[Line]) -> Iterator[str]:
    """The lines that begin no block, in order."""
    for line in lines:
        yield from leaves(line.inner) if line.text.endswith(":") else (line.text,)


def _branch(chain: Sequence[Line], *, new: bool) -> Lines:
    if new:
        return chain[0].inner
    return next((line.inner for line in chain if line.text == "else:"), ())


def _kept(chain: Sequence[Line]) -> Sequence[Line]:
    head = chain[0]
    if not head.text.endswith(":"):
        return chain
    if head.text.startswith(_LOOPS) and set(leaves(chain)) <= set(_JUMPS):
        return ()
    if head.text.startswith("try:") and not head.inner:
        return [line for part in chain if part.text in _MAY_VANISH for line in part.inner]
    if not any(line.inner for line in chain):
        return ()
    return [line for line in chain if line.inner or line.text not in _MAY_VANISH]


def _opened(line: Line) -> Lines:
    only_groups = line.text == CALL and RETURN not in set(_own_leaves(line.inner))
    return line.inner if only_groups else (line,)


def _own_leaves(lines: Iterable[Line]) -> Iterator[str]:
    """Without those of calls inside, whose ways out are their own."""
    for line in lines:
        if line.text != CALL:
            yield from _own_leaves(line.inner) if line.text.endswith(":") else (line.text,)


def _without_last_return(lines: Lines) -> Lines:
    """Without the `return` at the end, also at the end of each branch that stands there."""
    if lines and lines[-1].text == RETURN:
        return lines[:-1]
    *before, last = list(chains(lines)) or [[]]
    if not last or not last[-1].text.startswith(_ENDS_WITH):
        return lines
    shorter = [_branch_without(line) for line in last]
    return (*(line for chain in before for line in chain), *shorter)


def _branch_without(line: Line) -> Line:
    ends = line.text.startswith(_ENDS_WITH)
    return Line(line.text, _without_last_return(line.inner)) if ends else line
