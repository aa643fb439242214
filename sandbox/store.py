"""The memory of the sandbox: one lock, one growing resourceVersion, deep copies in and out.

Whoever reads, decides and writes must hold `lock` for all three, so that no write is lost. The
store keeps the rules that every writer shares (uid, creation time, generation, a write that
changes nothing keeps its resourceVersion) and must never know about users, verbs or controllers.
"""

import threading
import uuid

from sandbox.objects import (
    Clock,
    Object,
    annotations_of,
    copied,
    name_of,
    namespace_of,
    timestamp,
    utc_now,
)
from sandbox.resources import DEPLOYMENTS, Resource
from sandbox.status import already_exists, not_found

Key = tuple[str, str, str]


class Store:
    """All objects of the cluster, by table, namespace and name."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self._objects: dict[Key, Object] = {}
        self._version = 1

    @property
    def resource_version(self) -> str:
        """The version of the newest write, as lists report it."""
        return str(self._version)

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """A copy of the object, or None."""
        with self.lock:
            return copied(self._objects.get((resource.storage, namespace, name)))

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """A copy of the object; raises ApiError 404."""
        found = self.find(resource, namespace, name)
        if found is None:
            raise not_found(resource, name)
        return found

    def list(self, resource: Resource, namespace: str = "") -> list[Object]:
        """Copies, ordered by namespace and name; the empty namespace means all."""
        with self.lock:
            keys = sorted(
                key
                for key in self._objects
                if key[0] == resource.storage and namespace in {"", key[1]}
            )
            return [copied(self._objects[key]) for key in keys]

    def create(self, resource: Resource, obj: Object, *, dry_run: bool = False) -> Object:
        """Stamp and keep a new object; raises ApiError 409 when the name is taken."""
        with self.lock:
            key = (resource.storage, namespace_of(obj), name_of(obj))
            if key in self._objects:
                raise already_exists(resource, name_of(obj))
            created = self._stamped(resource, obj)
            return created if dry_run else self._keep(key, created)

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
            del self._objects[(resource.storage, namespace, name)]
            self._version += 1

    def _swap(self, resource: Resource, obj: Object, *, dry_run: bool) -> Object:
        key = (resource.storage, namespace_of(obj), name_of(obj))
        current = self._objects[key]
        proposed = copied(obj)
        proposed["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"]
        if dry_run or proposed == current:
            return proposed
        return self._keep(key, proposed)

    def _keep(self, key: Key, obj: Object) -> Object:
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        self._objects[key] = obj
        return copied(obj)

    def _stamped(self, resource: Resource, obj: Object) -> Object:
        created: Object = {"kind": resource.kind, "apiVersion": resource.api_version}
        created |= copied(obj)
        created["metadata"] |= {
            "uid": str(uuid.uuid4()),
            "creationTimestamp": timestamp(self.clock()),
        }
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
