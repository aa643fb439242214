"""Where toil comes from, and which of it may be shown in minutes.

A figure is hidden when too few people stand behind it, and all are hidden when the rest, which
anybody can compute from the total, would have too few behind it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from contracts.model import Contract
from contracts.toil import Entry, Observation
from toil.figures import SourceFigures
from toil.work import TOIL, Work, source_of

WEEKS_MIN = 4
Place = tuple[str, str]


class Cell(Contract):
    """The human time of one source, and who it was."""

    seconds: int
    people: frozenset[str]


def sources_of(
    acts: Iterable[Observation], entries: Sequence[Entry], minutes: Mapping[Place, int]
) -> tuple[SourceFigures, ...]:
    """All sources, most frequent first; `minutes` has the seconds that may be shown."""
    logged = [e for e in entries if e.method != "automatic" and e.category in TOIL]
    by_hand = Counter({source_of(row): 0 for row in entries if row.method == "automatic"})
    known = {entry.key for entry in entries}
    by_hand.update(source_of(act) for act in acts if act.key not in known)
    by_hand.update(source_of(entry) for entry in logged)
    alone = Counter(source_of(entry) for entry in entries if entry.method == "automatic")
    figures = (
        SourceFigures(
            service=place[0],
            source=place[1],
            count=count,
            automatic_count=alone[place],
            seconds=minutes.get(place),
        )
        for place, count in by_hand.items()
    )
    return tuple(sorted(figures, key=lambda f: (-f.count - f.automatic_count, f.service, f.source)))


def shown_minutes(work: Iterable[Work], weeks: int, min_group: int) -> dict[Place, int]:
    """The seconds of each source that may be shown: none, some, or all of them."""
    cells = _cells(item for item in work if item.category in TOIL and item.seconds)
    if weeks < WEEKS_MIN:
        return {}
    hidden = {place: cell for place, cell in cells.items() if len(cell.people) < min_group}
    behind = frozenset[str]().union(*(cell.people for cell in hidden.values()))
    if hidden and len(behind) < min_group:
        return {}
    return {place: cell.seconds for place, cell in cells.items() if place not in hidden}


def _cells(work: Iterable[Work]) -> dict[Place, Cell]:
    cells: dict[Place, Cell] = {}
    for item in work:
        place = item.service, item.source
        cell = cells.get(place, Cell(seconds=0, people=frozenset()))
        people = cell.people | ({item.person} if item.person else set())
        cells[place] = Cell(seconds=cell.seconds + item.seconds, people=people)
    return cells
