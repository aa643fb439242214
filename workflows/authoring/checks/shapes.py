"""The classes of a file, and where the four verbs are called.

The verbs are methods of the runbook: `self.look(...)` in its class, and `runbook.look(...)` in a
function that says in its signature that it is given a `Runbook`.
"""

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from workflows.authoring.checks.source import FUNCTIONS, UNKNOWN, Function, Source

VERBS = ("look", "approve", "act", "verify")
RUNBOOK = ("workflows.Runbook", "workflows.runbook.Runbook")
ON_ALERT = ("workflows.on_alert", "workflows.trigger.on_alert")
DEFN = ("temporalio.workflow.defn",)
RUN = ("temporalio.workflow.run",)
INIT = ("temporalio.workflow.init",)
HANDLERS = ("temporalio.workflow.signal", "temporalio.workflow.update")


class VerbCall(NamedTuple):
    """One call of a verb, and the function in which it stands."""

    verb: str
    call: ast.Call
    function: Function


def classes(source: Source) -> list[ast.ClassDef]:
    """All classes of the file, from top to bottom."""
    return sorted(source.each(ast.ClassDef), key=lambda node: node.lineno)


def workflow_classes(source: Source) -> list[ast.ClassDef]:
    """The classes that say they are workflows, or that an alert starts them."""
    return [node for node in classes(source) if decorated(source, node, (*DEFN, *ON_ALERT))]


def decorated(
    source: Source, node: ast.ClassDef | Function, names: tuple[str, ...]
) -> list[ast.expr]:
    """Those decorators of `node`, called or bare, that are one of `names`."""
    return [item for item in node.decorator_list if source.resolve(called(item)) in names]


def called(node: ast.expr) -> ast.expr:
    """What is called, or what stands there bare."""
    return node.func if isinstance(node, ast.Call) else node


def methods(node: ast.ClassDef) -> dict[str, Function]:
    """The methods that stand in the class itself."""
    return {item.name: item for item in node.body if isinstance(item, FUNCTIONS)}


def is_runbook(source: Source, node: ast.ClassDef) -> bool | None:
    """Whether the class inherits from Runbook; None when an imported helper decides that."""
    answers = [_is_runbook_base(source, base, node) for base in node.bases]
    return True if True in answers else None if None in answers else False


def _is_runbook_base(source: Source, base: ast.expr, node: ast.ClassDef) -> bool | None:
    bare = base.value if isinstance(base, ast.Subscript) else base
    name = source.resolve(bare)
    if name in RUNBOOK:
        return True
    own = [item for item in classes(source) if isinstance(bare, ast.Name) and item.name == bare.id]
    if own and own[0].lineno < node.lineno:
        return is_runbook(source, own[0])
    return None if name == UNKNOWN or is_helper_module(name) else False


def is_served(source: Source, node: ast.ClassDef) -> bool:
    """Whether the class is a Runbook, as far as anybody can tell: with a base of another file, a
    class that says that it is a workflow.
    """
    answer = is_runbook(source, node)
    return answer is True or (answer is None and node in workflow_classes(source))


def is_helper_module(name: str) -> bool:
    """Whether a dotted name lies in a helper beside the runbook: `_x.y` or `runbooks._x.y`."""
    first = name.removeprefix("runbooks.")
    return first.startswith("_") and not first.startswith("__")


def lineage(source: Source, node: ast.ClassDef) -> list[ast.ClassDef]:
    """The class and its bases in this file, the nearest first."""
    bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
    above = [c for c in classes(source) if c.name in bases and c.lineno < node.lineno]
    return [node, *(item for base in above for item in lineage(source, base))]


@lru_cache(maxsize=4)
def verb_calls(source: Source) -> tuple[VerbCall, ...]:
    """Every call of a verb, from top to bottom. Several rules ask, one after another."""
    found = [
        VerbCall(node.func.attr, node, function)
        for node in source.each(ast.Call)
        if isinstance(node.func, ast.Attribute)
        and node.func.attr in VERBS
        and isinstance(node.func.value, ast.Name)
        and (function := _given_in(source, node, node.func.value.id, node.func.attr)) is not None
    ]
    return tuple(sorted(found, key=lambda item: (item.call.lineno, item.call.col_offset)))


def _given_in(source: Source, node: ast.AST, name: str, verb: str) -> Function | None:
    """The innermost function around `node`, if one around it is given a runbook as `name`."""
    functions = [item for item in source.around(node) if isinstance(item, FUNCTIONS)]
    given = any(name in receivers(source, function, verb) for function in functions)
    return functions[0] if given else None


def receivers(source: Source, function: Function, verb: str = "") -> set[str]:
    """The parameters of a function that are a runbook. A class that has a method of its own named
    like `verb`, and is no Runbook, means its own.
    """
    found = {arg.arg for arg in parameters(function) if _says_runbook(source, arg.annotation)}
    owner = source.parents.get(function)
    if isinstance(owner, ast.ClassDef) and parameters(function):
        own = any(verb in methods(item) for item in lineage(source, owner))
        meant = not own and owner in workflow_classes(source)
        if meant or is_runbook(source, owner) or is_served(source, owner):
            found.add(parameters(function)[0].arg)
    return found


def parameters(function: Function) -> list[ast.arg]:
    """The parameters that have names, `self` first."""
    given = function.args
    return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def _says_runbook(source: Source, annotation: ast.expr | None) -> bool:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value in {item.name for item in _runbooks(source)} | {"Runbook"}
    if not isinstance(annotation, (ast.Name, ast.Attribute)):
        return False
    own = isinstance(annotation, ast.Name) and annotation.id in {
        item.name for item in _runbooks(source)
    }
    return own or source.resolve(annotation) in RUNBOOK


def _runbooks(source: Source) -> Iterator[ast.ClassDef]:
    return (node for node in classes(source) if is_runbook(source, node) is not False)
