"""A runbook's source under another name: the start of a new one, from one that is near."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from contracts.errors import InvalidInput

_WEIGHT_COMMENT = (
    "# The same alert as the runbook this was copied from; of two, the heavier weight wins.\n"
)


class Edit(NamedTuple):
    """A span of the source, as offsets in bytes, and what stands there afterwards."""

    begin: int
    end: int
    text: str


def renamed(source: str, name: str, class_name: str) -> str:
    """The source with another class and workflow name, and each trigger one heavier.

    Raises:
        InvalidInput: it does not hold exactly one workflow.

    """
    try:
        tree = ast.parse(source)
    except SyntaxError as err:
        fix = "Mend it first, or start without --from."
        raise InvalidInput(f"the runbook to copy is no Python: {err}", fix) from err
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and _defn(node)]
    if len(found) != 1:
        fix = "Copy a file that holds one."
        raise InvalidInput(f"the runbook to copy holds {len(found)} workflow classes", fix)
    places = Places(source)
    edits = [*_names(tree, found[0], class_name, places), *_decorators(found[0], name, places)]
    return places.edited(edits)


class Places:
    """Finds nodes in a source; Python counts their columns in bytes."""

    def __init__(self, source: str) -> None:
        self._bytes = source.encode()
        lengths = [len(line) for line in self._bytes.splitlines(keepends=True)]
        self._starts = [sum(lengths[:number]) for number in range(len(lengths))]

    def begin(self, node: ast.expr | ast.stmt) -> int:
        """The offset of its first byte."""
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        """The offset behind its last byte."""
        return self._starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)

    def word(self, word: str, after: int) -> int:
        """The offset of a word."""
        return self._bytes.index(word.encode(), after)

    def line(self, node: ast.expr) -> int:
        """The offset of the line on which it begins."""
        return self._starts[node.lineno - 1]

    def edited(self, edits: list[Edit]) -> str:
        """The source after all edits."""
        text = self._bytes
        for edit in sorted(edits, reverse=True):
            text = text[: edit.begin] + edit.text.encode() + text[edit.end :]
        return text.decode()


def _names(tree: ast.Module, found: ast.ClassDef, new: str, places: Places) -> Iterator[Edit]:
    begin = places.word(found.name, places.begin(found) + len("class"))
    yield Edit(begin, begin + len(found.name.encode()), new)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == found.name:
            yield Edit(places.begin(node), places.end(node), new)


def _decorators(found: ast.ClassDef, name: str, places: Places) -> Iterator[Edit]:
    defn = _defn(found)
    if defn is not None:
        yield _with_argument(defn, "name", f'"{name}"', places)
    triggers = [node for node in found.decorator_list if _called(node) == "on_alert"]
    for node in triggers:
        given = _given(node, "weight")
        heavier = "1" if given is None else _one_more(given)
        yield _with_argument(node, "weight", heavier, places)
    for node in triggers[:1]:
        yield Edit(places.line(node), places.line(node), _WEIGHT_COMMENT)


def _with_argument(node: ast.expr, name: str, value: str, places: Places) -> Edit:
    """The keyword argument with that value, whether it was there or not."""
    given = _given(node, name)
    if given is not None:
        return Edit(places.begin(given), places.end(given), value)
    if not isinstance(node, ast.Call):
        return Edit(places.end(node), places.end(node), f"({name}={value})")
    arguments: list[ast.expr] = [*node.args, *(keyword.value for keyword in node.keywords)]
    if not arguments:
        return Edit(places.end(node) - 1, places.end(node) - 1, f"{name}={value}")
    last = max(map(places.end, arguments))
    return Edit(last, last, f", {name}={value}")


def _one_more(weight: ast.expr) -> str:
    known = isinstance(weight, ast.Constant) and isinstance(weight.value, int)
    return str(ast.literal_eval(weight) + 1) if known else f"{ast.unparse(weight)} + 1"


def _given(node: ast.expr, name: str) -> ast.expr | None:
    keywords = node.keywords if isinstance(node, ast.Call) else []
    return next((keyword.value for keyword in keywords if keyword.arg == name), None)


def _defn(node: ast.ClassDef) -> ast.expr | None:
    return next((each for each in node.decorator_list if _called(each) == "defn"), None)


def _called(node: ast.expr) -> str:
    """The last name of a decorator, called or not."""
    named = node.func if isinstance(node, ast.Call) else node
    if isinstance(named, ast.Attribute):
        return named.attr
    return named.id if isinstance(named, ast.Name) else ""
