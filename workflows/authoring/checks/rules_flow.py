"""Verbs that are never reached, that are repeated for ever, or that cannot be stopped.

A take-over cancels the runbook. Code that swallows the cancellation goes on writing while a person
works on the same target.
"""

import ast
from collections.abc import Iterator

from workflows.authoring.checks.flow import dead, is_endless
from workflows.authoring.checks.shapes import verb_calls
from workflows.authoring.checks.source import Source, own_nodes
from workflows.authoring.faults import Fault

CANCELLED = (
    *("asyncio.CancelledError", "asyncio.exceptions.CancelledError", "builtins.BaseException"),
    "concurrent.futures.CancelledError",
)
SUPPRESS = "contextlib.suppress"
RAISE_AGAIN = (
    "Catch the errors that you mean (`contracts.errors.Unavailable`), or end the handler with"
    " `raise`."
)


def reached(source: Source) -> Iterator[Fault]:
    """No verb stands where nothing leads."""
    calls = {item.call: item for item in verb_calls(source)}
    for block in dead(source):
        inside = [calls[node] for item in block for node in ast.walk(item) if node in calls]
        if inside:
            why = f"`{inside[0].verb}` is never reached: what stands before it leaves, always"
            what = "Move it to where it is reached, or delete it."
            yield source.fault(inside[0].call, why, what)


def bounded(source: Source) -> Iterator[Fault]:
    """No loop around a verb goes on for ever."""
    told = set()
    for item in verb_calls(source):
        for loop in source.around(item.call):
            if isinstance(loop, ast.stmt) and loop not in told and is_endless(source, loop):
                told.add(loop)
                why = f"the loop around `{item.verb}` has no bound, and would fill the history"
                what = "Write `for _ in range(ATTEMPTS_MAX):`, and an outcome for when it is over."
                yield source.fault(loop, why, what)


def can_be_stopped(source: Source) -> Iterator[Fault]:
    """No handler around an `await` keeps a cancellation for itself."""
    for node in source.nodes:
        if isinstance(node, (ast.Try, ast.TryStar)) and _waits(node.body):
            for handler in node.handlers:
                if _catches_cancellation(source, handler.type) and not _raises_again(handler):
                    shown = f"`except {ast.unparse(handler.type)}`" if handler.type else "`except:`"
                    why = f"{shown} swallows the cancellation when a person takes over"
                    yield source.fault(handler, why, RAISE_AGAIN)
                    break
        elif isinstance(node, (ast.With, ast.AsyncWith)) and _waits(node.body):
            yield from _suppressed(source, node)


def _suppressed(source: Source, node: ast.With | ast.AsyncWith) -> Iterator[Fault]:
    for item in node.items:
        call = item.context_expr
        if not isinstance(call, ast.Call) or source.resolve(call.func) != SUPPRESS:
            continue
        if any(_catches_cancellation(source, arg) for arg in call.args):
            why = "`suppress` swallows the cancellation when a person takes over"
            yield source.fault(call, why, "Suppress the errors that you mean, and no others.")


def _waits(block: list[ast.stmt]) -> bool:
    kinds = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    return any(isinstance(node, kinds) for item in block for node in (item, *own_nodes(item)))


def _catches_cancellation(source: Source, caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    items = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(source.resolve(item) in CANCELLED for item in items)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    raised = [node for node in own_nodes(handler) if isinstance(node, ast.Raise)]
    return any(
        node.exc is None or (isinstance(node.exc, ast.Name) and node.exc.id == handler.name)
        for node in raised
    )
