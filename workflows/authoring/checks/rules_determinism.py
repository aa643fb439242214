"""Calls that answer differently at a replay: clocks, chance, the process, files, and the order of
sets. Temporal would notice some of them in production; here they are noticed at the desk.
"""

import ast
from collections.abc import Iterator

from workflows.authoring.checks.rules_imports import (
    CLOCK,
    LOGGER,
    OUTSIDE,
    RANDOM,
    TOGETHER,
    TYPES_ONLY,
    Ban,
)
from workflows.authoring.checks.source import FUNCTIONS, UNKNOWN, Source
from workflows.authoring.faults import Fault

DATES = ("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today")
ACCIDENT = Ban(
    "it depends on the process, and a replay runs in another one",
    "Compare the values themselves, or use `workflow.uuid4()` for a new identity.",
)
FIRST_DONE = "the order in which it tells what is done is not recorded"
OWN_LOOP = "a workflow already runs in Temporal's own event loop, which has no threads"
AWAIT = Ban(OWN_LOOP, "Write `await` before the coroutine, or `asyncio.gather(...)` for several.")
PLAIN_TALK = Ban("a replay would print everything again", LOGGER.remedy)
ENDS_ALL = Ban(
    "it ends the worker, with every run in it",
    'End this run: `return Outcome(status="failed", summary="...")`.',
)
ENDS_THE_PROCESS = ("builtins.SystemExit", "builtins.KeyboardInterrupt", "builtins.GeneratorExit")
UNREAD = Ban(
    "what it reaches stands nowhere in the text, so nobody can check it",
    "Write it out: call the function, read the attribute, or look a value up in a dict.",
)
UNSAFE = Ban(
    "it opens the sandbox, which keeps one run from the next",
    "Import from `contracts`, `workflows` and `temporalio`, which need no such door.",
)

NAMES = {
    **dict.fromkeys((*DATES, "datetime.date.today"), CLOCK),
    **dict.fromkeys(("builtins.open", "builtins.input", "builtins.breakpoint"), OUTSIDE),
    **dict.fromkeys(("builtins.hash", "builtins.id"), ACCIDENT),
    "builtins.print": PLAIN_TALK,
    **dict.fromkeys(("builtins.exit", "builtins.quit"), ENDS_ALL),
    **dict.fromkeys(
        (f"builtins.{name}" for name in ("eval", "exec", "compile", "__import__", "globals")),
        UNREAD,
    ),
    "temporalio.workflow.unsafe": UNSAFE,
    "asyncio.wait": Ban(FIRST_DONE, "Use `workflow.wait(...)`, which takes the same arguments."),
    "asyncio.as_completed": Ban(FIRST_DONE, "Use `workflow.as_completed(...)` in its place."),
    **dict.fromkeys(("asyncio.run", "asyncio.new_event_loop"), AWAIT),
    "asyncio.to_thread": Ban(OWN_LOOP, OUTSIDE.remedy),
    **dict.fromkeys(
        (
            *("asyncio.open_connection", "asyncio.start_server"),
            *("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"),
        ),
        OUTSIDE,
    ),
}
MODULES = {"time": CLOCK, "random": RANDOM, "secrets": RANDOM, "uuid": RANDOM, "os": OUTSIDE}

SETS = ("builtins.set", "builtins.frozenset")
ORDERED = ("builtins.list", "builtins.tuple", "builtins.enumerate", "builtins.iter", "builtins.zip")
ANY_ORDER = tuple(
    f"builtins.{name}"
    for name in ("sorted", "sum", "min", "max", "any", "all", "len", "set", "frozenset")
)
SET_OPERATORS = (ast.BitOr, ast.BitAnd, ast.BitXor, ast.Sub)
# A name that is bound to a name that is bound to a set.
HOPS_MAX = 3
SORT_IT = (
    "Sort it, `for item in sorted(...)`, or keep a list or a dict, which remember their order."
)


def same_at_a_replay(source: Source) -> Iterator[Fault]:
    """No name that stands for a clock, for chance, for a file or for the process."""
    for node in source.nodes:
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            ban = NAMES.get(name := source.resolve(node))
            if ban is not None:
                yield source.fault(node, _told(name, ban), ban.remedy)


def same_modules_at_a_replay(source: Source) -> Iterator[Fault]:
    """No call into a module that is a clock, chance or the process."""
    for name, calls in source.calls.items():
        ban = MODULES.get(name.partition(".")[0])
        if ban is not None and name not in TYPES_ONLY:
            yield from (source.fault(node, _told(name, ban), ban.remedy) for node in calls)


