"""What stands between a request and the store: decoding, ownership of fields, validation.

It turns what a client sent into what would be stored, or into the error of the real server. It
never writes, so that a dry run and a real run take the same way up to the last step.
"""

import json
from typing import Any

from sandbox import events
from sandbox.hashing import random_suffix
from sandbox.kinds import KINDS
from sandbox.objects import (
    Object,
    mapping_at,
    name_of,
    namespace_of,
    parse_timestamp,
    uid_of,
    without_nulls,
)
from sandbox.policies import initial_status
from sandbox.requests import Request
from sandbox.resources import EVENTS_V1, NAMESPACES, Resource
from sandbox.status import (
    ApiError,
    Cause,
    bad_request,
    conflict,
    immutable,
    invalid,
    invalid_options,
    modified,
    not_implemented,
    required,
    unsupported,
)
from sandbox.templates import decoding_problem

_CLIENT_METADATA = (
    "annotations",
    "generateName",
    "labels",
    "name",
    "namespace",
    "ownerReferences",
)
_SERVER_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generation",
    "managedFields",
    "uid",
)
_FIELD_MANAGER_MAX = 128


def is_dry_run(request: Request, kind: str) -> bool:
    """Check the options every write has; raises ApiError 422 or 501.

    `kind` is the options' own kind, e.g. `PatchOptions`, which the error names.
    """
    values = request.dry_run
    if set(values) - {"All"}:
        shown = json.dumps(list(values), separators=(",", ":"))
        raise invalid_options(kind, unsupported("dryRun", shown, "All"))
    if len(request.field_manager) > _FIELD_MANAGER_MAX:
        too_long = f"Too long: may not be more than {_FIELD_MANAGER_MAX} bytes"
        raise invalid_options(kind, Cause("fieldManager", "FieldValueTooLong", too_long))
    if request.param("fieldValidation") == "Strict":
        raise not_implemented("fieldValidation=Strict")
    return bool(values)


def decoded(request: Request, resource: Resource) -> Object:
    """The body as an object of the resource's kind; raises ApiError 400, 415 or 501."""
    check_body_type(request)
    body = request.body
    if not isinstance(body, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {resource.kind})")
    if resource.custom and not body.get("kind"):
        what = f"unrecognized (must be of type {resource.kind}): Object 'Kind' is missing"
        raise bad_request(f"the object provided is {what} in '{json.dumps(body)}'")
    check_kind(body, resource.kind, resource.api_version)
    _check_decodes(resource, body, patched=False)
    clean: Object = without_nulls(body)
    return clean


def check_body_type(request: Request) -> None:
    """Raises ApiError 415 for a body that no server reads, 501 for one that a real one reads."""
    if request.media_type in {"", "application/json"}:
        return
    if request.media_type in {"application/yaml", "application/vnd.kubernetes.protobuf"}:
        raise not_implemented(f"bodies of type {request.media_type}")
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )
    raise ApiError(415, "UnsupportedMediaType", message)


def check_kind(body: Object, kind: str, api_version: str) -> None:
    """Kind and apiVersion may be absent, but must not be another's."""
    sent_version, sent_kind = body.get("apiVersion", api_version), body.get("kind", kind)
    if sent_kind != kind:
        message = f'{sent_kind} in version "{sent_version}" cannot be handled as a {kind}'
        raise bad_request(f"{message}: no kind match")
    if sent_version != api_version:
        raise bad_request(
            f"the API version in the data ({sent_version}) does not match the expected API "
            f"version ({api_version})"
        )


def _check_decodes(resource: Resource, body: Object, *, patched: bool) -> None:
    """A wrong type is a 400 in a body, and a 422 named `patch` in the result of a patch."""
    known = KINDS.get(resource.kind)
    problem = decoding_problem(body, resource.kind, known.integers) if known else ""
    if not isinstance(body.get("metadata", {}), dict):
        problem = "json: cannot unmarshal into Go struct field .metadata of type map"
    if problem and patched:
        raise invalid(("", ""), "", [Cause("patch", "FieldValueInvalid", problem)])
    if problem:
        kind, version = resource.kind, resource.version
        raise bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: {problem}')


def prepare_create(resource: Resource, namespace: str, body: Object) -> Object:
    """The object that a create stores; raises ApiError 400, 422 or 501."""
    sent = mapping_at(body, "metadata")
    _check_namespace(resource, namespace, sent)
    if sent.get("resourceVersion"):
        raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
    _refuse_finalizers(sent)
    body["metadata"] = {key: sent[key] for key in _CLIENT_METADATA if key in sent}
    body.pop("status", None)
    if resource.namespaced:
        body["metadata"]["namespace"] = namespace
    if sent.get("generateName") and not sent.get("name"):
        body["metadata"]["name"] = sent["generateName"] + random_suffix()
    return _completed(resource, body)


