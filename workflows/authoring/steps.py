"""Which activities of a cluster a runbook's steps are, read from its text.

A step that only shows when it runs (`verify(check)`) may be any of its kind.
"""

import inspect
from collections.abc import Iterable, Iterator
from types import ModuleType

from contracts import kubernetes
from contracts.step import Action, Check, Look, Step
from workflows.authoring.folders import Found

OWNER = "kubernetes.owner"
_KIND_OF_VERB: dict[str, type[Step]] = {
    "look": Look,
    "approve": Action,
    "act": Action,
    "verify": Check,
}


def activities_of(runbooks: Iterable[Found]) -> tuple[str, ...]:
    """The activities, each once; following a pod to its workload is always among them."""
    found = (name for runbook in runbooks for step in runbook.steps for name in _activities(step))
    return tuple(dict.fromkeys([OWNER, *found]))


def _activities(step: str) -> Iterator[str]:
    """Of one line of `steps_of`: `look PodLogs`, `act EvictPod|DeletePod`, `verify check`."""
    verb, _, names = step.partition(" ")
    known = dict(_steps(kubernetes))
    for name in names.split("|"):
        if name in known:
            yield known[name].activity
        elif not name[:1].isupper():
            kind = _KIND_OF_VERB[verb]
            yield from (k.activity for k in known.values() if issubclass(k, kind))


def _steps(module: ModuleType) -> Iterator[tuple[str, type[Step]]]:
    for name, item in inspect.getmembers(module, inspect.isclass):
        if issubclass(item, Step) and item.__module__ == module.__name__:
            yield name, item
