"""DaemonSets make one pod for each node, and replace them a few at a time.

A node that is cordoned or not ready keeps its pod and gets a new one. It must run under the
store's lock.
"""

from dataclasses import dataclass
from datetime import datetime

from sandbox.deletion import delete_pod
from sandbox.events import Recorder
from sandbox.hashing import generated_name
from sandbox.maker import PodMaker
from sandbox.objects import (
    Object,
    annotations_of,
    dig,
    is_terminating,
    items_at,
    labels_of,
    mapping_at,
    name_of,
    number_at,
)
from sandbox.placing import DAEMON_TOLERATIONS, bound_to, fits_daemon
from sandbox.pods import is_available, is_finished, is_ready, owned_pods, pod_from
from sandbox.resources import DAEMON_SETS, NODES
from sandbox.rollout import resolve
from sandbox.set_revisions import (
    HASH,
    Revisions,
    forget_revisions,
    sync_revisions,
    template_of,
)
from sandbox.sets import TEMPLATE_GENERATION, is_on_delete
from sandbox.store import Store

_SOURCE, _GENERATION = "daemonset-controller", "pod-template-generation"


@dataclass
class _Pass:
    """One DaemonSet at one moment; `pods` are those that stay, by the name of their node."""

    daemon: Object
    revisions: Revisions
    nodes: list[str]
    pods: dict[str, Object]
    going: dict[str, Object]
    now: datetime

    @property
    def newest(self) -> str:
        return labels_of(self.revisions.newest)[HASH]

    def is_new(self, pod: Object) -> bool:
        return labels_of(pod).get(HASH) == self.newest

    def is_up(self, pod: Object) -> bool:
        settle = number_at(self.daemon, "spec", "minReadySeconds")
        return is_available(pod, settle, self.now)


class DaemonSetController:
    """The loop body over every DaemonSet."""

    def __init__(self, store: Store, events: Recorder, maker: PodMaker) -> None:
        self._store = store
        self._events = events
        self._maker = maker

    def tick(self, now: datetime) -> None:
        """One pass over all of them."""
        for daemon in self._store.list(DAEMON_SETS):
            if is_terminating(daemon):
                continue
            run = self._begin(daemon, now)
            self._cover(run)
            if not is_on_delete(daemon):
                self._update(run)
            self._report(run)

    def _begin(self, daemon: Object, now: datetime) -> _Pass:
        revisions = sync_revisions(self._store, daemon, HASH)
        spec = mapping_at(daemon, "spec", "template", "spec")
        nodes = [name_of(node) for node in self._store.list(NODES) if fits_daemon(spec, node)]
        pods = owned_pods(self._store, daemon)
        staying = {bound_to(pod): pod for pod in pods if not is_terminating(pod)}
        going = {bound_to(pod): pod for pod in pods if is_terminating(pod)}
        return _Pass(daemon, revisions, nodes, staying, going, now)

    def _cover(self, run: _Pass) -> None:
        for node in run.nodes:
            pod = run.pods.get(node)
            if pod is not None and is_finished(pod):
                self._delete(run, node)
            elif pod is None and node not in run.going:
                self._create(run, node)
        for node in set(run.pods) - set(run.nodes):
            self._delete(run, node)

    def _update(self, run: _Pass) -> None:
        """Old pods that are down go at once, the others as far as the budget allows."""
        old = {node: pod for node, pod in run.pods.items() if not run.is_new(pod)}
        budget = self._budget(run)
        budget -= sum(
            node not in run.pods or (run.is_new(run.pods[node]) and not run.is_up(run.pods[node]))
            for node in run.nodes
        )
        down = [node for node, pod in old.items() if not run.is_up(pod)]
        for node in down:
            self._delete(run, node)
        up = [node for node in old if node not in down]
        for node in up[: max(0, budget - len(down))]:
            self._delete(run, node)

    def _budget(self, run: _Pass) -> int:
        value = dig(run.daemon, "spec", "updateStrategy", "rollingUpdate", "maxUnavailable")
        return max(1, resolve(value, len(run.nodes), up=True))

    def _create(self, run: _Pass, node: str) -> None:
        pod = self._maker.create(run.daemon, _built(run, node), run.now)
        if pod is not None:
            run.pods[node] = pod
            self._tell(run, "SuccessfulCreate", f"Created pod: {name_of(pod)}")

    def _delete(self, run: _Pass, node: str) -> None:
        pod = run.pods.pop(node)
        run.going[node] = delete_pod(self._store, pod, None, run.now)
        self._tell(run, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

    def _tell(self, run: _Pass, reason: str, message: str) -> None:
        self._events.record(run.daemon, ("Normal", reason, message), _SOURCE, run.now)

    def _report(self, run: _Pass) -> None:
        run.daemon["status"] = _status(run)
        self._store.replace_status(DAEMON_SETS, run.daemon)
        used = {labels_of(pod).get(HASH) for pod in run.pods.values()}
        live = {name_of(item) for item in run.revisions.all if labels_of(item)[HASH] in used}
        forget_revisions(self._store, run.daemon, run.revisions, live)


def _status(run: _Pass) -> Object:
    present = [run.pods[node] for node in run.nodes if node in run.pods]
    up = sum(run.is_up(pod) for pod in present)
    status: Object = {
        "currentNumberScheduled": len(present),
        "numberMisscheduled": len(set(run.pods) - set(run.nodes)),
        "desiredNumberScheduled": len(run.nodes),
        "numberReady": sum(is_ready(pod) for pod in present),
        "observedGeneration": number_at(run.daemon, "metadata", "generation"),
    }
    optional = {
        "updatedNumberScheduled": sum(run.is_new(pod) for pod in present),
        "numberAvailable": up,
        "numberUnavailable": len(run.nodes) - up,
    }
    return status | {key: value for key, value in optional.items() if value}


def _built(run: _Pass, node: str) -> Object:
    prefix = f"{name_of(run.daemon)}-"
    template = template_of(run.revisions.newest)
    pod = pod_from(template, run.daemon, name=generated_name(prefix), generateName=prefix)
    count = annotations_of(run.daemon).get(TEMPLATE_GENERATION, "1")
    pod["metadata"]["labels"] = labels_of(pod) | {HASH: run.newest, _GENERATION: count}
    fields = [{"key": "metadata.name", "operator": "In", "values": [node]}]
    wanted = {"nodeSelectorTerms": [{"matchFields": fields}]}
    affinity = {"requiredDuringSchedulingIgnoredDuringExecution": wanted}
    pod["spec"]["affinity"] = mapping_at(pod, "spec", "affinity") | {"nodeAffinity": affinity}
    own = items_at(pod, "spec", "tolerations")
    pod["spec"]["tolerations"] = [*own, *DAEMON_TOLERATIONS]
    return pod
