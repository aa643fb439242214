"""One file as the rules see it: its text, its syntax tree, and what its names mean.

Names are followed through imports, so that `from datetime import datetime as dt` hides nothing.
Nothing is imported and nothing runs: whatever cannot be told from the text is told to be unknown.
"""

import ast
import builtins
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from workflows.authoring.faults import Fault

Function = ast.FunctionDef | ast.AsyncFunctionDef
N = TypeVar("N", bound=ast.AST)
UNKNOWN = ""


@dataclass(frozen=True, eq=False)
class Source:
    """A file that parses. `path` says where it is told to be; it is never read."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def is_helper(self) -> bool:
        """Whether the file is imported by runbooks, and is none itself."""
        return self.path.stem.startswith("_")

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    def each(self, kind: type[N]) -> Iterator[N]:
        """Every node of exactly one kind, the outer before the inner."""
        return (node for node in self._kinds.get(kind, ()) if isinstance(node, kind))

    @cached_property
    def _kinds(self) -> dict[type[ast.AST], list[ast.AST]]:
        found: dict[type[ast.AST], list[ast.AST]] = {}
        for node in self.nodes:
            found.setdefault(type(node), []).append(node)
        return found

    @cached_property
    def aliases(self) -> dict[str, str]:
        """What each imported name stands for, dotted; relative imports stand for nothing."""
        found: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found |= dict(map(_bound, node.names))
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = node.names
                found |= {name.asname or name.name: f"{node.module}.{name.name}" for name in names}
        return found

    @cached_property
    def for_types(self) -> frozenset[ast.stmt]:
        """What stands right under `if TYPE_CHECKING:`; it never runs."""
        return frozenset(
            item
            for node in self.each(ast.If)
            if self.resolve(node.test) == "typing.TYPE_CHECKING"
            if "TYPE_CHECKING" not in self.own_names
            for item in node.body
        )

    @cached_property
    def calls(self) -> dict[str, list[ast.Call]]:
        """The calls of each dotted name."""
        found: dict[str, list[ast.Call]] = {}
        for node in self.each(ast.Call):
            found.setdefault(self.resolve(node.func), []).append(node)
        return found

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node around each node."""
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    @cached_property
    def own_names(self) -> frozenset[str]:
        """Every name that the file itself binds, anywhere; a method binds none."""
        stored = {n.id for n in self.nodes if isinstance(n, ast.Name) and not _loads(n)}
        given = {n.arg for n in self.nodes if isinstance(n, ast.arg)}
        defined = {
            n.name
            for kind in DEFINITIONS
            for n in self.each(kind)
            if isinstance(n, DEFINITIONS)
            if not isinstance(self.parents[n], ast.ClassDef)
        }
        return frozenset(stored | given | defined)

    @cached_property
    def constants(self) -> dict[str, int | float | str | bool]:
        """The names that the file binds once, at its top, to a number or a text."""
        stored = Counter(n.id for n in self.each(ast.Name) if not _loads(n))
        stored.update(arg.arg for arg in self.each(ast.arg))
        return {
            target.id: node.value.value
            for node in self.tree.body
            if isinstance(node, (ast.Assign, ast.AnnAssign))
            if isinstance(node.value, ast.Constant)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name) and stored[target.id] == 1
            if isinstance(node.value.value, (int, float, str, bool))
        }

    def resolve(self, node: ast.expr) -> str:
        """The dotted name that an expression stands for: `datetime.datetime.now`, `builtins.open`;
        `UNKNOWN` for what the file binds itself.
        """
        if isinstance(node, ast.Attribute):
            inner = self.resolve(node.value)
            return f"{inner}.{node.attr}" if inner else UNKNOWN
        if not isinstance(node, ast.Name):
            return UNKNOWN
        if node.id in self.aliases:
            return self.aliases[node.id]
        known = hasattr(builtins, node.id) and node.id not in self.own_names
        return f"builtins.{node.id}" if known else UNKNOWN

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, the nearest first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def fault(self, node: ast.stmt | ast.expr | ast.excepthandler, why: str, what: str) -> Fault:
        """A fault in the line where `node` begins."""
        return Fault(self.path, node.lineno, why, what)


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)


def parsed(path: Path, text: str) -> Source:
    """The source of a file.

    Raises:
        SyntaxError, ValueError: as Python says it.

    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Source(path, text, ast.parse(text, str(path)))


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What belongs to a function or block itself, without the functions and classes inside."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            yield child
            yield from own_nodes(child)


def is_true(test: ast.expr) -> bool:
    """Whether a condition always holds."""
    return isinstance(test, ast.Constant) and bool(test.value)


def is_false(test: ast.expr) -> bool:
    """Whether a condition never holds."""
    return isinstance(test, ast.Constant) and not test.value


def _bound(name: ast.alias) -> tuple[str, str]:
    """`import a.b` binds `a`; `import a.b as c` binds `c` to `a.b`."""
    top = name.name.partition(".")[0]
    return (name.asname, name.name) if name.asname else (top, top)


def _loads(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)
