"""The label that says which alerts start a runbook.

A decorator only labels: Temporal's sandbox imports a runbook's module anew for every run, so a
decorator that filled a list would fill it again and again.
"""

from collections.abc import Callable
from typing import TypeVar

from temporalio import workflow

from contracts.matching import Matcher, Trigger, parse_matcher

T = TypeVar("T", bound=type)
_LABEL = "__firebreak_triggers__"


def on_alert(name: str, *matchers: str, weight: int = 0) -> Callable[[T], T]:
    """Start the class for firing alerts of that name, if all `matchers` hold.

    `name` is an alert name, or a whole matcher such as `alertname=~"High.+Latency"`; matchers are
    Alertmanager's (`severity="critical"`). Of several runbooks the heaviest `weight` wins. Stacked
    decorators are alternatives.
    """
    first = parse_matcher(name) if "=" in name else Matcher(label="alertname", op="=", value=name)
    trigger = Trigger(matchers=(first, *map(parse_matcher, matchers)), weight=weight)

    def label(runbook: T) -> T:
        setattr(runbook, _LABEL, (trigger, *triggers_of(runbook)))
        return runbook

    return label


def triggers_of(runbook: type) -> tuple[Trigger, ...]:
    """The triggers of one class, in the order in which they are written."""
    return tuple(getattr(runbook, _LABEL, ()))


def name_of(runbook: type) -> str:
    """The workflow type under which the class runs: its name in policy, API and command line."""
    definition = workflow._Definition.must_from_class(runbook)  # noqa: SLF001 - no public way
    if definition.name is None:
        raise TypeError(f"{runbook.__name__} is a dynamic workflow; give it a name")
    return definition.name
