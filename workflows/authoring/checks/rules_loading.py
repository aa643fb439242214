"""What a file does outside any run: while it is loaded, and to what all runs share.

A worker loads every runbook into one process. What one file changes there is changed for every
other, and a line that never ends keeps all of them from being served.
"""

import ast
from collections.abc import Iterator
from itertools import chain

from workflows.authoring.checks.source import FUNCTIONS, Source, own_nodes
from workflows.authoring.faults import Fault

DEFINES = (ast.Import, ast.ImportFrom, ast.ClassDef, *FUNCTIONS, ast.Pass)
CHANGES = ("builtins.setattr", "builtins.delattr")
CHANGING_METHODS = ("__setattr__", "__delattr__")
# What answers with a class or a module, or with its very names.
LEADS_ON = ("builtins.vars", "builtins.getattr")
# A name that is bound to a name that is bound to what is shared.
HOPS_MAX = 3
AT_LOADING = (
    "this runs when the worker loads the file, outside any run, and could change Firebreak for"
    " every other runbook or hang the worker"
)
DEFINE_ONLY = (
    "Move it into `run` or a function; outside them stand only imports, classes, functions and"
    " `NAME = ...`."
)
KEEP_IT = "Keep what a run learns on the runbook itself, `self.NAME = ...`, or in a local name."


def defines_only(source: Source) -> Iterator[Fault]:
    """Outside functions a file imports, defines, and binds its own names."""
    blocks: list[list[ast.stmt]] = [source.tree.body]
    for block in blocks:
        for node in block:
            if isinstance(node, ast.ClassDef):
                blocks.append(node.body)
            elif not _defines(source, node):
                yield source.fault(node, AT_LOADING, DEFINE_ONLY)


def _defines(source: Source, node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        return all(map(_is_own_name, node.targets))
    if isinstance(node, ast.AnnAssign):
        return _is_own_name(node.target)
    if isinstance(node, ast.If):
        imports = all(isinstance(item, (ast.Import, ast.ImportFrom)) for item in node.body)
        return imports and not node.orelse and node.body[0] in source.for_types
    return isinstance(node, DEFINES)


def _is_own_name(target: ast.expr) -> bool:
    if isinstance(target, (ast.Tuple, ast.List)):
        return all(map(_is_own_name, target.elts))
    bare = target.value if isinstance(target, ast.Starred) else target
    return isinstance(bare, ast.Name)


def nothing_shared_changes(source: Source) -> Iterator[Fault]:
    """No attribute of an imported thing, or of an own class, is set or deleted."""
    for node, changed in _changed(source):
        if _is_shared(source, changed):
            shown = ast.unparse(changed)
            why = f"`{shown}` is shared by all runs of a worker, and this changes it for all"
            yield source.fault(node, why, KEEP_IT)


def _changed(source: Source) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each place where something of another thing is set or deleted, and that other thing."""
    parts: chain[ast.Attribute | ast.Subscript]
    parts = chain(source.each(ast.Attribute), source.each(ast.Subscript))
    for part in parts:
        if not isinstance(part.ctx, ast.Load):
            yield part, part.value
    for name in CHANGES:
        yield from ((call, call.args[0]) for call in source.calls.get(name, ()) if call.args)
    for node in source.each(ast.Attribute):
        around = source.parents[node] if node.attr in CHANGING_METHODS else None
        if isinstance(around, ast.Call) and around.func is node and around.args:
            yield around, around.args[0]


def _is_shared(source: Source, node: ast.expr, hops: int = HOPS_MAX) -> bool:
    """Whether an expression is surely an imported thing, an own class or function, or a part."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.NamedExpr)):
        if isinstance(node, ast.Attribute) and node.attr == "__class__":
            return True
        node = node.value
    if isinstance(node, ast.Call):
        name = source.resolve(node.func)
        leads_on = name in LEADS_ON and bool(node.args)
        return name == "builtins.type" or (leads_on and _is_shared(source, node.args[0], hops))
    return isinstance(node, ast.Name) and hops > 0 and _is_shared_name(source, node, hops - 1)


def _is_shared_name(source: Source, name: ast.Name, hops: int) -> bool:
    if name.id == "cls":
        return True
    values = list(_values_of(source, name))
    if values:
        return all(value is not None and _is_shared(source, value, hops) for value in values)
    kinds = (ast.ClassDef, *FUNCTIONS)
    defined = (node.name for node in source.tree.body if isinstance(node, kinds))
    return name.id in source.aliases or name.id in defined


def _values_of(source: Source, name: ast.Name) -> Iterator[ast.expr | None]:
    """What the nearest scope that binds a name binds it to; None where nobody can tell."""
    for scope in source.around(name):
        if isinstance(scope, (*FUNCTIONS, ast.Lambda, ast.Module)):
            found = list(_bound_in(source, scope, name.id))
            if found:
                yield from found
                return


def _bound_in(source: Source, scope: ast.AST, name: str) -> Iterator[ast.expr | None]:
    for node in own_nodes(scope):
        if isinstance(node, ast.arg) and node.arg == name:
            yield None
        elif isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            around = source.parents[node]
            bindings = (ast.Assign, ast.AnnAssign, ast.NamedExpr)
            yield around.value if isinstance(around, bindings) else None
