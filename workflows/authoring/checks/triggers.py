"""Whether an alert can start a runbook at all, and whether one alert can start two.

The worker never guesses between two runbooks of equal weight: it starts neither, and tells a
person. Here that is found out before an alert does, with the labels of such an alert.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from contracts.matching import Matcher, Operator, Trigger
from workflows.authoring.checks.languages import Unknown, example
from workflows.authoring.faults import Fault

NAME = "alertname"
# How many alerts are tried that two runbooks share, but that a heavier trigger decides.
TRIES_MAX = 32
PAIRS_SEARCHED_MAX = 50
_OPPOSITES: dict[Operator, Operator] = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}

Labels = dict[str, str]


class Item(NamedTuple):
    """A runbook as its triggers see it. `line` counts from 1; 0 means the file as a whole."""

    name: str
    path: Path
    line: int
    triggers: tuple[Trigger, ...]


def impossible(trigger: Trigger) -> str | None:
    """Why no alert can match, or None when one can, or when nobody can tell."""
    for label, conditions in _by_label(trigger.matchers).items():
        try:
            found = example(conditions, filled=label == NAME)
        except Unknown:
            continue
        if found is None:
            return f"no alert has {' and '.join(map(str, conditions))}{_hint(label, conditions)}"
    return None


def can_overlap(one: Trigger, other: Trigger) -> bool:
    """Whether one alert can match both; False also when nobody can tell."""
    try:
        return common_alert((*one.matchers, *other.matchers)) is not None
    except Unknown:
        return False


def common_alert(matchers: Sequence[Matcher], *, search: bool = True) -> Labels | None:
    """The labels of an alert for which all `matchers` hold, or None when there is none.

    Raises:
        Unknown: neither is certain.

    """
    labels: Labels = {}
    unknown = None
    for label, conditions in _by_label(matchers).items():
        try:
            value = example(conditions, filled=label == NAME, search=search)
        except Unknown as err:
            unknown = err
            continue
        if value is None:
            return None
        labels[label] = value
    if unknown is not None:
        raise unknown
    return {label: value for label, value in labels.items() if value}


def faults_between(items: Sequence[Item]) -> list[Fault]:
    """Names that stand twice, and pairs of runbooks that one alert can start with equal weight.
    Of each pair the later item has the fault.

    Of expressions that must be searched to be told apart, `PAIRS_SEARCHED_MAX` pairs are; two
    runbooks of which nobody can tell are assumed to differ.
    """
    faults: list[Fault] = []
    searched = 0
    for one, other in combinations(items, 2):
        faults.extend(_same_name(one, other))
        try:
            faults.extend(_same_alert(one, other, items, search=False))
        except Unknown:
            searched += 1
            if searched <= PAIRS_SEARCHED_MAX:
                with suppress(Unknown):
                    faults.extend(_same_alert(one, other, items, search=True))
    return faults


def _same_name(one: Item, other: Item) -> Iterator[Fault]:
    if one.name == other.name:
        why = f"the name '{one.name}' is taken by {one.path}"
        what = "Give one of them another name in `@workflow.defn(name=...)`."
        yield Fault(other.path, other.line, why, what)


def _same_alert(one: Item, other: Item, items: Sequence[Item], *, search: bool) -> list[Fault]:
    """At most one fault a pair: an author mends the first, and asks again."""
    pairs = [(a, b) for a in one.triggers for b in other.triggers if a.weight == b.weight]
    for mine, theirs in pairs:
        alerts = _Alerts(items, mine.weight, search=search)
        labels = alerts.undecided((*mine.matchers, *theirs.matchers))
        if labels is not None:
            return [_ambiguous(one, other, labels, mine.weight)]
    return []


class _Alerts:
    """Looks for an alert that no trigger above `weight` decides, in `TRIES_MAX` tries."""

    def __init__(self, items: Sequence[Item], weight: int, *, search: bool) -> None:
        self._items = items
        self._weight = weight
        self._search = search
        self._tries = TRIES_MAX

    def undecided(self, matchers: tuple[Matcher, ...]) -> Labels | None:
        """An alert for which `matchers` hold; None when there is none, or none is found."""
        labels = common_alert(matchers, search=self._search)
        self._tries -= 1
        if labels is None or self._tries < 0:
            return None
        winner = next((trigger for trigger in self._heavier() if trigger.matches(labels)), None)
        if winner is None:
            return labels
        others = (self.undecided((*matchers, _opposite(m))) for m in winner.matchers)
        return next((found for found in others if found is not None), None)

    def _heavier(self) -> Iterator[Trigger]:
        return (t for item in self._items for t in item.triggers if t.weight > self._weight)


def _opposite(matcher: Matcher) -> Matcher:
    return Matcher(label=matcher.label, op=_OPPOSITES[matcher.op], value=matcher.value)


def _ambiguous(one: Item, other: Item, labels: Labels, weight: int) -> Fault:
    shown = ", ".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    why = f"'{other.name}' and '{one.name}' both start, with equal weight {weight}, for {{{shown}}}"
    what = (
        f"The worker would start neither. Give one of them more, `@on_alert(..., weight="
        f"{weight + 10})`, or tell them apart with a matcher."
    )
    return Fault(other.path, other.line, f"{why} ({one.path.name})", what)


def _by_label(matchers: Sequence[Matcher]) -> dict[str, list[Matcher]]:
    """The conditions on each label; every alert has a name."""
    found: dict[str, list[Matcher]] = {NAME: []}
    for matcher in matchers:
        found.setdefault(matcher.label, []).append(matcher)
    return found


def _hint(label: str, conditions: Sequence[Matcher]) -> str:
    if len(conditions) > 1:
        return " at once"
    return ": every alert has a name" if label == NAME else ""
