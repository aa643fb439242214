"""Runbooks as their readers see them: triggers and steps as sentences, a docstring as manual."""

import inspect
from datetime import datetime
from functools import partial

from contracts.catalogue import FaultyFile, Served, ServedRunbook
from contracts.matching import Trigger
from contracts.policy import Policy
from workflows.authoring.faults import Fault
from workflows.authoring.fingerprints.commands import fingerprint_of
from workflows.authoring.folders import Found, Loaded
from workflows.trigger import triggers_of


def served(loaded: Loaded, policy: Policy, at: datetime) -> Served:
    """Everything that was loaded, under a policy that knows which runbooks ship."""
    return Served(
        at=at,
        runbooks=tuple(map(partial(portrait, policy=policy), loaded.runbooks)),
        faults=tuple(map(_faulty, loaded.faults)),
        limits=policy.limits,
    )


def portrait(found: Found, policy: Policy) -> ServedRunbook:
    """One runbook, under that policy."""
    manual = inspect.getdoc(found.runbook) or ""
    everywhere = policy.autonomy_of(found.name, "")
    levels = {s.name: policy.autonomy_of(found.name, s.name) for s in policy.services}
    return ServedRunbook(
        name=found.name,
        title=title_of(found.runbook),
        manual=manual,
        triggers=tuple(map(sentence, triggers_of(found.runbook))),
        steps=found.steps,
        autonomy=everywhere,
        services={name: level for name, level in levels.items() if level != everywhere},
        fingerprint=fingerprint_of(found.commands),
        path=str(found.path),
        shipped=found.shipped,
    )


def title_of(runbook: type) -> str:
    """The first line of the module's docstring, which tells what the file is for."""
    module = inspect.getmodule(runbook)
    return ((module and inspect.getdoc(module)) or "").partition("\n")[0]


def sentence(trigger: Trigger) -> str:
    """A trigger in Alertmanager's words, and its weight if it has one."""
    words = ", ".join(map(str, trigger.matchers))
    return f"{words} (weight {trigger.weight})" if trigger.weight else words


def _faulty(fault: Fault) -> FaultyFile:
    return FaultyFile(
        path=str(fault.path), line=fault.line, reason=fault.reason, remedy=fault.remedy
    )
