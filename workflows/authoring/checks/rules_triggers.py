"""The alerts that start a runbook, as far as they stand in the file as plain texts."""

import ast
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from contracts.matching import Trigger
from workflows.authoring.checks.shapes import ON_ALERT, classes, decorated
from workflows.authoring.checks.source import Source
from workflows.authoring.checks.triggers import impossible
from workflows.authoring.faults import Fault
from workflows.trigger import on_alert, triggers_of

SYNTAX = (
    """Write `@on_alert("ALERTNAME", 'severity="page"', weight=10)`: a name or a matcher, more"""
    """ matchers, and a weight."""
)
SOME_ALERT = "Write a trigger that some alert can match; several `@on_alert` are alternatives."


def alerts_can_start_it(source: Source) -> Iterator[Fault]:
    """Every `@on_alert` can be read, and some alert can match it."""
    for node in classes(source):
        for decorator in decorated(source, node, ON_ALERT):
            fault = _fault_of(source, decorator)
            if fault is not None:
                yield fault


def _fault_of(source: Source, decorator: ast.expr) -> Fault | None:
    if not isinstance(decorator, ast.Call) or not (decorator.args or decorator.keywords):
        why = "`@on_alert` names no alert"
        return source.fault(decorator, why, SYNTAX)
    foreign = [key.arg for key in decorator.keywords if key.arg not in ("name", "weight", None)]
    if foreign:
        why = f"`@on_alert` takes no `{foreign[0]}=...`; a condition on a label is a text"
        what = f"""Write `@on_alert("ALERTNAME", '{foreign[0]}="VALUE"')`."""
        return source.fault(decorator, why, what)
    try:
        trigger = _trigger(decorator)
    except (TypeError, ValueError) as err:
        return source.fault(decorator, f"`@on_alert` cannot be read: {_said(err)}", SYNTAX)
    why_not = impossible(trigger) if trigger is not None else None
    return source.fault(decorator, why_not, SOME_ALERT) if why_not else None


def _trigger(call: ast.Call) -> Trigger | None:
    """The trigger, if all of it is plain; raises what `on_alert` raises."""
    if not all(isinstance(value, ast.Constant) for value in (*call.args, *_values(call))):
        return None
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    named: dict[str, Any] = {key.arg or "": ast.literal_eval(key.value) for key in call.keywords}
    label = on_alert(*map(ast.literal_eval, call.args), **named)
    return triggers_of(label(type("Sample", (), {})))[0]


def _values(call: ast.Call) -> Iterator[ast.expr]:
    """`weight=-1` is no constant to Python's parser, but plain to everybody else."""
    for keyword in call.keywords:
        value = keyword.value
        yield value.operand if isinstance(value, ast.UnaryOp) else value


def _said(err: TypeError | ValueError) -> str:
    if isinstance(err, ValidationError):
        return str(err.errors()[0]["msg"]).removeprefix("Value error, ")
    return str(err)
