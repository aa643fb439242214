"""The garbage collector: what lost its controller goes too, or is set free first.

A delete in the foreground waits for the dependents, an orphaning one cuts their reference; both
leave a finalizer on the owner that only this collector takes off. It must run under the store's
lock.
"""

from datetime import datetime

from sandbox.deletion import FOREGROUND, ORPHAN, delete_pod, mark_deleting
from sandbox.objects import (
    Object,
    controller_uid,
    copied,
    dig,
    is_terminating,
    items_at,
    name_of,
    namespace_of,
    uid_of,
)
from sandbox.resources import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    PODS,
    REPLICA_SETS,
    REVISIONS,
    SCALED_OBJECTS,
    SCALERS,
    STATEFUL_SETS,
    Resource,
)
from sandbox.store import Store

_OWNERS = (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    REPLICA_SETS,
    SCALED_OBJECTS,
    STATEFUL_SETS,
)
# In the order in which they go: an owner before what it owns.
_DEPENDENTS = (REPLICA_SETS, JOBS, REVISIONS, SCALERS, PODS)


class Collector:
    """One pass over everything that has a controller."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tick(self, now: datetime) -> None:
        """Serve the finalizers, then remove what has no owner any more."""
        for resource in _OWNERS:
            for owner in self._store.peek(resource):
                if is_terminating(owner):
                    self._finish(resource, copied(owner), now)
        for resource in _DEPENDENTS:
            owners = {uid_of(item) for kind in _OWNERS for item in self._store.peek(kind)}
            for item in self._store.peek(resource):
                if controller_uid(item) and controller_uid(item) not in owners:
                    self._remove(resource, copied(item), now)

    def _finish(self, resource: Resource, owner: Object, now: datetime) -> None:
        finalizers = dig(owner, "metadata", "finalizers") or []
        left = self._dependents(owner)
        if ORPHAN in finalizers:
            for kind, item in left:
                self._set_free(kind, item, owner)
        elif FOREGROUND in finalizers and left:
            for kind, item in left:
                self._remove_and_wait(kind, item, now)
            return
        self._store.remove(resource, namespace_of(owner), name_of(owner))

    def _dependents(self, owner: Object) -> list[tuple[Resource, Object]]:
        return [
            (kind, item) for kind in _DEPENDENTS for item in self._store.owned(kind, uid_of(owner))
        ]

    def _set_free(self, resource: Resource, item: Object, owner: Object) -> None:
        kept = [
            reference
            for reference in items_at(item, "metadata", "ownerReferences")
            if reference.get("uid") != uid_of(owner)
        ]
        item["metadata"]["ownerReferences"] = kept
        if not kept:
            del item["metadata"]["ownerReferences"]
        self._store.replace(resource, item)

    def _remove_and_wait(self, resource: Resource, item: Object, now: datetime) -> None:
        """Inside a delete in the foreground, what has dependents waits for them, too."""
        if resource not in _OWNERS:
            self._remove(resource, item, now)
        elif not is_terminating(item):
            mark_deleting(self._store, resource, item, FOREGROUND)

    def _remove(self, resource: Resource, item: Object, now: datetime) -> None:
        if resource is PODS:
            delete_pod(self._store, item, None, now)
        elif not is_terminating(item):
            self._store.remove(resource, namespace_of(item), name_of(item))
