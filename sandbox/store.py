"""The memory of the sandbox: one lock, one growing resourceVersion, deep copies in and out.

Whoever reads, decides and writes must hold `lock` for all three, so that no write is lost. The
store keeps the rules that every writer shares (uid, creation time, generation, a write that
changes nothing keeps its resourceVersion) and must never know about users, verbs or controllers.
"""

import threading
import uuid

from sandbox.history import Change, History
from sandbox.objects import (
    Clock,
    Object,
    annotations_of,
    controller_uid,
    copied,
    name_of,
    namespace_of,
    timestamp,
    utc_now,
)
from sandbox.resources import DEPLOYMENTS, Resource
from sandbox.status import already_exists, not_found

Table = dict[tuple[str, str], Object]
Objects = list[Object]


class Store:
    """All objects of the cluster, by table, namespace and name."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.history = History(self.lock)
        self._tables: dict[str, Table] = {}
        self._owned: dict[tuple[str, str], set[tuple[str, str]]] = {}
        self._version = 1

    @property
    def resource_version(self) -> str:
        """The version of the newest write, as lists report it."""
        return str(self._version)

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """A copy of the object, or None."""
        with self.lock:
            return copied(self._table(resource).get((namespace, name)))

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """A copy of the object; raises ApiError 404."""
        found = self.find(resource, namespace, name)
        if found is None:
            raise not_found(resource, name)
        return found

    def list(self, resource: Resource, namespace: str = "") -> Objects:
        """Copies, ordered by namespace and name; the empty namespace means all."""
        with self.lock:
            table = self._table(resource)
            keys = sorted(key for key in table if namespace in {"", key[0]})
            return [copied(table[key]) for key in keys]

    def peek(self, resource: Resource, namespace: str = "") -> Objects:
        """As `list`, but the objects themselves: only to be read, and only under the lock."""
        table = self._table(resource)
        return [table[key] for key in sorted(table) if namespace in {"", key[0]}]

    def owned(self, resource: Resource, owner_uid: str) -> Objects:
        """Copies of what has this controller, ordered by namespace and name."""
        with self.lock:
            table = self._table(resource)
            keys = self._owned.get((resource.storage, owner_uid), ())
            return [copied(table[key]) for key in sorted(keys)]

    def create(self, resource: Resource, obj: Object, *, dry_run: bool = False) -> Object:
        """Stamp and keep a new object; raises ApiError 409 when the name is taken."""
        with self.lock:
            if (namespace_of(obj), name_of(obj)) in self._table(resource):
                raise already_exists(resource, name_of(obj))
            created = self._stamped(resource, obj)
            return created if dry_run else self._keep(resource, created)

    def replace(self, resource: Resource, obj: Object, *, dry_run: bool = False) -> Object:
        """Write over an existing object; the generation grows when its inputs changed."""
        with self.lock:
            current = self.get(resource, namespace_of(obj), name_of(obj))
            if _generation_inputs(resource, obj) != _generation_inputs(resource, current):
                obj["metadata"]["generation"] = current["metadata"]["generation"] + 1
            return self._swap(resource, obj, dry_run=dry_run)

    def replace_status(self, resource: Resource, obj: Object) -> Object:
        """A controller's write through the status subresource: no new generation."""
        with self.lock:
            return self._swap(resource, obj, dry_run=False)

    def remove(self, resource: Resource, namespace: str, name: str) -> None:
        """Forget the object; the version still grows, as a delete is a write."""
        with self.lock:
            gone = self._table(resource).pop((namespace, name))
            self._forget_owner(resource, gone)
            self._version += 1
            last = copied(gone)
            last["metadata"]["resourceVersion"] = str(self._version)
            self._note("DELETED", resource, last, gone)

    def _swap(self, resource: Resource, obj: Object, *, dry_run: bool) -> Object:
        current = self._table(resource)[(namespace_of(obj), name_of(obj))]
        if obj == current:
            return obj
        proposed = copied(obj)
        proposed["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"]
        if dry_run or proposed == current:
            return proposed
        return self._keep(resource, proposed)

    def _keep(self, resource: Resource, obj: Object) -> Object:
        table, key = self._table(resource), (namespace_of(obj), name_of(obj))
        before = table.get(key)
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        table[key] = obj
        if before is not None:
            self._forget_owner(resource, before)
        self._owned.setdefault((resource.storage, controller_uid(obj)), set()).add(key)
        self._note("ADDED" if before is None else "MODIFIED", resource, obj, before)
        return copied(obj)

    def _forget_owner(self, resource: Resource, obj: Object) -> None:
        place = (resource.storage, controller_uid(obj))
        self._owned[place].discard((namespace_of(obj), name_of(obj)))
        if not self._owned[place]:
            del self._owned[place]

    def _note(self, what: str, resource: Resource, obj: Object, before: Object | None) -> None:
        self.history.add(Change(self._version, what, resource.storage, obj, before))

    def _table(self, resource: Resource) -> Table:
        return self._tables.setdefault(resource.storage, {})

    def _stamped(self, resource: Resource, obj: Object) -> Object:
        created: Object = {"kind": resource.kind, "apiVersion": resource.api_version}
        created |= copied(obj)
        created["metadata"].setdefault("uid", str(uuid.uuid4()))
        created["metadata"]["creationTimestamp"] = timestamp(self.clock())
        if resource.counts_generation:
            created["metadata"]["generation"] = 1
        return created


def _generation_inputs(resource: Resource, obj: Object) -> object:
    """What a generation stands for.

    A Deployment's annotations count as its spec does, because its controller copies them to the
    ReplicaSets; the real strategy does the same.
    """
    if not resource.counts_generation:
        return None
    if resource is DEPLOYMENTS:
        return obj.get("spec"), annotations_of(obj)
    return obj.get("spec")
