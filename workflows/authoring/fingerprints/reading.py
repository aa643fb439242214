"""Reads the outline of a class from its text: in the order in which Python would evaluate it, with
helpers of the file (and of helper files) in the places where they are called.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workflows.authoring.checks.shapes import HANDLERS, RUN, decorated, lineage, methods, receivers
from workflows.authoring.checks.source import Function, Source
from workflows.authoring.fingerprints.helpers import Helpers
from workflows.authoring.fingerprints.naming import Scope, condition
from workflows.authoring.fingerprints.outline import Line
from workflows.authoring.fingerprints.reading_expressions import PATCHED, Expressions

_WAYS_OUT: dict[type[ast.stmt], str] = {
    ast.Return: "return",
    ast.Raise: "raise",
    ast.Break: "break",
    ast.Continue: "continue",
}
_BLOCKS = ("asyncio.timeout", "asyncio.timeout_at", "asyncio.TaskGroup")


class Reader(Expressions):
    """Reads one class. `texts` are the helper files beside it, by module name."""

    def __init__(self, source: Source, owner: ast.ClassDef, texts: Mapping[str, str]) -> None:
        super().__init__(Helpers(source, owner, texts))
        self._source = source
        self._owner = owner
        self._compound: dict[type[ast.stmt], Callable[[Any, Scope], list[Line]]] = {
            ast.If: self._if,
            **dict.fromkeys((ast.For, ast.AsyncFor, ast.While), self._loop),
            **dict.fromkeys((ast.Try, ast.TryStar), self._try),
            **dict.fromkeys((ast.With, ast.AsyncWith), self._with),
            ast.Match: self._match,
            **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef), _defined),
        }

    def outline(self) -> list[Line]:
        """The lines of `run`, and a block for each door and for `__init__`."""
        found: list[Line] = []
        for item in lineage(self._source, self._owner):
            for method in methods(item).values():
                inner = tuple(self._function(method))
                if decorated(self._source, method, RUN) and item is self._owner:
                    found.extend(inner)
                found.extend(Line(head, inner) for head in self._heads(method))
        return found

    def _heads(self, method: Function) -> list[str]:
        """The heads of the blocks in which a method stands by itself."""
        doors = decorated(self._source, method, HANDLERS)
        kinds = [ast.unparse(door).partition("(")[0].rpartition(".")[2] for door in doors]
        begin = ["begin:"] if method.name == "__init__" else []
        return [*begin, *(f"{kind} {method.name}:" for kind in kinds)]

    def _function(self, function: Function) -> list[Line]:
        given = frozenset(receivers(self._source, function))
        key = self.helpers.key_of(self._source, function)
        return self.block(function.body, Scope(self._source, function, given, {}, (key,)))

    def block(self, block: Sequence[ast.stmt], scope: Scope) -> list[Line]:
        """The lines of statements, one after another."""
        return [line for item in block for line in self._statement(item, scope)]

    def _statement(self, node: ast.stmt, scope: Scope) -> list[Line]:
        compound = self._compound.get(type(node))
        if compound is not None:
            return compound(node, scope)
        found = self.parts(node, scope)
        return [*found, Line(_WAYS_OUT[type(node)])] if type(node) in _WAYS_OUT else found

    def _if(self, node: ast.If, scope: Scope) -> list[Line]:
        identity = _patch_of(node.test, scope)
        if identity is not None:
            return self._guard(node, identity, scope)
        head = Line(f"if {condition(node.test, scope)}:", tuple(self.block(node.body, scope)))
        tail = self._labelled("else:", node.orelse, scope)
        return [*self.expression(node.test, scope), head, *tail]

    def _guard(self, node: ast.If, identity: str, scope: Scope) -> list[Line]:
        """`if not workflow.patched(...)` is the same guard the other way round."""
        new, old = node.body, node.orelse
        if isinstance(node.test, ast.UnaryOp):
            new, old = old, new
        head = Line(f"if workflow.patched({identity!r}):", tuple(self.block(new, scope)))
        return [head, *self._labelled("else:", old, scope)]

    def _labelled(self, label: str, block: Sequence[ast.stmt], scope: Scope) -> list[Line]:
        return [Line(label, tuple(self.block(block, scope)))] if block else []

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While, scope: Scope) -> list[Line]:
        inner = self.block(node.body, scope)
        if isinstance(node, ast.While):
            inner = [*self.expression(node.test, scope), *inner]
            head = [Line(f"while {condition(node.test, scope)}:", tuple(inner))]
        else:
            target, items = ast.unparse(node.target), condition(node.iter, scope)
            head = [
                *self.expression(node.iter, scope),
                Line(f"for {target} in {items}:", tuple(inner)),
            ]
        return [*head, *self._labelled("else:", node.orelse, scope)]

    def _try(self, node: ast.Try | ast.TryStar, scope: Scope) -> list[Line]:
        found = [Line("try:", tuple(self.block(node.body, scope)))]
        for handler in node.handlers:
            caught = f" {ast.unparse(handler.type)}" if handler.type else ""
            found.append(Line(f"except{caught}:", tuple(self.block(handler.body, scope))))
        found.extend(self._labelled("else:", node.orelse, scope))
        return [*found, *self._labelled("finally:", node.finalbody, scope)]

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> list[Line]:
        entered = [line for item in node.items for line in self.parts(item, scope)]
        inner = self.block(node.body, scope)
        for item in node.items:
            if isinstance(item.context_expr, ast.Call):
                name = scope.source.resolve(item.context_expr.func)
                if name in _BLOCKS:
                    inner = [Line(f"with {name}:", tuple(inner))]
        return [*entered, *inner]

    def _match(self, node: ast.Match, scope: Scope) -> list[Line]:
        found = [Line(f"match {condition(node.subject, scope)}:")]
        for case in node.cases:
            guard = f" if {condition(case.guard, scope)}" if case.guard else ""
            head = f"case {ast.unparse(case.pattern)}{guard}:"
            found.append(Line(head, tuple(self.block(case.body, scope))))
        return [*self.expression(node.subject, scope), *found]


def _defined(_node: ast.stmt, _scope: Scope) -> list[Line]:
    """What is only defined happens where it is called."""
    return []


def _patch_of(test: ast.expr, scope: Scope) -> str | None:
    """The id of `workflow.patched("ID")`, also of its opposite."""
    call = test.operand if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else test
    if not isinstance(call, ast.Call) or scope.source.resolve(call.func) != PATCHED:
        return None
    values = [item.value for item in call.args if isinstance(item, ast.Constant)]
    return values[0] if values and isinstance(values[0], str) else None
