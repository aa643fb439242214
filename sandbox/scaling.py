"""Sizes after `spec.replicas` changed: who grows or shrinks, without starting a rollout.

In the middle of a rolling update the change is shared in proportion to the sizes, so that a bad
new revision does not get all of the new pods.
"""

from sandbox.objects import Object, annotations_of, number_at, text_at
from sandbox.revisions import DESIRED_REPLICAS, MAX_REPLICAS, Rollout, revision_of
from sandbox.rollout import available, desired, is_rolling, max_surge, proportion, size


def plan_scaling(rollout: Rollout) -> list[tuple[Object, int]]:
    """(ReplicaSet, new size) for each that is to be written."""
    wanted = desired(rollout.deployment)
    only = _only_one(rollout)
    if only is not None:
        return [(only, wanted)]
    if _is_saturated(rollout):
        return [(item, 0) for item in rollout.old if size(item) > 0]
    return _proportional(rollout) if is_rolling(rollout.deployment) else []


def _only_one(rollout: Rollout) -> Object | None:
    """The one that has pods, or the newest when none has; None when several have."""
    if len(rollout.active) == 1:
        return rollout.active[0]
    if rollout.active:
        return None
    return rollout.new or max(rollout.old, key=revision_of, default=None)


def _is_saturated(rollout: Rollout) -> bool:
    new, wanted = rollout.new, desired(rollout.deployment)
    if new is None:
        return False
    noted = annotations_of(new).get(DESIRED_REPLICAS)
    return size(new) == wanted == available(new) and noted == str(wanted)


def _proportional(rollout: Rollout) -> list[tuple[Object, int]]:
    deployment, sets = rollout.deployment, rollout.active
    if not sets:
        # Paused from the beginning: there is no ReplicaSet that could be sized.
        return []
    wanted = desired(deployment)
    allowed = wanted + max_surge(deployment) if wanted else 0
    left = allowed - sum(size(item) for item in sets)
    sets.sort(key=lambda item: _order(item, growing=left > 0))
    plan: list[tuple[Object, int]] = []
    for item in sets:
        share = proportion(deployment, item, _before(deployment, item), left)
        plan.append((item, size(item) + share))
        left -= share
    # What rounding left over goes to the first one, the biggest.
    first, planned = plan[0]
    return [(first, max(0, planned + left)), *plan[1:]]


def _order(replica_set: Object, *, growing: bool) -> tuple[int, int, str]:
    """Biggest first; among equals the newest grows first and the oldest shrinks first."""
    revision = revision_of(replica_set)
    created = text_at(replica_set, "metadata", "creationTimestamp")
    return -size(replica_set), -revision if growing else revision, created


def _before(deployment: Object, replica_set: Object) -> int:
    noted = annotations_of(replica_set).get(MAX_REPLICAS, "")
    return int(noted) if noted.isdigit() else number_at(deployment, "status", "replicas")
