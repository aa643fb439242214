"""The scale subresource: a Deployment or StatefulSet seen as autoscaling/v1 Scale.

Its preconditions answer differently from those of the workload (a wrong uid is 409, not 422),
which is why it has a file of its own.
"""

from dataclasses import replace
from typing import Any

from sandbox.admission import check_kind, current_version, uid_precondition
from sandbox.objects import Object, mapping_at, name_of, namespace_of, number_at, uid_of
from sandbox.resources import Resource
from sandbox.selectors import selector_text
from sandbox.status import bad_request, bad_value, conflict, invalid, modified


def scale_of(deployment: Object) -> Object:
    """The Scale object; replicas 0 are absent, as Go's omitempty leaves them out."""
    metadata = deployment["metadata"]
    keys = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    replicas = number_at(deployment, "spec", "replicas")
    status: Object = {"replicas": number_at(deployment, "status", "replicas")}
    status["selector"] = selector_text(mapping_at(deployment, "spec", "selector"))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in keys},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def scaled(resource: Resource, deployment: Object, scale: Any) -> Object:
    """The workload with the replicas of the scale; raises ApiError 400, 409 or 422."""
    if not isinstance(scale, dict):
        raise bad_request("the object provided is unrecognized (must be of type Scale)")
    check_kind(scale, "Scale", "autoscaling/v1")
    _check_preconditions(resource, deployment, mapping_at(scale, "metadata"))
    replicas = mapping_at(scale, "spec").get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request(
            'Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal into Go '
            "struct field ScaleSpec.spec.replicas of type int32"
        )
    if replicas < 0:
        cause = bad_value("spec.replicas", str(replicas), "must be greater than or equal to 0")
        raise invalid(("autoscaling", "Scale"), name_of(deployment), [cause])
    deployment["spec"]["replicas"] = replicas
    return deployment


def _check_preconditions(resource: Resource, deployment: Object, sent: Object) -> None:
    name, uid, version = name_of(deployment), sent.get("uid"), sent.get("resourceVersion")
    if sent.get("name", name) != name:
        raise bad_request(
            f"the name of the object ({sent['name']}) does not match the name on the URL ({name})"
        )
    if sent.get("namespace", namespace_of(deployment)) != namespace_of(deployment):
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if uid and uid != uid_of(deployment):
        seen = replace(resource, plural=f"{resource.plural}/scale")
        raise conflict(seen, name, uid_precondition(uid, uid_of(deployment)))
    if version and version != current_version(deployment):
        raise modified(resource, name)