def _told(name: str, ban: Ban) -> str:
    is_what = "not deterministic" if ban in (CLOCK, RANDOM, ACCIDENT) else "not for a workflow"
    return f"`{name.removeprefix('builtins.')}` is {is_what}: {ban.because}"


def nobody_ends_the_worker(source: Source) -> Iterator[Fault]:
    """No error is raised that ends the process instead of the run."""
    for node in source.each(ast.Raise):
        bare = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        name = source.resolve(bare) if bare is not None else UNKNOWN
        if name in ENDS_THE_PROCESS:
            why = f"`{name.removeprefix('builtins.')}` is not for a workflow: {ENDS_ALL.because}"
            yield source.fault(node, why, ENDS_ALL.remedy)


def no_threads(source: Source) -> Iterator[Fault]:
    """No call that hands work to threads, whatever the loop is called."""
    for node in source.each(ast.Attribute):
        if node.attr == "run_in_executor":
            why = f"`run_in_executor` hands work to a thread: {TOGETHER.because}"
            yield source.fault(node, why, OUTSIDE.remedy)


def no_globals(source: Source) -> Iterator[Fault]:
    """No state outside the run."""
    for node in source.each(ast.Global):
        why = "`global` keeps state outside the run, where no replay can find it again"
        yield source.fault(node, why, "Keep it on the runbook itself: `self.NAME = ...`.")


def sets_in_order(source: Source) -> Iterator[Fault]:
    """No loop over a set: texts come out of it in another order in every process."""
    for node in source.nodes:
        for item in _iterated(source, node):
            if _is_set(source, item):
                why = "the order of a set differs from one process to the next, also at a replay"
                yield source.fault(item, why, SORT_IT)


def _iterated(source: Source, node: ast.AST) -> Iterator[ast.expr]:
    """What is gone through one by one, where the order matters."""
    if isinstance(node, (ast.For, ast.AsyncFor)):
        yield node.iter
    elif isinstance(node, (ast.expr, ast.Starred)) and not _is_for_any_order(source, node):
        yield from _iterated_in(source, node)


def _iterated_in(source: Source, node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, (ast.ListComp, ast.DictComp, ast.GeneratorExp)):
        yield from (part.iter for part in node.generators)
    elif isinstance(node, ast.Starred):
        yield node.value
    elif isinstance(node, ast.Call):
        joins = isinstance(node.func, ast.Attribute) and node.func.attr == "join"
        if joins or source.resolve(node.func) in ORDERED:
            yield from node.args


def _is_for_any_order(source: Source, node: ast.expr) -> bool:
    """Whether what is around asks for no order: `sorted(...)`, another set."""
    around = source.parents[node]
    called = isinstance(around, ast.Call) and source.resolve(around.func) in ANY_ORDER
    return called or isinstance(around, ast.Set)


def _is_set(source: Source, node: ast.expr, hops: int = HOPS_MAX) -> bool:
    if isinstance(node, (ast.Set, ast.SetComp)):
        return True
    if isinstance(node, ast.Call):
        return source.resolve(node.func) in SETS
    if isinstance(node, ast.BinOp) and isinstance(node.op, SET_OPERATORS):
        return _is_set(source, node.left, hops) or _is_set(source, node.right, hops)
    return isinstance(node, ast.Name) and hops > 0 and _is_named_set(source, node, hops - 1)


def _is_named_set(source: Source, name: ast.Name, hops: int) -> bool:
    """Whether the nearest function that binds the name, or the module, binds it to sets only."""
    for scope in source.around(name):
        if isinstance(scope, (*FUNCTIONS, ast.Module)):
            bound = list(_bindings(source, scope, name.id, hops))
            if bound:
                return all(bound)
    return False


def _bindings(source: Source, scope: ast.AST, name: str, hops: int) -> Iterator[bool]:
    """For each place where `scope` binds the name: whether a set is bound to it."""
    for node in ast.walk(scope):
        if isinstance(node, (ast.arg, ast.AnnAssign)) and _is_named(node, name):
            yield _says_set(source, node.annotation)
        elif isinstance(node, ast.Name) and _stores(node, name):
            around = source.parents[node]
            if isinstance(around, ast.Assign):
                yield _is_set(source, around.value, hops)
            elif not isinstance(around, (ast.AnnAssign, ast.AugAssign)):
                yield False


def _is_named(node: ast.arg | ast.AnnAssign, name: str) -> bool:
    return node.arg == name if isinstance(node, ast.arg) else _stores(node.target, name)


def _says_set(source: Source, annotation: ast.expr | None) -> bool:
    bare = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return bare is not None and source.resolve(bare) in SETS


def _stores(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
