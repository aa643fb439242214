"""What a step, a condition or an activity is called in an outline.

A step is called by its class, as far as the text shows which it is; a condition is called by its
own text, in which calls of verbs are shortened and constants of the file are filled in.
"""

import ast
import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from workflows.authoring.checks.shapes import VERBS
from workflows.authoring.checks.source import FUNCTIONS, Function, Source, own_nodes

HOPS_MAX = 8
# A condition on a name is a condition on what the name was bound to, and so on.
NAMES_FOLLOWED_MAX = 3
_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)


class Scope(NamedTuple):
    """Where a piece of code is read: its file, its function, the names by which the runbook goes
    there, the steps that it was given as parameters, and the functions around the reader.
    """

    source: Source
    function: Function | None
    runbooks: frozenset[str]
    given: Mapping[str, str]
    stack: tuple[str, ...] = ()


def is_runbook(node: ast.expr, scope: Scope) -> bool:
    """Whether an expression is the runbook itself."""
    return isinstance(node, ast.Name) and node.id in scope.runbooks


def verb_of(node: ast.AST, scope: Scope) -> str | None:
    """`look` for `self.look`, and so on."""
    if isinstance(node, ast.Attribute) and node.attr in VERBS and is_runbook(node.value, scope):
        return node.attr
    return None


def step_of(call: ast.Call, scope: Scope) -> str:
    """The class of the step that a verb is given, `A|B` when it may be either, or its own text."""
    given = [*call.args, *(key.value for key in call.keywords if key.arg != "within")]
    return (known_step(given[0], scope) or condition(given[0], scope)) if given else "nothing"


def known_step(node: ast.expr, scope: Scope) -> str:
    """The class of a step, or nothing when nobody can tell."""
    return "|".join(dict.fromkeys(_steps(node, scope, HOPS_MAX)))


def _steps(node: ast.expr, scope: Scope, hops: int) -> Iterator[str]:
    if hops == 0:
        return
    if isinstance(node, ast.IfExp):
        yield from _steps(node.body, scope, hops - 1)
        yield from _steps(node.orelse, scope, hops - 1)
    elif isinstance(node, ast.Call):
        yield from _made_by(node.func, scope, hops - 1)
    elif isinstance(node, ast.Name) and node.id in scope.given:
        yield scope.given[node.id]
    elif isinstance(node, (ast.Name, ast.Attribute)):
        for value in _bound_to(node, scope):
            yield from _steps(value, scope, hops - 1)
    elif isinstance(node, (ast.List, ast.Tuple)):
        for value in node.elts:
            yield from _steps(value, scope, hops - 1)
    elif isinstance(node, (ast.NamedExpr, ast.Starred, ast.Subscript)):
        yield from _steps(node.value, scope, hops - 1)


def _made_by(func: ast.expr, scope: Scope, hops: int) -> Iterator[str]:
    """The classes of what a call gives: `PodLogs(...)`, `step.model_copy(...)`, an own helper."""
    if isinstance(func, ast.IfExp):
        yield from _made_by(func.body, scope, hops)
        yield from _made_by(func.orelse, scope, hops)
        return
    name = _class_in(scope.source.resolve(func) or ast.unparse(func))
    if name:
        yield name
    elif isinstance(func, ast.Attribute) and func.attr.startswith("model_"):
        yield from _steps(func.value, scope, hops)
    else:
        yield from _returned(func, scope, hops)


def _class_in(name: str) -> str:
    """`PodLogs` of `contracts.kubernetes.PodLogs.model_validate`."""
    parts = [part for part in name.split(".") if part.isidentifier() and part[:1].isupper()]
    return parts[-1] if parts else ""


def _returned(func: ast.expr, scope: Scope, hops: int) -> Iterator[str]:
    name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    for node in scope.source.nodes:
        if isinstance(node, FUNCTIONS) and node.name == name:
            inside = scope._replace(function=node, given={})
            for item in own_nodes(node):
                if isinstance(item, ast.Return) and item.value is not None:
                    yield from _steps(item.value, inside, hops)


def _bound_to(node: ast.Name | ast.Attribute, scope: Scope) -> Iterator[ast.expr]:
    """What a name is bound to in its function, or else in the file; also in a loop."""
    text = ast.unparse(node)
    places: list[ast.AST] = (
        [scope.function] if scope.function and isinstance(node, ast.Name) else []
    )
    for place in (*places, scope.source.tree):
        found = [value for item in ast.walk(place) for value in _binding(item, text)]
        if found:
            yield from found
            return


def _binding(node: ast.AST, text: str) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assign):
        pairs = [pair for target in node.targets for pair in _paired(target, node.value)]
        yield from (value for target, value in pairs if ast.unparse(target) == text)
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
        if ast.unparse(node.target) == text:
            yield node.value
    elif isinstance(node, _LOOPS) and ast.unparse(node.target) == text:
        yield node.iter


def _paired(target: ast.expr, value: ast.expr) -> Iterable[tuple[ast.expr, ast.expr]]:
    """`a, b = x, y` binds `a` to `x` and `b` to `y`."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return zip(target.elts, value.elts, strict=False)
    return [(target, value)]


def condition(node: ast.AST, scope: Scope, hops: int = NAMES_FOLLOWED_MAX) -> str:
    """The text of an expression, on one line, whatever its layout and the names of variables."""
    return ast.unparse(_Shortened(scope, hops).visit(copy.deepcopy(node)))


class _Shortened(ast.NodeTransformer):
    """`await self.verify(RolloutHealthy(...))` becomes `<verify RolloutHealthy>`."""

    def __init__(self, scope: Scope, hops: int) -> None:
        self._scope = scope
        self._hops = hops

    def visit_Await(self, node: ast.Await) -> ast.AST:
        """Leave out what is only waiting."""
        inner = self.visit(node.value)
        return inner if isinstance(inner, ast.Name) else ast.Await(inner)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Say which verb and which step, whatever the step is given."""
        verb = verb_of(node.func, self._scope)
        if verb is not None:
            return ast.Name(f"<{verb} {step_of(node, self._scope)}>", ast.Load())
        name = self._scope.source.resolve(node.func)
        if name.startswith("contracts."):
            return ast.Name(f"{_class_in(name)}(...)", ast.Load())
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Fill in a constant of the file, or what a variable of the function was bound to."""
        constant = self._scope.source.constants.get(node.id)
        if constant is not None:
            return ast.Constant(constant)
        bound = _only_binding(node.id, self._scope) if self._hops else None
        if bound is None or not isinstance(node.ctx, ast.Load):
            return node
        return ast.Name(_enclosed(bound, condition(bound, self._scope, self._hops - 1)), ast.Load())


def _only_binding(name: str, scope: Scope) -> ast.expr | None:
    """What a variable is bound to, if the function binds it once, by an assignment."""
    if scope.function is None:
        return None
    nodes = list(own_nodes(scope.function))
    stored = [n for n in nodes if isinstance(n, ast.Name) and n.id == name and _is_stored(n)]
    bound = [
        node.value
        for node in nodes
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id == name
    ]
    return bound[0] if len(stored) == 1 and bound else None


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _enclosed(node: ast.expr, text: str) -> str:
    plain = (ast.Call, ast.Attribute, ast.Name, ast.Constant, ast.Subscript, ast.Await)
    return text if isinstance(node, (*plain, ast.List, ast.Tuple)) else f"({text})"
