"""Deployments make ReplicaSets: one pass over every Deployment for each tick.

It follows the real controller step by step (one scaling decision, then the status), because
remediation is judged by the states in between. It must run under the store's lock.
"""

from datetime import datetime

from sandbox.deployment_status import (
    Finding,
    condition,
    counted,
    has_deadline,
    is_complete,
    judged,
    note_pause,
    set_condition,
)
from sandbox.events import Recorder
from sandbox.objects import (
    Object,
    annotations_of,
    is_terminating,
    name_of,
    namespace_of,
    number_at,
    uid_of,
)
from sandbox.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from sandbox.revisions import (
    DESIRED_REPLICAS,
    REVISION,
    Rollout,
    build_replica_set,
    revision_of,
    rollout_of,
    stamp_revision,
    stamp_sizes,
)
from sandbox.rollout import (
    available,
    desired,
    is_rolling,
    new_size,
    removable,
    size,
    spare_available,
)
from sandbox.scaling import plan_scaling
from sandbox.store import Store

_COLLISIONS_MAX = 8


class DeploymentController:
    """The loop body; `tick` reads, decides and writes for all Deployments once."""

    def __init__(self, store: Store, events: Recorder) -> None:
        self._store = store
        self._events = events

    def tick(self, now: datetime) -> None:
        """One pass."""
        for deployment in self._store.list(DEPLOYMENTS):
            if is_terminating(deployment):
                continue
            owned = self._store.owned(REPLICA_SETS, uid_of(deployment))
            self._sync(rollout_of(deployment, owned, now))

    def _sync(self, rollout: Rollout) -> None:
        if note_pause(rollout.deployment, rollout.now):
            self._write_status(rollout)
        self._adopt_revision(rollout)
        paused = bool(rollout.deployment["spec"].get("paused"))
        if paused or self._was_resized(rollout):
            self._apply(rollout, plan_scaling(rollout))
            if paused:
                self._forget_history(rollout)
            self._report(rollout, counted(rollout))
        elif is_rolling(rollout.deployment):
            self._roll(rollout)
        else:
            self._recreate(rollout)

    def _was_resized(self, rollout: Rollout) -> bool:
        wanted = str(desired(rollout.deployment))
        return any(
            annotations_of(item).get(DESIRED_REPLICAS, wanted) != wanted for item in rollout.active
        )

    def _adopt_revision(self, rollout: Rollout) -> None:
        """Renumber the ReplicaSet whose template is wanted now, if there is one."""
        if rollout.new is None:
            return
        stamp_revision(rollout, rollout.new)
        if seconds := number_at(rollout.deployment, "spec", "minReadySeconds"):
            rollout.new["spec"]["minReadySeconds"] = seconds
        else:
            rollout.new["spec"].pop("minReadySeconds", None)
        rollout.new = self._store.replace(REPLICA_SETS, rollout.new)
        self._announce(
            rollout, "FoundNewReplicaSet", f'Found new replica set "{name_of(rollout.new)}"'
        )

    def _create_new(self, rollout: Rollout) -> None:
        built = build_replica_set(rollout)
        for _ in range(_COLLISIONS_MAX):
            if self._store.find(REPLICA_SETS, namespace_of(built), name_of(built)) is None:
                break
            status = rollout.deployment.setdefault("status", {})
            status["collisionCount"] = number_at(status, "collisionCount") + 1
            built = build_replica_set(rollout)
        built["spec"]["replicas"] = new_size(rollout.deployment, rollout.old, built)
        stamp_revision(rollout, built)
        stamp_sizes(rollout.deployment, built)
        rollout.new = self._store.create(REPLICA_SETS, built)
        self._tell_scaled(rollout, rollout.new, 0)
        message = f'Created new replica set "{name_of(rollout.new)}"'
        self._announce(rollout, "NewReplicaSetCreated", message)

    def _announce(self, rollout: Rollout, reason: str, message: str) -> None:
        """Copy the revision to the Deployment, and start the clock of its progress."""
        deployment, status = rollout.deployment, rollout.deployment.setdefault("status", {})
        created = reason == "NewReplicaSetCreated"
        if has_deadline(deployment) and (created or condition(status, "Progressing") is None):
            set_condition(status, Finding("Progressing", "True", reason, message), rollout.now)
        notes = deployment["metadata"].setdefault("annotations", {})
        notes[REVISION] = annotations_of(rollout.new or {}).get(REVISION, "")
        self._write_status(rollout)

    def _roll(self, rollout: Rollout) -> None:
        if rollout.new is None:
            self._create_new(rollout)
        if not self._grow_new(rollout) and not self._shrink_old(rollout):
            self._forget_when_complete(rollout)
        self._report(rollout, judged(rollout))

    def _grow_new(self, rollout: Rollout) -> bool:
        new = rollout.new
        if new is None or size(new) == desired(rollout.deployment):
            return False
        wanted = new_size(rollout.deployment, rollout.all, new)
        if size(new) > desired(rollout.deployment):
            wanted = desired(rollout.deployment)
        return self._scale(rollout, new, wanted)

    def _shrink_old(self, rollout: Rollout) -> bool:
        """Unhealthy old replicas go first, then healthy ones as far as availability allows."""
        new, old = rollout.new, [item for item in rollout.old if size(item) > 0]
        if new is None or not old:
            return False
        budget = removable(rollout.deployment, rollout.all, new)
        if budget <= 0:
            return False
        changed = False
        for item in old:
            gone = min(budget, size(item) - available(item))
            budget -= max(0, gone)
            changed |= gone > 0 and self._scale(rollout, item, size(item) - gone)
        return self._shrink_healthy(rollout, old) or changed

    def _shrink_healthy(self, rollout: Rollout, old: list[Object]) -> bool:
        budget, changed = spare_available(rollout.deployment, rollout.all), False
        for item in old:
            gone = min(max(0, budget), size(item))
            budget -= gone
            changed |= gone > 0 and self._scale(rollout, item, size(item) - gone)
        return changed

    def _recreate(self, rollout: Rollout) -> None:
        """First all old pods go, then the new ones come: nothing runs in between."""
        if not self._stop_old(rollout) and not self._old_pods_remain(rollout):
            if rollout.new is None:
                self._create_new(rollout)
            self._grow_new(rollout)
            self._forget_when_complete(rollout)
        self._report(rollout, judged(rollout))

    def _stop_old(self, rollout: Rollout) -> bool:
        stopping = [item for item in rollout.old if size(item) > 0]
        for item in stopping:
            self._scale(rollout, item, 0)
        return bool(stopping)

    def _old_pods_remain(self, rollout: Rollout) -> bool:
        return any(self._store.owned(PODS, uid_of(item)) for item in rollout.old)

    def _apply(self, rollout: Rollout, plan: list[tuple[Object, int]]) -> None:
        for replica_set, wanted in plan:
            self._scale(rollout, replica_set, wanted)

    def _scale(self, rollout: Rollout, replica_set: Object, wanted: int) -> bool:
        """Write the size into the given object too; True when the size changed."""
        before = size(replica_set)
        replica_set["spec"]["replicas"] = wanted
        stamp_sizes(rollout.deployment, replica_set)
        replica_set.update(self._store.replace(REPLICA_SETS, replica_set))
        if wanted != before:
            self._tell_scaled(rollout, replica_set, before)
        return wanted != before

    def _tell_scaled(self, rollout: Rollout, replica_set: Object, before: int) -> None:
        after = size(replica_set)
        way = "up" if after > before else "down"
        message = f"Scaled {way} replica set {name_of(replica_set)} from {before} to {after}"
        what = ("Normal", "ScalingReplicaSet", message)
        self._events.record(rollout.deployment, what, "deployment-controller", rollout.now)

    def _forget_when_complete(self, rollout: Rollout) -> None:
        if is_complete(rollout.deployment, rollout.deployment.get("status", {})):
            self._forget_history(rollout)

    def _forget_history(self, rollout: Rollout) -> None:
        limit = number_at(rollout.deployment, "spec", "revisionHistoryLimit")
        by_revision = sorted(rollout.old, key=revision_of)
        for item in by_revision[: max(0, len(by_revision) - limit)]:
            if size(item) == 0 and not number_at(item, "status", "replicas"):
                self._store.remove(REPLICA_SETS, namespace_of(item), name_of(item))
                rollout.old.remove(item)

    def _report(self, rollout: Rollout, status: Object) -> None:
        rollout.deployment["status"] = status
        self._write_status(rollout)

    def _write_status(self, rollout: Rollout) -> None:
        written = self._store.replace_status(DEPLOYMENTS, rollout.deployment)
        rollout.deployment.update(written)
