"""What of Temporal is Firebreak's to decide: how a workflow is defined, which activities it calls,
and that each of its waits ends.

An activity called by its name does what a step does, without guardrails, approval and ledger.
"""

import ast
from collections.abc import Iterator

from workflows.authoring.checks.flow import is_deadline
from workflows.authoring.checks.shapes import DEFN, classes, decorated
from workflows.authoring.checks.source import Source
from workflows.authoring.faults import Fault

BY_NAME = ("execute_activity", "start_activity")
BY_FUNCTION = tuple(f"{name}_{kind}" for name in BY_NAME for kind in ("class", "method"))
LOCAL = tuple(
    f"{how}_local_activity{kind}"
    for how in ("execute", "start")
    for kind in ("", "_class", "_method")
)
CALLERS = frozenset(f"temporalio.workflow.{name}" for name in (*BY_NAME, *BY_FUNCTION, *LOCAL))
PLUMBING = ("guard.", "journal.", "catalogue.", "intake.", "messages.", "kubernetes.")
PHASES = (".ensure", ".plan")
USE_A_STEP = (
    "Name the step from `contracts`: `self.look(PodLogs(...))`, `self.act(RolloutRestart(...))`."
)
SPELL_IT = 'Write `workflow.execute_activity("TEAM.NAME", ...)`, with the name in quotes.'
WAIT_CONDITION = "temporalio.workflow.wait_condition"
# Where the bound stands, and what it is called.
BOUNDS = {
    "asyncio.timeout": (0, "delay"),
    "asyncio.timeout_at": (0, "when"),
    "asyncio.wait_for": (1, "timeout"),
}


def only_a_name(source: Source) -> Iterator[Fault]:
    """`@workflow.defn` says how the runbook is called, and nothing else."""
    for node in classes(source):
        for item in decorated(source, node, DEFN):
            given = item.keywords if isinstance(item, ast.Call) else []
            for word in given:
                if word.arg != "name":
                    shown = f"{word.arg or '**'}={ast.unparse(word.value)}"
                    why = f"`{shown}` changes how Temporal runs it, which is Firebreak's to decide"
                    yield source.fault(item, why, 'Write `@workflow.defn(name="...")` alone.')


def activities_by_name(source: Source) -> Iterator[Fault]:
    """An activity that is no step is a team's own, and its name stands in the text."""
    for node, name in _callers(source):
        around = source.parents[node]
        call = around if isinstance(around, ast.Call) and around.func is node else None
        short = name.rpartition(".")[2]
        activity = _activity(source, call) if call is not None and short in BY_NAME else None
        if short in LOCAL:
            why = f"`{short}` runs inside the worker of the workflows, past every guardrail"
            yield source.fault(node, why, USE_A_STEP)
        elif activity is None:
            why = f"`{short}` is not given a name in quotes, so nobody can tell what it calls"
            yield source.fault(node, why, SPELL_IT)
        elif activity.startswith(PLUMBING) or activity.endswith(PHASES):
            why = f"'{activity}' is Firebreak's own, and this goes past guardrails and approval"
            yield source.fault(node, why, USE_A_STEP)


def _callers(source: Source) -> Iterator[tuple[ast.expr, str]]:
    """Wherever a function that calls activities is named, also when it is only handed on."""
    shorts = {name.rpartition(".")[2] for name in CALLERS}
    named = {name for name, meant in source.aliases.items() if meant in CALLERS}
    for node in source.each(ast.Attribute):
        if node.attr in shorts and source.resolve(node) in CALLERS:
            yield node, source.resolve(node)
    for name in source.each(ast.Name) if named else ():
        if name.id in named:
            yield name, source.aliases[name.id]


def _activity(source: Source, call: ast.Call) -> str | None:
    """The name that a call gives, written there or once at the top of the file."""
    words = [word.value for word in call.keywords if word.arg == "activity"]
    given = next(iter([*call.args, *words]), None)
    if isinstance(given, ast.Name):
        value: object = source.constants.get(given.id)
    else:
        value = given.value if isinstance(given, ast.Constant) else None
    return value if isinstance(value, str) else None


def every_wait_ends(source: Source) -> Iterator[Fault]:
    """A wait says how long it lasts at most."""
    for call in source.calls.get(WAIT_CONDITION, ()):
        words = {word.arg: word.value for word in call.keywords}
        lasts = "timeout" in words and not _is_none(words["timeout"])
        if not lasts and None not in words and not _ends_around(source, call):
            why = "`workflow.wait_condition` has no deadline, and may wait for ever"
            what = "Give it one, `timeout=WAIT_MAX`, and an outcome for `except TimeoutError:`."
            yield source.fault(call, why, what)
    for name, (place, word) in BOUNDS.items():
        for call in source.calls.get(name, ()):
            if _is_none(_given(call, place, word)):
                why = f"`{name}` is given None, which is no deadline"
                yield source.fault(call, why, "Give it a number of seconds.")


def _ends_around(source: Source, call: ast.Call) -> bool:
    """Whether the wait stands inside `asyncio.timeout(...)` or `asyncio.wait_for(...)`."""
    return any(
        is_deadline(source, node)
        or (isinstance(node, ast.Call) and source.resolve(node.func) == "asyncio.wait_for")
        for node in source.around(call)
    )


def _given(call: ast.Call, place: int, word: str) -> ast.expr | None:
    named = (keyword.value for keyword in call.keywords if keyword.arg == word)
    return next(named, call.args[place] if len(call.args) > place else None)


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
