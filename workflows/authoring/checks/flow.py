"""How control flows through a function: what is reached, what is awaited, what bounds a loop.

Every answer errs on the side of the author: what cannot be told from the text is no fault.
"""

import ast
from collections.abc import Iterator, Sequence

from workflows.authoring.checks.source import Source, is_false, is_true, own_nodes

CLOCKS = ("temporalio.workflow.now", "temporalio.workflow.time", "temporalio.workflow.info")
DEADLINES = ("asyncio.timeout", "asyncio.timeout_at")
ENDLESS = ("itertools.count", "itertools.cycle", "itertools.repeat")
_GATHERS = ("append", "add")
_COUNTERS = (ast.Name, ast.Attribute, ast.Call)
_LEAVES = (ast.Return, ast.Raise, ast.Break, ast.Continue)


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements that `node` holds: body, else, finally."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            yield block


def leaves(block: Sequence[ast.stmt]) -> bool:
    """Whether nothing after the block is reached."""
    return any(map(_statement_leaves, block))


def _statement_leaves(node: ast.stmt) -> bool:
    if isinstance(node, ast.If):
        return bool(node.orelse) and leaves(node.body) and leaves(node.orelse)
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return False
    if isinstance(node, ast.While):
        return is_true(node.test) and not any(isinstance(n, ast.Break) for n in _inside(node))
    return isinstance(node, _LEAVES)


def dead(source: Source) -> Iterator[list[ast.stmt]]:
    """Each run of statements that nothing reaches."""
    for node in source.nodes:
        for block in blocks(node):
            ends = [index for index, item in enumerate(block) if _statement_leaves(item)]
            if ends and block[ends[0] + 1 :]:
                yield block[ends[0] + 1 :]
        if isinstance(node, (ast.If, ast.While)) and is_false(node.test):
            yield node.body
        if isinstance(node, ast.If) and is_true(node.test) and node.orelse:
            yield node.orelse


def is_endless(source: Source, loop: ast.AST) -> bool:
    """Whether a loop has no bound that the text shows: a counter, a deadline, a clock."""
    if isinstance(loop, ast.While):
        endless = is_true(loop.test) and not _is_bounded(source, loop)
    elif isinstance(loop, (ast.For, ast.AsyncFor)):
        endless = _counts_for_ever(source, loop.iter) and not _is_bounded(source, loop)
    else:
        return False
    return endless and not any(is_deadline(source, node) for node in source.around(loop))


def _counts_for_ever(source: Source, node: ast.expr) -> bool:
    """`itertools.count()`; `repeat(x, 3)` ends."""
    return (
        isinstance(node, ast.Call)
        and source.resolve(node.func) in ENDLESS
        and not (source.resolve(node.func) == ENDLESS[2] and len(node.args) > 1)
    )


def _is_bounded(source: Source, loop: ast.While | ast.For | ast.AsyncFor) -> bool:
    """Whether some way out depends on a counter of the loop or on the workflow's clock."""
    counters = {name for node in _inside(loop) for name in _counted(source, node)}
    if not isinstance(loop, ast.While):
        counters |= {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
    ways_out = [n for n in _inside(loop) if isinstance(n, ast.If) and _goes_out(n)]
    return any(_depends(source, way.test, counters) for way in ways_out)


def _counted(source: Source, node: ast.AST) -> Iterator[str]:
    """Names that a loop counts up, gathers into, or reads the clock into."""
    if isinstance(node, ast.AugAssign):
        yield ast.unparse(node.target)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in _GATHERS:
            yield f"len({ast.unparse(node.func.value)})"
    elif isinstance(node, ast.Assign):
        names = set(map(ast.unparse, node.targets))
        sums = names if isinstance(node.value, ast.BinOp) else set()
        if _depends(source, node.value, sums):
            yield from names


def _depends(source: Source, test: ast.expr, names: set[str]) -> bool:
    return any(
        (isinstance(node, _COUNTERS) and bool(names) and ast.unparse(node) in names)
        or (isinstance(node, ast.Call) and source.resolve(node.func) in CLOCKS)
        for node in ast.walk(test)
    )


def _goes_out(node: ast.If) -> bool:
    ways = (ast.Return, ast.Raise, ast.Break)
    return any(isinstance(item, ways) for item in own_nodes(node))


def is_deadline(source: Source, node: ast.AST) -> bool:
    """Whether a block ends by itself: `async with asyncio.timeout(...):`."""
    return isinstance(node, (ast.With, ast.AsyncWith)) and any(
        isinstance(item.context_expr, ast.Call)
        and source.resolve(item.context_expr.func) in DEADLINES
        for item in node.items
    )


def _inside(loop: ast.AST) -> Iterator[ast.AST]:
    return own_nodes(loop)
