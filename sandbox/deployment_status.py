"""The status of a Deployment: counts and conditions, computed and never guessed.

The order of the checks is that of the real controller, with its known quirk: an old
ProgressDeadlineExceeded stays until the new rollout makes its first progress, although
observedGeneration has caught up already.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sandbox.objects import (
    Object,
    copied,
    items_at,
    name_of,
    number_at,
    parse_timestamp,
    text_at,
    timestamp,
)
from sandbox.revisions import Rollout
from sandbox.rollout import available, desired, max_unavailable, size

AVAILABLE_REASON = "NewReplicaSetAvailable"
DEADLINE_REASON = "ProgressDeadlineExceeded"
PAUSED_REASON = "DeploymentPaused"
_NEVER_SECONDS = 2**31 - 1


class Finding(NamedTuple):
    """A condition to be set; `status` is True, False or Unknown."""

    type: str
    status: str
    reason: str
    message: str


def condition(status: Object, kind: str) -> Object | None:
    """The condition of that type, or None."""
    return next((item for item in items_at(status, "conditions") if item["type"] == kind), None)


def set_condition(status: Object, finding: Finding, now: datetime) -> None:
    """Set it, unless status and reason are unchanged; the transition time follows the status."""
    present = condition(status, finding.type)
    if present and (present["status"], present["reason"]) == (finding.status, finding.reason):
        return
    same = present is not None and present["status"] == finding.status
    since = present["lastTransitionTime"] if present and same else timestamp(now)
    fresh = {
        **finding._asdict(),
        "lastUpdateTime": timestamp(now),
        "lastTransitionTime": since,
    }
    others = [item for item in items_at(status, "conditions") if item["type"] != finding.type]
    status["conditions"] = [*others, fresh]


def has_deadline(deployment: Object) -> bool:
    """Whether a rollout can ever be too slow."""
    seconds = deployment["spec"].get("progressDeadlineSeconds")
    return seconds is not None and seconds != _NEVER_SECONDS


def counted(rollout: Rollout) -> Object:
    """The new status without its verdict on progress; zero counts are absent."""
    deployment, sets = rollout.deployment, rollout.all
    ready = sum(number_at(item, "status", "readyReplicas") for item in sets)
    up = sum(available(item) for item in sets)
    counts = {
        "observedGeneration": number_at(deployment, "metadata", "generation"),
        "replicas": sum(number_at(item, "status", "replicas") for item in sets),
        "updatedReplicas": number_at(rollout.new or {}, "status", "replicas"),
        "readyReplicas": ready,
        "availableReplicas": up,
        "unavailableReplicas": max(0, sum(size(item) for item in sets) - up),
        "collisionCount": number_at(deployment, "status", "collisionCount"),
    }
    status: Object = {key: value for key, value in counts.items() if value}
    status["terminatingReplicas"] = sum(
        number_at(item, "status", "terminatingReplicas") for item in sets
    )
    status["conditions"] = copied(items_at(deployment, "status", "conditions"))
    set_condition(status, _availability(deployment, up), rollout.now)
    _take_over_failures(rollout, status)
    return status


def _take_over_failures(rollout: Rollout, status: Object) -> None:
    """A ReplicaSet that may not make pods shows in its Deployment."""
    found = [
        item
        for replica_set in [rollout.new, *rollout.old]
        for item in items_at(replica_set or {}, "status", "conditions")
        if item["type"] == "ReplicaFailure"
    ]
    if not found:
        others = [item for item in status["conditions"] if item["type"] != "ReplicaFailure"]
        status["conditions"] = others
        return
    failure = Finding("ReplicaFailure", "True", found[0]["reason"], found[0]["message"])
    set_condition(status, failure, rollout.now)


def _availability(deployment: Object, up: int) -> Finding:
    if up >= desired(deployment) - max_unavailable(deployment):
        message = "Deployment has minimum availability."
        return Finding("Available", "True", "MinimumReplicasAvailable", message)
    message = "Deployment does not have minimum availability."
    return Finding("Available", "False", "MinimumReplicasUnavailable", message)


def judged(rollout: Rollout) -> Object:
    """The new status with the verdict on progress."""
    deployment, status = rollout.deployment, counted(rollout)
    if not has_deadline(deployment):
        status["conditions"] = [
            item for item in status["conditions"] if item["type"] != "Progressing"
        ]
        return status
    before = condition(deployment.get("status", {}), "Progressing")
    settled = number_at(status, "replicas") == number_at(status, "updatedReplicas")
    if settled and before is not None and before["reason"] == AVAILABLE_REASON:
        return status
    _judge(rollout, status)
    return status


def _judge(rollout: Rollout, status: Object) -> None:
    subject = _subject(rollout)
    if is_complete(rollout.deployment, status):
        message = f"{subject} has successfully progressed."
        set_condition(status, _progress("True", AVAILABLE_REASON, message), rollout.now)
    elif _moved(rollout.deployment.get("status", {}), status):
        _note_movement(status, f"{subject} is progressing.", rollout.now)
    elif timed_out(rollout.deployment, status, rollout.now):
        message = f"{subject} has timed out progressing."
        set_condition(status, _progress("False", DEADLINE_REASON, message), rollout.now)


def _progress(status: str, reason: str, message: str) -> Finding:
    return Finding("Progressing", status, reason, message)


def _subject(rollout: Rollout) -> str:
    if rollout.new is None:
        return f'Deployment "{name_of(rollout.deployment)}"'
    return f'ReplicaSet "{name_of(rollout.new)}"'


def is_complete(deployment: Object, status: Object) -> bool:
    """All replicas are new, all are available, and the newest spec was seen."""
    wanted = desired(deployment)
    counts = ("updatedReplicas", "replicas", "availableReplicas")
    seen = number_at(status, "observedGeneration")
    return seen >= number_at(deployment, "metadata", "generation") and all(
        number_at(status, key) == wanted for key in counts
    )


def _moved(before: Object, after: Object) -> bool:
    def old_replicas(status: Object) -> int:
        return number_at(status, "replicas") - number_at(status, "updatedReplicas")

    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_replicas(after) < old_replicas(before) or any(
        number_at(after, key) > number_at(before, key) for key in grown
    )


def _note_movement(status: Object, message: str, now: datetime) -> None:
    """Movement renews the update time even when status and reason stay the same."""
    before = condition(status, "Progressing")
    others = [item for item in status["conditions"] if item["type"] != "Progressing"]
    status["conditions"] = others
    set_condition(status, _progress("True", "ReplicaSetUpdated", message), now)
    if before is not None and before["status"] == "True":
        status["conditions"][-1]["lastTransitionTime"] = before["lastTransitionTime"]


def timed_out(deployment: Object, status: Object, now: datetime) -> bool:
    """Whether there was no movement for longer than the deadline."""
    found = condition(status, "Progressing")
    if found is None or found["reason"] == AVAILABLE_REASON:
        return False
    if found["reason"] == DEADLINE_REASON:
        return True
    deadline = timedelta(seconds=number_at(deployment, "spec", "progressDeadlineSeconds"))
    return parse_timestamp(text_at(found, "lastUpdateTime")) + deadline < now


def note_pause(deployment: Object, now: datetime) -> bool:
    """Suspend or resume the deadline; True when the status was changed."""
    if not has_deadline(deployment):
        return False
    status = deployment.setdefault("status", {})
    found = condition(status, "Progressing")
    if found is not None and found["reason"] == DEADLINE_REASON:
        return False
    noted = found is not None and found["reason"] == PAUSED_REASON
    paused = bool(deployment["spec"].get("paused"))
    if paused == noted:
        return False
    word = "paused" if paused else "resumed"
    reason, message = f"Deployment{word.capitalize()}", f"Deployment is {word}"
    set_condition(status, Finding("Progressing", "Unknown", reason, message), now)
    return True
