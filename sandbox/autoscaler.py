"""HorizontalPodAutoscalers: at every sync the target's size is put between minimum and maximum.

What is wanted in between comes from the pods' metrics, where there are any. Zero replicas switch an
autoscaler off. It must run under the store's lock.
"""

from datetime import datetime, timedelta

from sandbox.events import Recorder
from sandbox.load import wanted_by_load
from sandbox.managed_fields import CONTROLLER, note_write
from sandbox.objects import (
    Object,
    items_at,
    mapping_at,
    name_of,
    namespace_of,
    number_at,
    text_at,
    timestamp,
)
from sandbox.resources import DEPLOYMENTS, SCALERS, STATEFUL_SETS, Resource
from sandbox.store import Store

_SOURCE = "horizontal-pod-autoscaler"
_TARGETS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS}
_NO_METRICS = (
    "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get "
    "metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could "
    "not find the requested resource (get pods.metrics.k8s.io)"
)
_GOT_SCALE = "the HPA controller was able to get the target's current scale"
Told = tuple[str, str, str, str]


class Autoscaler:
    """Syncs all autoscalers every `sync_seconds`."""

    def __init__(self, store: Store, events: Recorder, sync_seconds: float) -> None:
        self._store = store
        self._events = events
        self._every = timedelta(seconds=sync_seconds)
        self._due: datetime | None = None

    def tick(self, now: datetime) -> None:
        """One sync, when it is due."""
        if self._due is not None and now < self._due:
            return
        self._due = now + self._every
        for scaler in self._store.list(SCALERS):
            self._sync(scaler, now)

    def _sync(self, scaler: Object, now: datetime) -> None:
        reference = mapping_at(scaler, "spec", "scaleTargetRef")
        kind, name = text_at(reference, "kind"), text_at(reference, "name")
        resource = _TARGETS.get(kind)
        found = self._store.find(resource, namespace_of(scaler), name) if resource else None
        if resource is None or found is None:
            return self._miss(scaler, f'{kind.lower()}s.apps "{name}" not found', now)
        current = number_at(found, "spec", "replicas")
        if current == 0:
            return self._rest(scaler, now)
        return self._bound(scaler, (resource, found), current, now)

    def _miss(self, scaler: Object, why: str, now: datetime) -> None:
        message = f"the HPA controller was unable to get the target's current scale: {why}"
        self._tell(scaler, ("Warning", "FailedGetScale", why), now)
        told: list[Told] = [("AbleToScale", "False", "FailedGetScale", message)]
        self._report(scaler, (0, 0), told, now)

    def _rest(self, scaler: Object, now: datetime) -> None:
        message = "scaling is disabled since the replica count of the target is zero"
        told: list[Told] = [
            ("AbleToScale", "True", "SucceededGetScale", _GOT_SCALE),
            ("ScalingActive", "False", "ScalingDisabled", message),
        ]
        self._report(scaler, (0, 0), told, now)

    def _bound(
        self, scaler: Object, target: tuple[Resource, Object], current: int, now: datetime
    ) -> None:
        least = number_at(scaler, "spec", "minReplicas")
        most = number_at(scaler, "spec", "maxReplicas")
        asked = wanted_by_load(self._store, scaler, target[1])
        wanted, why = min(max(current if asked is None else asked, least), most), ""
        if current < least:
            wanted, why = least, "Current number of replicas below Spec.MinReplicas"
        elif current > most:
            wanted, why = most, "Current number of replicas above Spec.MaxReplicas"
        elif wanted != current:
            above = "above" if wanted > current else "below"
            why = f"cpu resource utilization (percentage of request) {above} target"
        told = [_able(current, wanted)]
        if asked is not None:
            told += [_active(), _limited(asked, least, most)]
        elif not why:
            told.append(("ScalingActive", "False", "FailedGetResourceMetric", _NO_METRICS))
        if why:
            self._resize(*target, wanted)
            what = ("Normal", "SuccessfulRescale", f"New size: {wanted}; reason: {why}")
            self._tell(scaler, what, now)
            scaler["status"]["lastScaleTime"] = timestamp(now)
        self._report(scaler, (current, wanted), told, now)

    def _resize(self, resource: Resource, target: Object, replicas: int) -> None:
        before = self._store.get(resource, namespace_of(target), name_of(target))
        target["spec"]["replicas"] = replicas
        note_write(before, target, CONTROLLER._replace(subresource="scale"))
        self._store.replace(resource, target)

    def _tell(self, scaler: Object, what: tuple[str, str, str], now: datetime) -> None:
        self._events.record(scaler, what, _SOURCE, now)

    def _report(
        self, scaler: Object, sizes: tuple[int, int], told: list[Told], now: datetime
    ) -> None:
        status, (current, wanted) = mapping_at(scaler, "status"), sizes
        fresh: Object = {"desiredReplicas": wanted, "currentMetrics": None}
        if current:
            fresh["currentReplicas"] = current
        if when := status.get("lastScaleTime"):
            fresh["lastScaleTime"] = when
        fresh["conditions"] = _merged(status, told, now)
        scaler["status"] = fresh
        self._store.replace_status(SCALERS, scaler)


def _able(current: int, wanted: int) -> Told:
    if current == wanted:
        return "AbleToScale", "True", "SucceededGetScale", _GOT_SCALE
    message = f"the HPA controller was able to update the target scale to {wanted}"
    return "AbleToScale", "True", "SucceededRescale", message


def _active() -> Told:
    message = (
        "the HPA was able to successfully calculate a replica count from cpu resource utilization "
        "(percentage of request)"
    )
    return "ScalingActive", "True", "ValidMetricFound", message


def _limited(asked: int, least: int, most: int) -> Told:
    if asked > most:
        message = "the desired replica count is more than the maximum replica count"
        return "ScalingLimited", "True", "TooManyReplicas", message
    if asked < least:
        message = "the desired replica count is less than the minimum replica count"
        return "ScalingLimited", "True", "TooFewReplicas", message
    message = "the desired count is within the acceptable range"
    return "ScalingLimited", "False", "DesiredWithinRange", message


def _merged(status: Object, told: list[Told], now: datetime) -> list[Object]:
    """The transition time follows the status; what is not told again stays."""
    before = {item["type"]: item for item in items_at(status, "conditions")}
    for kind, value, reason, message in told:
        old = before.get(kind, {})
        since = old["lastTransitionTime"] if old.get("status") == value else timestamp(now)
        before[kind] = {
            "type": kind,
            "status": value,
            "lastTransitionTime": since,
            "reason": reason,
            "message": message,
        }
    return list(before.values())
