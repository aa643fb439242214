"""What a runbook inherits must stay whole: its beginning, its doors, and its inner parts.

An own `__init__` that forgets the base leaves a runbook without an approval gate; a helper that
happens to be called `_plan` replaces the one that binds an approval to a plan.
"""

import ast
from collections.abc import Iterator

from workflows import Runbook
from workflows.authoring.checks.rules_shape import is_given_a_case
from workflows.authoring.checks.shapes import (
    INIT,
    classes,
    decorated,
    is_runbook,
    is_served,
    methods,
    parameters,
)
from workflows.authoring.checks.source import Function, Source
from workflows.authoring.faults import Fault

STATE = frozenset(
    {"case", "receipts", "_scribe", "_questions", "_writer", "_granted", "_steps"}
)  # what Runbook.__init__ sets; a test compares
TAKEN = STATE | {name for name in vars(Runbook) if not name.startswith("__")}
CHILDREN = tuple(f"temporalio.workflow.{how}_child_workflow" for how in ("execute", "start"))
SHARE = (
    "Share the steps instead: an `async def` in a helper `_NAME.py` that is given the runbook"
    " (docs/how-to/write/share-steps.md)."
)
BEGIN = "Write `@workflow.init` above `def __init__(self, case: Case) -> None:`"


def own_init(source: Source) -> Iterator[Fault]:
    """An own `__init__` is given the case and hands it on."""
    for node in classes(source):
        init = methods(node).get("__init__")
        if init is not None and is_served(source, node):
            yield from _init_faults(source, init)


def _init_faults(source: Source, init: Function) -> Iterator[Fault]:
    if not decorated(source, init, INIT):
        why = "`__init__` lacks `@workflow.init`, so Temporal would call it without the case"
        yield source.fault(init, why, f"{BEGIN}.")
    if not is_given_a_case(source, init, strict=True):
        why = "`__init__` must be given exactly (self, case: Case), as `run` is"
        yield source.fault(init, why, f"{BEGIN}.")
    if not any(_hands_on(source, item) for item in ast.walk(init)):
        why = "`__init__` does not call `super().__init__(case)`, so the verbs would not work"
        yield source.fault(init, why, "Make `super().__init__(case)` its first line.")


def _hands_on(source: Source, node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    base = node.func.value
    if node.func.attr != "__init__" or not given:
        return False
    return not isinstance(base, ast.Call) or source.resolve(base.func) == "builtins.super"


def no_run_inside_a_run(source: Source) -> Iterator[Fault]:
    """A runbook starts no other: the steps of both would have the same keys, and a write that the
    books hold as done under its key is not done again.
    """
    for node in classes(source):
        calls = (item for item in ast.walk(node) if isinstance(item, ast.Call))
        for call in calls if is_runbook(source, node) is not False else ():
            name = source.resolve(call.func)
            if name in CHILDREN:
                why = f"`{name.removeprefix('temporalio.')}` starts a run whose steps have the keys"
                yield source.fault(call, f"{why} of this one's", SHARE)


def nothing_taken_over(source: Source) -> Iterator[Fault]:
    """No method and no attribute of the base gets another meaning."""
    for node in classes(source):
        if is_served(source, node):
            for item, name in _named(node):
                if name in TAKEN:
                    why = f"`{name}` is a part of Runbook, which this replaces for the whole run"
                    yield source.fault(item, why, "Give yours another name.")


def _named(node: ast.ClassDef) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """Every name that the class gives a meaning, with the place where it does."""
    for item in node.body:
        if isinstance(item, ast.Assign):
            yield from ((item, t.id) for t in item.targets if isinstance(t, ast.Name))
        elif isinstance(item, ast.AnnAssign) and item.value and isinstance(item.target, ast.Name):
            yield item, item.target.id
    for name, method in methods(node).items():
        yield method, name
        yield from _set_in(method)


def _set_in(method: Function) -> Iterator[tuple[ast.expr, str]]:
    """`self.x = ...`, also among others, and `self.x += ...`."""
    given = parameters(method)
    for item in ast.walk(method):
        if not isinstance(item, ast.Attribute) or isinstance(item.ctx, ast.Load):
            continue
        if given and isinstance(item.value, ast.Name) and item.value.id == given[0].arg:
            yield item, item.attr
