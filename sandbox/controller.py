"""All controllers, one pass at a time, in the order in which a change travels.

`tick(now)` is a plain method: in real use a thread calls it, in a test a manual clock does. It
holds the store's lock, so that a request sees a cluster between two passes and never inside one.
"""

from datetime import datetime

from sandbox.autoscaler import Autoscaler
from sandbox.budgets import BudgetController
from sandbox.collector import Collector
from sandbox.containers import Pace
from sandbox.daemonset_controller import DaemonSetController
from sandbox.deployment_controller import DeploymentController
from sandbox.events import Recorder
from sandbox.job_controller import JobController
from sandbox.maker import PodMaker
from sandbox.nodes import NodeController
from sandbox.podlife import PodLife
from sandbox.quotas import QuotaController
from sandbox.replicaset_controller import ReplicaSetController
from sandbox.scaled_objects import ScaledObjectController
from sandbox.scheduler import Scheduler
from sandbox.statefulset_controller import StatefulSetController
from sandbox.store import Store


class Controllers:
    """Everything that acts by itself; `pods` is also the source of logs."""

    def __init__(self, store: Store, pace: Pace) -> None:
        events, quotas = Recorder(store), QuotaController(store)
        maker = PodMaker(store, events, quotas)
        self._store = store
        self.pods = PodLife(store, events, pace)
        self._quotas = quotas
        self._loops = (
            NodeController(store, events),
            ScaledObjectController(store),
            Autoscaler(store, events, pace.autoscale_seconds),
            DeploymentController(store, events),
            StatefulSetController(store, events, maker),
            DaemonSetController(store, events, maker),
            ReplicaSetController(store, events, maker),
            JobController(store, events, maker),
            Scheduler(store, events),
            self.pods,
            BudgetController(store),
            Collector(store),
        )

    def tick(self, now: datetime) -> None:
        """One pass of everything at this moment."""
        with self._store.lock:
            for loop in self._loops:
                loop.tick(now)
            self._quotas.tick()
