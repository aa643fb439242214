"""All controllers, one pass at a time, in the order in which a change travels.

`tick(now)` is a plain method: in real use a thread calls it, in a test a manual clock does. It
holds the store's lock, so that a request sees a cluster between two passes and never inside one.
"""

from datetime import datetime

from sandbox.containers import Pace
from sandbox.deletion import delete_pod
from sandbox.deployment_controller import DeploymentController
from sandbox.events import Recorder
from sandbox.objects import controller_uid, name_of, namespace_of, uid_of
from sandbox.podlife import PodLife
from sandbox.replicaset_controller import ReplicaSetController
from sandbox.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from sandbox.store import Store


class Controllers:
    """Deployments, ReplicaSets, pod life and the collector of orphans."""

    def __init__(self, store: Store, pace: Pace) -> None:
        events = Recorder(store)
        self._store = store
        self._deployments = DeploymentController(store, events)
        self._replica_sets = ReplicaSetController(store, events)
        self.pods = PodLife(store, events, pace)

    def tick(self, now: datetime) -> None:
        """One pass of everything at this moment."""
        with self._store.lock:
            self._deployments.tick(now)
            self._replica_sets.tick(now)
            self.pods.tick(now)
            self._collect(now)

    def _collect(self, now: datetime) -> None:
        """What lost its controller goes too, as with propagation in the background."""
        owners = {uid_of(item) for item in self._store.list(DEPLOYMENTS)}
        for item in self._store.list(REPLICA_SETS):
            if controller_uid(item) and controller_uid(item) not in owners:
                self._store.remove(REPLICA_SETS, namespace_of(item), name_of(item))
        owners = {uid_of(item) for item in self._store.list(REPLICA_SETS)}
        for pod in self._store.list(PODS):
            if controller_uid(pod) and controller_uid(pod) not in owners:
                delete_pod(self._store, pod, None, now)
