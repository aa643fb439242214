"""Finds the functions that a runbook calls: its own methods, functions of its file and of the
helper files beside it. What is imported from elsewhere is not looked into.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from workflows.authoring.checks.shapes import (
    is_helper_module,
    lineage,
    methods,
    parameters,
    receivers,
)
from workflows.authoring.checks.source import FUNCTIONS, UNKNOWN, Function, Source, parsed
from workflows.authoring.fingerprints.naming import Scope, is_runbook, known_step


class Helper(NamedTuple):
    """A function whose text is known; `key` is different for each."""

    source: Source
    function: Function
    key: str


class Helpers:
    """What can be called from the class `owner` of `source`. `texts`: helper files by module name;
    one that does not parse is taken for unknown.
    """

    def __init__(self, source: Source, owner: ast.ClassDef, texts: Mapping[str, str]) -> None:
        self._source = source
        self._owner = owner
        self._files = {name: file for name, text in texts.items() for file in _parsed(name, text)}

    def called(self, func: ast.expr, scope: Scope) -> Helper | None:
        """The function that `func` names."""
        name = scope.source.resolve(func)
        if isinstance(func, ast.Attribute) and is_runbook(func.value, scope):
            return self._method(func.attr)
        if is_helper_module(name):
            module, _, attribute = name.removeprefix("runbooks.").rpartition(".")
            file = self._files.get(module)
            return None if file is None else self._function(file, attribute)
        if isinstance(func, ast.Name) and name == UNKNOWN:
            return self._function(scope.source, func.id)
        return None

    def key_of(self, source: Source, function: Function) -> str:
        """Different for each function."""
        return f"{source.path}:{function.lineno}"

    def _method(self, name: str) -> Helper | None:
        found = (methods(item).get(name) for item in lineage(self._source, self._owner))
        return self._helper(self._source, next((item for item in found if item), None))

    def _function(self, source: Source, name: str) -> Helper | None:
        found = (
            node
            for node in source.nodes
            if isinstance(node, FUNCTIONS)
            and node.name == name
            and not isinstance(source.parents[node], ast.ClassDef)
        )
        return self._helper(source, next(found, None))

    def _helper(self, source: Source, function: Function | None) -> Helper | None:
        return Helper(source, function, self.key_of(source, function)) if function else None


def bound(helper: Helper, call: ast.Call | None, scope: Scope) -> Scope:
    """The scope inside a helper: which parameters are the runbook, and which are which step."""
    source, function, key = helper
    pairs = dict(_pairs(source, function, call)) if call is not None else {}
    runbooks = {name for name, value in pairs.items() if is_runbook(value, scope)}
    steps = {name: known_step(value, scope) for name, value in pairs.items()}
    nested = any(isinstance(node, FUNCTIONS) for node in source.around(function))
    return Scope(
        source=source,
        function=function,
        runbooks=frozenset(
            runbooks | receivers(source, function) | (scope.runbooks if nested else set())
        ),
        given={name: step for name, step in steps.items() if step},
        stack=(*scope.stack, key),
    )


def _pairs(source: Source, function: Function, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """Each parameter with what the call gives it."""
    names = [arg.arg for arg in parameters(function)]
    method = isinstance(source.parents[function], ast.ClassDef)
    static = any(ast.unparse(item) == "staticmethod" for item in function.decorator_list)
    yield from zip(names[1:] if method and not static else names, call.args, strict=False)
    yield from ((key.arg, key.value) for key in call.keywords if key.arg in names and key.arg)


def _parsed(name: str, text: str) -> Iterator[Source]:
    try:
        yield parsed(Path(f"{name}.py"), text)
    except (SyntaxError, ValueError):
        return
