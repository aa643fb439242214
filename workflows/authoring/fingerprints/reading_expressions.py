"""Reads the commands of expressions, in the order in which Python evaluates them."""

import ast
from abc import abstractmethod
from collections.abc import Sequence

from workflows.authoring.fingerprints.helpers import Helper, Helpers, bound
from workflows.authoring.fingerprints.naming import Scope, condition, is_runbook, step_of, verb_of
from workflows.authoring.fingerprints.outline import CALL, Line

CALLS_MAX = 500
TEMPORAL = "temporalio.workflow."
PATCHED = f"{TEMPORAL}patched"
# Commands whose first argument says what is started, or which change it is.
_TOLD_BY_FIRST = (
    *(
        f"{TEMPORAL}{how}_{what}"
        for how in ("execute", "start")
        for what in (
            *("activity", "activity_class", "activity_method", "child_workflow"),
            *("local_activity", "local_activity_class", "local_activity_method"),
        )
    ),
    *(PATCHED, f"{TEMPORAL}deprecate_patch", f"{TEMPORAL}signal_with_start_workflow"),
)
_PLAIN = (
    *(f"{TEMPORAL}continue_as_new", f"{TEMPORAL}upsert_search_attributes"),
    f"{TEMPORAL}upsert_memo",
)
# What a runbook does besides the verbs; its text may change freely.
_WARN = "warn"
_TIMERS = (f"{TEMPORAL}sleep", "asyncio.sleep")
_WAIT_CONDITION = f"{TEMPORAL}wait_condition"
# What runs several coroutines, or one under a condition: they stand indented below it.
_GROUPS = (
    *("asyncio.gather", "asyncio.wait_for", "asyncio.create_task", "asyncio.ensure_future"),
    *("asyncio.shield", "asyncio.wait", f"{TEMPORAL}wait", f"{TEMPORAL}as_completed"),
)

Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


class Expressions:
    """Reads expressions; `helpers` are the functions that may be called in them."""

    def __init__(self, helpers: Helpers) -> None:
        self.helpers = helpers
        self._calls = 0

    @abstractmethod
    def block(self, block: Sequence[ast.stmt], scope: Scope) -> list[Line]:
        """The lines of statements."""

    def parts(self, node: ast.AST, scope: Scope) -> list[Line]:
        """The lines of what a node consists of, in order; what is assigned before the target."""
        parts = list(ast.iter_child_nodes(node))
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            parts.reverse()
        return [line for part in parts for line in self.expression(part, scope)]

    def expression(self, node: ast.AST, scope: Scope) -> list[Line]:
        """The lines of one expression."""
        match node:
            case ast.Call():
                return self._call(node, scope)
            case ast.BoolOp():
                return self._bool(node, scope)
            case ast.IfExp():
                return self._choice(node, scope)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, scope)
            case ast.Attribute() | ast.Name():
                return self._reference(node, scope)
            case _:
                return self.parts(node, scope)

    def _bool(self, node: ast.BoolOp, scope: Scope) -> list[Line]:
        """What stands behind `and` or `or` happens only if what stands before says so."""
        found = self.expression(node.values[0], scope)
        for index, value in enumerate(node.values[1:], start=1):
            inner = self.expression(value, scope)
            if inner:
                said = [condition(item, scope) for item in node.values[:index]]
                word = "and" if isinstance(node.op, ast.And) else "or not"
                begin = "" if word == "and" else "not "
                found.append(Line(f"if {begin}{f' {word} '.join(said)}:", tuple(inner)))
        return found

    def _choice(self, node: ast.IfExp, scope: Scope) -> list[Line]:
        head = Line(f"if {condition(node.test, scope)}:", tuple(self.expression(node.body, scope)))
        tail = Line("else:", tuple(self.expression(node.orelse, scope)))
        return [*self.expression(node.test, scope), head, *([tail] if tail.inner else [])]

    def _comprehension(self, node: Comprehension, scope: Scope) -> list[Line]:
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        inner = [line for part in parts for line in self.expression(part, scope)]
        for loop in reversed(node.generators):
            for test in reversed(loop.ifs):
                head = Line(f"if {condition(test, scope)}:", tuple(inner))
                inner = [*self.expression(test, scope), head]
            text = f"for {ast.unparse(loop.target)} in {condition(loop.iter, scope)}:"
            inner = [*self.expression(loop.iter, scope), Line(text, tuple(inner))]
        return inner

    def _reference(self, node: ast.Attribute | ast.Name, scope: Scope) -> list[Line]:
        """A verb or a helper that is handed on, as in `map(self.look, steps)`."""
        verb = verb_of(node, scope)
        if verb is not None:
            return [Line(f"{verb} of each")]
        if not isinstance(node.ctx, ast.Load):
            return []
        helper = self.helpers.called(node, scope)
        inner = [] if helper is None else self._inside(helper, None, scope)
        return inner or self.parts(node, scope)

    def _call(self, node: ast.Call, scope: Scope) -> list[Line]:
        begin = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        given = [*begin, *node.args, *(key.value for key in node.keywords)]
        inner = [line for part in given for line in self.expression(part, scope)]
        group = _group(node, scope)
        if group is not None:
            return [Line(f"{group}:", tuple(inner))] if inner else [Line(group)]
        command = _command(node, scope)
        if command is not None:
            return [*inner, Line(command)]
        helper = self.helpers.called(node.func, scope)
        if helper is not None:
            return [*inner, *self._inside(helper, node, scope)]
        return [*inner, *_elsewhere(node, scope)]

    def _inside(self, helper: Helper, call: ast.Call | None, scope: Scope) -> list[Line]:
        """What a helper does, in the place where it is called."""
        self._calls += 1
        if helper.key in scope.stack or self._calls > CALLS_MAX:
            return [Line(f"call {helper.function.name}")]
        inner = self.block(helper.function.body, bound(helper, call, scope))
        return [Line(CALL, tuple(inner))] if inner else []


def _group(node: ast.Call, scope: Scope) -> str | None:
    name = scope.source.resolve(node.func)
    return name.removeprefix(TEMPORAL) if name in _GROUPS else None


def _command(node: ast.Call, scope: Scope) -> str | None:
    """What a call commands, or None."""
    verb = verb_of(node.func, scope)
    if verb is not None:
        return f"{verb} {step_of(node, scope)}"
    func = node.func
    if isinstance(func, ast.Attribute) and func.attr == _WARN and is_runbook(func.value, scope):
        return _WARN
    name = scope.source.resolve(node.func)
    short = name.removeprefix(TEMPORAL)
    if name in _TIMERS:
        return "sleep"
    if name == _WAIT_CONDITION:
        timed = len(node.args) > 1 or any(key.arg == "timeout" for key in node.keywords)
        return f"{short} with timeout" if timed else short
    if name in _TOLD_BY_FIRST:
        first = [*node.args, *(key.value for key in node.keywords)][:1]
        return " ".join([short, *(condition(item, scope) for item in first)])
    return short if name in _PLAIN else None


def _elsewhere(node: ast.Call, scope: Scope) -> list[Line]:
    """What is done by code that is not at hand: a handle's signal, a helper given the runbook."""
    func = node.func
    if isinstance(func, ast.Attribute) and func.attr == "signal":
        return [Line("signal")]
    given = [*node.args, *(key.value for key in node.keywords)]
    if any(is_runbook(item, scope) for item in given):
        return [Line(f"call {ast.unparse(func)}")]
    return []