def _completed(resource: Resource, obj: Object) -> Object:
    if resource is NAMESPACES:
        return _namespace(obj)
    if resource is EVENTS_V1:
        return events.checked(obj)
    status = initial_status(resource.kind)
    return _checked(resource, obj, None) | ({} if status is None else {"status": status})


def _namespace(obj: Object) -> Object:
    name = name_of(obj)
    if not name:
        cause = required("metadata.name", "name or generateName is required")
        raise invalid(("", "Namespace"), name, [cause])
    obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
    return obj | {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}


def _checked(resource: Resource, obj: Object, current: Object | None) -> Object:
    """The object with its defaults; raises ApiError 422 with all that is wrong with it."""
    known = KINDS.get(resource.kind)
    found = known.problems(obj, current) if known else []
    if found:
        raise invalid((resource.group, resource.kind), name_of(obj), found)
    return obj


def _check_namespace(resource: Resource, namespace: str, sent: Object) -> None:
    if resource.namespaced and sent.get("namespace", namespace) != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _refuse_finalizers(sent: Object) -> None:
    if sent.get("finalizers"):
        raise not_implemented("metadata.finalizers")


def prepare_update(resource: Resource, current: Object, proposed: Any, *, patched: bool) -> Object:
    """The object that an update or a patch stores; raises ApiError 400, 409, 422 or 501."""
    _check_decodes(resource, proposed, patched=patched)
    updated: Object = without_nulls(proposed)
    sent = updated.setdefault("metadata", {})
    _check_identity(resource, current, sent)
    _check_uid(resource, current, sent, patched=patched)
    if sent.get("resourceVersion", current_version(current)) != current_version(current):
        raise modified(resource, name_of(current))
    _check_server_fields(resource, current, sent)
    if sent.get("finalizers") != current["metadata"].get("finalizers"):
        _refuse_finalizers(sent)
    kept = {key: sent[key] for key in _CLIENT_METADATA if key in sent}
    owned = {key: value for key, value in current["metadata"].items() if key in _SERVER_METADATA}
    updated["metadata"] = kept | owned | _named(current)
    updated |= {"kind": current["kind"], "apiVersion": current["apiVersion"]}
    updated["status"] = current.get("status", {})
    if "status" not in current:
        del updated["status"]
    return _checked(resource, updated, current)


def current_version(current: Object) -> str:
    """`metadata.resourceVersion` of a stored object."""
    return str(current["metadata"]["resourceVersion"])


def _named(current: Object) -> Object:
    named: Object = {"name": name_of(current), "resourceVersion": current_version(current)}
    return named | ({"namespace": namespace_of(current)} if namespace_of(current) else {})


def _check_identity(resource: Resource, current: Object, sent: Object) -> None:
    name = name_of(current)
    if sent.get("name", name) != name:
        raise bad_request(
            f"the name of the object ({sent['name']}) does not match the name on the URL ({name})"
        )
    _check_namespace(resource, namespace_of(current), sent)


def _check_uid(resource: Resource, current: Object, sent: Object, *, patched: bool) -> None:
    """A PUT takes the uid as a precondition (409); a patch may not change the field (422)."""
    name, uid, live = name_of(current), sent.get("uid"), uid_of(current)
    if not uid or uid == live:
        return
    if not patched:
        key = f"/registry/{resource.plural}/{namespace_of(current)}/{name}"
        raise conflict(
            resource,
            name,
            f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, "
            f"AdditionalErrorMsg: {uid_precondition(uid, live)}",
        )
    if sent.get("resourceVersion", current_version(current)) == current_version(current):
        # The real server checks this twice, and tells both times.
        cause = immutable("metadata.uid", f'"{uid}"')
        causes = [cause] if resource.kind == "PodDisruptionBudget" else [cause, cause]
        raise invalid((resource.group, resource.kind), name, causes)


def uid_precondition(wanted: str, live: str) -> str:
    """The sentence of a failed uid precondition in storage."""
    return f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {live}"


def _check_server_fields(resource: Resource, current: Object, sent: Object) -> None:
    for key in ("creationTimestamp", "deletionTimestamp"):
        if not _same_moment(sent.get(key), current["metadata"].get(key)):
            cause = immutable(f"metadata.{key}", f'"{sent[key]}"')
            raise invalid((resource.group, resource.kind), name_of(current), [cause])


def _same_moment(sent: Any, live: Any) -> bool:
    """Clients may write the same time in another way, and may leave it out."""
    if sent is None or sent == live:
        return True
    try:
        return bool(live) and parse_timestamp(str(sent)) == parse_timestamp(live)
    except ValueError:
        return False
