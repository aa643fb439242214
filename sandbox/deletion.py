"""Deleting: options, preconditions, and the grace of pods.

A pod that runs is only marked; pod life takes it away when its grace is over. A replayed delete
with a uid can never hit the replacement of the same name.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.admission import check_kind, current_version
from sandbox.objects import (
    Object,
    is_terminating,
    mapping_at,
    name_of,
    namespace_of,
    number_at,
    text_at,
    timestamp,
    uid_of,
)
from sandbox.requests import Request
from sandbox.resources import JOBS, PODS, Resource
from sandbox.status import (
    bad_request,
    delete_conflict,
    invalid_options,
    not_implemented,
    unsupported,
)
from sandbox.store import Store

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
_WITH_DEPENDENTS = {"CronJob", "DaemonSet", "Deployment", "Job", "ScaledObject", "StatefulSet"}


@dataclass(frozen=True)
class DeleteOptions:
    """What a delete may ask; a grace of None means the pod's own, no propagation the default."""

    grace_seconds: int | None = None
    uid: str = ""
    resource_version: str = ""
    propagation: str = ""


def delete_options(request: Request) -> DeleteOptions:
    """From the body, or without one from the query; raises ApiError 400, 422 or 501."""
    body = request.body if request.raw else _from_query(request)
    if not isinstance(body, dict):
        raise bad_request("decoded object cannot be converted to DeleteOptions")
    check_kind(body, "DeleteOptions", body.get("apiVersion", "v1"))
    return options_of(body)


def options_of(body: Object) -> DeleteOptions:
    """The options that a DeleteOptions object holds; raises ApiError 400, 422 or 501."""
    _check_propagation(body)
    grace = body.get("gracePeriodSeconds")
    if grace is not None and (not isinstance(grace, int) or isinstance(grace, bool)):
        raise bad_request("json: cannot unmarshal into DeleteOptions.gracePeriodSeconds: int64")
    wanted = mapping_at(body, "preconditions")
    return DeleteOptions(
        grace_seconds=grace if grace is None or grace >= 0 else 1,
        uid=str(wanted.get("uid") or ""),
        resource_version=str(wanted.get("resourceVersion") or ""),
        propagation=str(body.get("propagationPolicy") or ""),
    )


def _from_query(request: Request) -> Object:
    options: dict[str, Any] = {"gracePeriodSeconds": request.number("gracePeriodSeconds")}
    options["propagationPolicy"] = request.param("propagationPolicy") or None
    options["orphanDependents"] = request.param("orphanDependents") or None
    return options


def _check_propagation(body: Object) -> None:
    policy = body.get("propagationPolicy")
    if policy not in {None, "Background", "Foreground", "Orphan"}:
        kinds = ("Foreground", "Background", "Orphan", "nil")
        cause = unsupported("propagationPolicy", f'"{policy}"', *kinds)
        raise invalid_options("DeleteOptions", cause)
    if body.get("orphanDependents") is not None:
        raise not_implemented("orphanDependents")


def finalizer_of(resource: Resource, options: DeleteOptions) -> str:
    """What keeps the object until its dependents are seen to; empty when it goes at once.

    A Job's pods are orphaned unless somebody says otherwise. Raises ApiError 501 for a pod, whose
    dependents the sandbox does not know.
    """
    if resource is PODS and options.propagation in {"Foreground", "Orphan"}:
        raise not_implemented(f"propagationPolicy {options.propagation} of pods")
    if resource.kind not in _WITH_DEPENDENTS:
        return ""
    policy = options.propagation or ("Orphan" if resource is JOBS else "Background")
    return {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(policy, "")


def mark_deleting(
    store: Store, resource: Resource, obj: Object, finalizer: str, *, dry_run: bool = False
) -> Object:
    """The object with a deletion time and the finalizer; a marked one stays as it is."""
    if is_terminating(obj):
        return obj
    metadata = obj["metadata"]
    if resource.counts_generation:
        metadata["generation"] = number_at(obj, "metadata", "generation") + 1
    metadata |= {"deletionTimestamp": timestamp(store.clock()), "deletionGracePeriodSeconds": 0}
    metadata["finalizers"] = [finalizer]
    return store.replace(resource, obj, dry_run=dry_run)


def check_preconditions(resource: Resource, obj: Object, options: DeleteOptions) -> None:
    """Raises ApiError 409 when the object is not the one that was meant."""
    name, uid, version = name_of(obj), uid_of(obj), current_version(obj)
    if options.uid and options.uid != uid:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({uid})."
            " The object might have been deleted and then recreated"
        )
        raise delete_conflict(resource, name, why)
    if options.resource_version and options.resource_version != version:
        why = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match "
            f"the ResourceVersion in record ({version}). The object might have been modified"
        )
        raise delete_conflict(resource, name, why)


def grace_of(pod: Object, wanted: int | None) -> int:
    """Seconds the pod gets; a pod that was never scheduled or is finished gets none."""
    if not text_at(pod, "spec", "nodeName"):
        return 0
    if text_at(pod, "status", "phase") in {"Failed", "Succeeded"}:
        return 0
    own = number_at(pod, "spec", "terminationGracePeriodSeconds")
    return own if wanted is None else wanted


def delete_pod(
    store: Store, pod: Object, wanted: int | None, now: datetime, *, dry_run: bool = False
) -> Object:
    """Mark the pod, or remove it when its grace is 0; a marked pod only ever gets less grace."""
    grace = grace_of(pod, wanted)
    left = number_at(pod, "metadata", "deletionGracePeriodSeconds")
    if is_terminating(pod) and grace > 0 and (wanted is None or grace >= left):
        return pod
    if grace > 0:
        return store.replace(PODS, _marked(pod, grace, now), dry_run=dry_run)
    if not dry_run:
        store.remove(PODS, namespace_of(pod), name_of(pod))
    return pod


def _marked(pod: Object, grace: int, now: datetime) -> Object:
    metadata = pod["metadata"]
    if not is_terminating(pod):
        metadata["generation"] = number_at(pod, "metadata", "generation") + 1
    metadata["deletionTimestamp"] = timestamp(now + timedelta(seconds=grace))
    metadata["deletionGracePeriodSeconds"] = grace
    return pod


def success_status(resource: Resource, obj: Object) -> Object:
    """What a delete that is not graceful answers."""
    details = {"name": name_of(obj), "group": resource.group, "kind": resource.plural}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value} | {"uid": uid_of(obj)},
    }
