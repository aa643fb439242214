"""What becomes of a verb's answer: it is awaited, and the answer of `verify` decides something.

A coroutine that nobody awaits does nothing, silently; `if self.verify(...)` is always true.
"""

import ast
from collections.abc import Iterator

from workflows.authoring.checks.shapes import classes, is_helper_module, is_runbook, verb_calls
from workflows.authoring.checks.source import FUNCTIONS, Source, own_nodes
from workflows.authoring.faults import Fault

WAITS = (
    *("temporalio.workflow.sleep", "temporalio.workflow.wait_condition", "asyncio.sleep"),
    *("temporalio.workflow.execute_activity", "temporalio.workflow.execute_child_workflow"),
    *("asyncio.wait_for", "temporalio.workflow.wait"),
)
# What is only a box around a coroutine, which somebody may await later.
_BOXES = (
    *(ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Starred, ast.IfExp, ast.keyword),
    *(ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp),
)
_TAKERS = (ast.Await, ast.Return, ast.Lambda, ast.Yield, ast.YieldFrom)
RESOLVED_IS_NOT_HEALTHY = (
    "Resolved is not healthy: an alert also resolves when its pod is gone. Write"
    " `if await self.verify(RolloutHealthy(target=case.target)):` after `act`, and an outcome for"
    " either answer."
)


def awaited(source: Source) -> Iterator[Fault]:
    """Every verb, every wait and every own `async` method is awaited, or given to who awaits it."""
    for call, shown in _coroutines(source):
        if not _is_taken(source, call):
            why = f"`{shown}` is called without `await`, so it does not happen"
            what = f"Write `await {shown}`; for several at once, `await asyncio.gather(...)`."
            yield source.fault(call, why, what)


def _coroutines(source: Source) -> Iterator[tuple[ast.Call, str]]:
    for item in verb_calls(source):
        yield item.call, f"{ast.unparse(item.call.func)}(...)"
    own = {node.name for node in source.each(ast.AsyncFunctionDef) if not _is_generator(node)}
    for node in source.each(ast.Call):
        if source.resolve(node.func) in WAITS or _own_name(node.func) in own:
            yield node, f"{ast.unparse(node.func)}(...)"


def _is_generator(node: ast.AsyncFunctionDef) -> bool:
    """Whether it is gone through with `async for`, or entered with `async with`."""
    return any(isinstance(item, ast.Yield) for item in own_nodes(node))


def _own_name(func: ast.expr) -> str | None:
    """The name of what the file itself defines: `helper(...)`, `self.helper(...)`."""
    if isinstance(func, ast.Attribute):
        mine = isinstance(func.value, ast.Name) and func.value.id == "self"
        return func.attr if mine else None
    return func.id if isinstance(func, ast.Name) else None


def _is_taken(source: Source, node: ast.AST) -> bool:
    """Whether somebody awaits what stands at `node`, or may."""
    around = source.parents[node]
    if isinstance(around, ast.IfExp) and node is around.test:
        return False
    if isinstance(around, _BOXES):
        return _is_taken(source, around)
    return _is_handed_on(source, node) or _is_kept(source, node)


def _is_handed_on(source: Source, node: ast.AST) -> bool:
    around = source.parents[node]
    if isinstance(around, ast.Call):
        return node is not around.func and not _swallows(source, around)
    return isinstance(around, (*_TAKERS, *_BOXES))


def _is_kept(source: Source, node: ast.AST) -> bool:
    """Whether it is bound to a name that is taken somewhere, or to something that lives on."""
    around = source.parents[node]
    if not isinstance(around, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
        return False
    targets = around.targets if isinstance(around, ast.Assign) else [around.target]
    names = {target.id for target in targets if isinstance(target, ast.Name)}
    return len(names) < len(targets) or any(
        isinstance(node, _BOXES) or _is_handed_on(source, item)
        for item in _loaded(source, node)
        if item.id in names
    )


def _loaded(source: Source, node: ast.AST) -> Iterator[ast.Name]:
    """Every reading of a name in the function around `node`."""
    scope = next((item for item in source.around(node) if isinstance(item, FUNCTIONS)), source.tree)
    for item in ast.walk(scope):
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load):
            yield item


def _swallows(source: Source, call: ast.Call) -> bool:
    """Whether a call surely does not await what it is given: `str(...)`, `Outcome(...)`."""
    name = source.resolve(call.func)
    taking = name.startswith("builtins.") and name.rpartition(".")[2] in ("list", "tuple", "zip")
    return not taking and name.startswith(("builtins.", "contracts."))


def verified(source: Source) -> Iterator[Fault]:
    """Who acts also verifies."""
    calls = verb_calls(source)
    acts = [item for item in calls if item.verb == "act"]
    verifies = any(item.verb == "verify" for item in calls)
    if acts and not verifies and not source.is_helper and not _verifies_elsewhere(source):
        why = "this acts, and nothing verifies that it helped"
        yield source.fault(acts[0].call, why, RESOLVED_IS_NOT_HEALTHY)


def _verifies_elsewhere(source: Source) -> bool:
    """Whether a helper of another file is given the runbook, or is its base."""
    inherited = any(is_runbook(source, node) is None for node in classes(source))
    return inherited or any(
        is_helper_module(source.resolve(node.func))
        and any(isinstance(arg, ast.Name) and arg.id == "self" for arg in _given(node))
        for node in source.each(ast.Call)
    )


def _given(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(keyword.value for keyword in node.keywords)]


def verification_decides(source: Source) -> Iterator[Fault]:
    """The answer of `verify` is looked at."""
    for item in verb_calls(source):
        if item.verb == "verify" and _is_thrown_away(source, item.call):
            why = "the answer of `verify` is thrown away, so sick and healthy end alike"
            what = "Write `if await self.verify(...):`, with an outcome for either answer."
            yield source.fault(item.call, why, what)


def _is_thrown_away(source: Source, call: ast.Call) -> bool:
    node: ast.AST = call
    while isinstance(around := source.parents[node], (ast.Await, ast.Call)):
        if isinstance(around, ast.Call) and source.resolve(around.func) != "asyncio.gather":
            return False
        node = around
    if isinstance(around, ast.Assign) and isinstance(node, ast.Await):
        names = {target.id for target in around.targets if isinstance(target, ast.Name)}
        read = {item.id for item in _loaded(source, node)}
        return len(names) == len(around.targets) and not names & read
    return isinstance(node, ast.Await) and isinstance(around, ast.Expr)
