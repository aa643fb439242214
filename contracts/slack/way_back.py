"""How a write is taken back, in one sentence, read off the command that does the same by hand.

That command is what a plan, its view and the person who decides all have. A sentence never
promises that Firebreak takes it back by itself: only a runbook that says so does.
"""

import re
import shlex

from contracts.views import PlanView
from contracts.words import counted

UNKNOWN = "Not known: read the command before you agree."
_REVISION = re.compile(r"revision (\d+)")
_REPLICAS = re.compile(r"(\d{1,9}) replicas?")
# Options of kubectl that stand before its verb, each with a value.
_OPTIONS = ("--context", "-n")

# What has one answer, by the words after `kubectl` and its place; two words before one.
_SAYINGS = {
    "rollout restart": "Not needed: the new pods run the same version and settings.",
    "rollout pause": "Resume it: kubectl rollout resume.",
    "rollout resume": "Pausing again stops it where it is; pods already replaced stay replaced.",
    "delete pod": "Cannot be taken back; the controller starts another pod in its place.",
    "delete job": "Cannot be taken back: the job's pods and their logs are gone.",
    "create job": "Cannot be taken back; deleting the new job stops it, not what it has done.",
    "cordon": "Open it again: kubectl uncordon.",
    "uncordon": "Close it again: kubectl cordon; pods that started on it stay.",
    "drain": "kubectl uncordon opens it again; the pods that were moved stay where they are.",
}


def way_back(plan: PlanView) -> str:
    """One sentence: how it is taken back, or that it cannot be."""
    if not plan.kubectl:
        return "Not needed: there is nothing to write."
    if "/eviction" in plan.kubectl:
        return _SAYINGS["delete pod"]
    words = _verb(plan.kubectl)
    if words == "rollout undo":
        return _to_revision(plan.from_)
    if words.startswith("scale "):
        return _to_replicas(plan.from_)
    if words.startswith("patch "):
        return f"Set it back to what it was: {plan.from_}."
    return _SAYINGS.get(words) or _SAYINGS.get(words.split(" ")[0], UNKNOWN)


def _verb(command: str) -> str:
    """The one or two words that say what the last kubectl of a command does. A job that is read,
    changed and created again ends in `create -f`.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    if "kubectl" not in words:
        return ""
    last = len(words) - words[::-1].index("kubectl")
    while words[last : last + 1] and words[last] in _OPTIONS:
        last += 2
    said = " ".join(words[last : last + 2])
    return "create job" if said == "create -f" else said


def _to_revision(before: str) -> str:
    found = _REVISION.match(before)
    number = f" --to-revision={found[1]}" if found else ""
    return f"Roll forward again: kubectl rollout undo{number}."


def _to_replicas(before: str) -> str:
    found = _REPLICAS.fullmatch(before)
    if found:
        return f"Scale it back to {counted(int(found[1]), 'replica')}."
    return f"Scale it back: {before}."
