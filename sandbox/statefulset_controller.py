"""StatefulSets make pods with ordinals: in order, one revision after the other, highest first.

With OrderedReady a pod that never becomes ready stops everything behind it, also the update that
would mend it: only deleting that pod helps. It must run under the store's lock.
"""

from dataclasses import dataclass
from datetime import datetime

from sandbox.deletion import delete_pod
from sandbox.events import Recorder
from sandbox.maker import PodMaker
from sandbox.objects import (
    Object,
    is_terminating,
    labels_of,
    mapping_at,
    name_of,
    number_at,
    text_at,
)
from sandbox.pods import is_available, is_finished, is_ready, owned_pods, pod_from
from sandbox.resources import STATEFUL_SETS
from sandbox.set_revisions import (
    HASH,
    STATEFUL_HASH,
    Revisions,
    forget_revisions,
    sync_revisions,
    template_of,
)
from sandbox.sets import is_on_delete, partition_of
from sandbox.store import Store

_SOURCE = "statefulset-controller"
_POD_NAME, _POD_INDEX = "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index"


@dataclass
class _Pass:
    """One StatefulSet at one moment; `current` is the revision that it leaves."""

    stateful: Object
    revisions: Revisions
    current: Object
    pods: dict[int, Object]
    now: datetime

    @property
    def replicas(self) -> int:
        return number_at(self.stateful, "spec", "replicas")

    @property
    def in_order(self) -> bool:
        return text_at(self.stateful, "spec", "podManagementPolicy") == "OrderedReady"

    def is_up(self, pod: Object) -> bool:
        """Whether the pod is there and has been ready for long enough."""
        settle = number_at(self.stateful, "spec", "minReadySeconds")
        return not is_terminating(pod) and is_available(pod, settle, self.now)

    def revision_for(self, ordinal: int) -> Object:
        """Below the partition, a new pod is of the current revision again."""
        kept = not is_on_delete(self.stateful) and ordinal < partition_of(self.stateful)
        return self.current if kept else self.revisions.newest


class StatefulSetController:
    """The loop body over every StatefulSet."""

    def __init__(self, store: Store, events: Recorder, maker: PodMaker) -> None:
        self._store = store
        self._events = events
        self._maker = maker

    def tick(self, now: datetime) -> None:
        """One pass over all of them."""
        for stateful in self._store.list(STATEFUL_SETS):
            if is_terminating(stateful):
                continue
            run = self._begin(stateful, now)
            if self._fill(run) and self._shrink(run):
                self._update(run)
            self._report(run)

    def _begin(self, stateful: Object, now: datetime) -> _Pass:
        revisions = sync_revisions(self._store, stateful, STATEFUL_HASH)
        wanted = text_at(stateful, "status", "currentRevision")
        named = [item for item in revisions.all if name_of(item) == wanted]
        pods = {_ordinal(pod): pod for pod in owned_pods(self._store, stateful)}
        return _Pass(stateful, revisions, named[0] if named else revisions.newest, pods, now)

    def _fill(self, run: _Pass) -> bool:
        """Make what is missing; False when the rest has to wait."""
        for ordinal in range(run.replicas):
            pod = run.pods.get(ordinal)
            if pod is not None and is_finished(pod) and not is_terminating(pod):
                self._delete(run, ordinal)
                return False
            if pod is None and not self._create(run, ordinal):
                return False
            if run.in_order and (pod is None or not run.is_up(pod)):
                return False
        return True

    def _shrink(self, run: _Pass) -> bool:
        """The highest ordinal goes first; False while something is still going."""
        spare = sorted((number for number in run.pods if number >= run.replicas), reverse=True)
        for ordinal in spare:
            if not is_terminating(run.pods[ordinal]):
                self._delete(run, ordinal)
            if run.in_order:
                return False
        return not spare

    def _update(self, run: _Pass) -> None:
        """One pod of an old revision goes, and only when all above it are well."""
        if is_on_delete(run.stateful):
            return
        for ordinal in range(run.replicas - 1, partition_of(run.stateful) - 1, -1):
            pod = run.pods[ordinal]
            if _revision(pod) != name_of(run.revisions.newest) and not is_terminating(pod):
                self._delete(run, ordinal)
                return
            if not run.is_up(pod):
                return

    def _create(self, run: _Pass, ordinal: int) -> bool:
        name = f"{name_of(run.stateful)}-{ordinal}"
        pod = self._maker.create(run.stateful, _built(run, ordinal), run.now)
        if pod is None:
            return False
        run.pods[ordinal] = pod
        self._tell(run, "SuccessfulCreate", f"create Pod {name}")
        return True

    def _delete(self, run: _Pass, ordinal: int) -> None:
        pod = run.pods[ordinal]
        run.pods[ordinal] = delete_pod(self._store, pod, None, run.now)
        self._tell(run, "SuccessfulDelete", f"delete Pod {name_of(pod)}")

    def _tell(self, run: _Pass, reason: str, what: str) -> None:
        message = f"{what} in StatefulSet {name_of(run.stateful)} successful"
        self._events.record(run.stateful, ("Normal", reason, message), _SOURCE, run.now)

    def _report(self, run: _Pass) -> None:
        run.stateful["status"] = _status(run)
        self._store.replace_status(STATEFUL_SETS, run.stateful)
        live = {_revision(pod) for pod in run.pods.values()} | {name_of(run.current)}
        forget_revisions(self._store, run.stateful, run.revisions, live)


def _status(run: _Pass) -> Object:
    """Counts that are 0 are absent, except the two that the real API always shows."""
    current, update = name_of(run.current), name_of(run.revisions.newest)
    pods = list(run.pods.values())
    staying = [pod for pod in pods if not is_terminating(pod)]
    optional = {
        "readyReplicas": sum(is_ready(pod) for pod in pods),
        "currentReplicas": sum(_revision(pod) == current for pod in staying),
        "updatedReplicas": sum(_revision(pod) == update for pod in staying),
    }
    counts = (len(pods), optional["readyReplicas"], optional["updatedReplicas"])
    complete = counts == (run.replicas,) * 3 and not is_on_delete(run.stateful)
    if complete:
        optional["currentReplicas"], current = optional["updatedReplicas"], update
    status: Object = {"observedGeneration": number_at(run.stateful, "metadata", "generation")}
    status |= {"replicas": len(pods)} | {key: value for key, value in optional.items() if value}
    status |= {"currentRevision": current, "updateRevision": update, "collisionCount": 0}
    settle = number_at(run.stateful, "spec", "minReadySeconds")
    return status | {"availableReplicas": sum(is_available(pod, settle, run.now) for pod in pods)}


def _built(run: _Pass, ordinal: int) -> Object:
    revision, name = run.revision_for(ordinal), f"{name_of(run.stateful)}-{ordinal}"
    prefix = f"{name_of(run.stateful)}-"
    pod = pod_from(template_of(revision), run.stateful, name=name, generateName=prefix)
    own = {_POD_INDEX: str(ordinal), HASH: name_of(revision), _POD_NAME: name}
    pod["metadata"]["labels"] = labels_of(pod) | own
    pod["spec"]["hostname"] = name
    if service := text_at(run.stateful, "spec", "serviceName"):
        pod["spec"]["subdomain"] = service
    return pod


def _revision(pod: Object) -> str:
    return labels_of(pod).get(HASH, "")


def _ordinal(pod: Object) -> int:
    index = mapping_at(pod, "metadata", "labels").get(_POD_INDEX, "")
    return int(index) if index.isdigit() else -1
