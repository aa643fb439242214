"""How a write is taken back, in one sentence for whoever decides on it.

A sentence never promises that Firebreak takes it back by itself: only a runbook that says so does.
"""

import re

from contracts.views import PlanView
from contracts.words import counted

UNKNOWN = "Not known: read the command before you agree."
_REVISION = re.compile(r"revision (\d+)")
_REPLICAS = re.compile(r"(\d{1,9}) replicas?")

# What has one answer, by the activity that writes.
_SAYINGS = {
    "kubernetes.rollout_restart": "Not needed: the new pods run the same version and settings.",
    "kubernetes.pause_rollout": "Resume it: kubectl rollout resume.",
    "kubernetes.resume_rollout": "Pausing again stops it where it is; pods already replaced stay "
    "replaced.",
    "kubernetes.evict_pod": "Cannot be taken back; the controller starts another pod in its place.",
    "kubernetes.delete_pod": "Cannot be taken back; the controller starts another pod in its "
    "place.",
    "kubernetes.delete_job": "Cannot be taken back: the job's pods and their logs are gone.",
    "kubernetes.rerun_job": "Cannot be taken back; deleting the new job stops it, not what it has "
    "done.",
    "kubernetes.cordon": "Open it again: kubectl uncordon.",
    "kubernetes.uncordon": "Close it again: kubectl cordon; pods that started on it stay.",
    "kubernetes.drain": "kubectl uncordon opens it again; the pods that were moved stay where they "
    "are.",
}
_TO_REVISION = ("kubernetes.rollback_deployment", "kubernetes.rollback_set")
_TO_WHAT_IT_WAS = ("kubernetes.scale", "kubernetes.restore")


def way_back(plan: PlanView) -> str:
    """One sentence: how it is taken back, or that it cannot be."""
    if not plan.kubectl:
        return "Not needed: there is nothing to write."
    if plan.action in _TO_REVISION:
        return _to_revision(plan.from_)
    if plan.action in _TO_WHAT_IT_WAS:
        return _to_what_it_was(plan.from_)
    return _SAYINGS.get(plan.action, UNKNOWN)


def _to_revision(before: str) -> str:
    found = _REVISION.match(before)
    number = f" --to-revision={found[1]}" if found else ""
    return f"Roll forward again: kubectl rollout undo{number}."


def _to_what_it_was(before: str) -> str:
    found = _REPLICAS.fullmatch(before)
    if found:
        return f"Scale it back to {counted(int(found[1]), 'replica')}."
    return f"Set it back to what it was: {before}."
