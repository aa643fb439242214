"""The errors of the API: one exception, and one constructor for each answer of the real server.

The constructors hold the exact reasons, details and sentences, because clients compare them.
Nothing here decides *when* an error is due.
"""

from dataclasses import dataclass

from sandbox.objects import Object
from sandbox.resources import Resource


@dataclass(frozen=True)
class Cause:
    """One field error: `field` is a path such as `spec.replicas`."""

    field: str
    reason: str
    message: str


class ApiError(Exception):
    """An answer that is a Status of kind Failure, with its HTTP code."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details

    @property
    def retry_after_seconds(self) -> int:
        """Seconds for the Retry-After header; 0 means that no header is sent."""
        return int((self.details or {}).get("retryAfterSeconds", 0))

    def body(self) -> Object:
        """The Status object."""
        status: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        status["message"] = str(self)
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        return status | {"code": self.code}


def _details(group: str, kind: str, name: str) -> Object:
    """Go's omitempty: empty members are absent."""
    details = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in details.items() if value}


def not_found(resource: Resource, name: str) -> ApiError:
    """404 for a missing object."""
    details = _details(resource.group, resource.plural, name)
    return ApiError(404, "NotFound", f'{resource.qualified} "{name}" not found', details)


def no_resource() -> ApiError:
    """404 for a resource or version that a served group does not have."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    """403; `why` follows `is forbidden: `."""
    subject = f'{resource.qualified} "{name}"' if name else resource.qualified
    details = _details(resource.group, resource.plural, name)
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", details)


def already_exists(resource: Resource, name: str) -> ApiError:
    """409 for a create on a taken name."""
    details = _details(resource.group, resource.plural, name)
    return ApiError(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', details)


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    """409 with the resource in plural, as update and patch answer."""
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(resource.group, resource.plural, name))


def modified(resource: Resource, name: str) -> ApiError:
    """409 for a stale resourceVersion."""
    why = (
        "the object has been modified; please apply your changes to the latest version "
        "and try again"
    )
    return conflict(resource, name, why)


def delete_conflict(resource: Resource, name: str, why: str) -> ApiError:
    """409 of a delete precondition, which names the kind and not the plural."""
    message = f'Operation cannot be fulfilled on {resource.qualified_kind} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(resource.group, resource.kind, name))


def invalid(kind: tuple[str, str], name: str, causes: list[Cause]) -> ApiError:
    """422 with causes; `kind` is (group, kind)."""
    group, short = kind
    qualified = f"{short}.{group}" if group else short
    errors = [f"{cause.field}: {cause.message}" for cause in causes]
    errors = list(dict.fromkeys(errors))
    joined = errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]"
    details = _details(group, short, name)
    details["causes"] = [
        {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes
    ]
    return ApiError(422, "Invalid", f'{qualified} "{name}" is invalid: {joined}', details)


def invalid_options(kind: str, cause: Cause) -> ApiError:
    """422 for a query parameter such as dryRun."""
    return invalid(("meta.k8s.io", kind), "", [cause])


def unprocessable() -> ApiError:
    """422 without causes: a JSON patch that does not apply, including a failed test."""
    message = "the server rejected our request due to an error in our request"
    return ApiError(422, "Invalid", message, {})


def bad_request(message: str) -> ApiError:
    """400."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """401; the real server does not say what was wrong with the token either."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def not_allowed() -> ApiError:
    """405 for a verb that this resource lacks on the real server too."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, {})


def not_acceptable(offered: str) -> ApiError:
    """406."""
    message = f"only the following media types are accepted: {offered}"
    return ApiError(406, "NotAcceptable", message)


def unsupported_patch() -> ApiError:
    """415 for a patch format that a built-in resource does not know."""
    return ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def unsupported_media_type(accepted: list[str]) -> ApiError:
    """415."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
    )
    return ApiError(415, "UnsupportedMediaType", message)


def not_implemented(what: str) -> ApiError:
    """501: the real API can do this and the sandbox cannot."""
    message = f"the sandbox does not implement {what}; use a real control plane for this"
    return ApiError(501, "NotImplemented", message)


def required(field: str, message: str = "") -> Cause:
    """A missing field."""
    return Cause(field, "FieldValueRequired", f"Required value: {message}".removesuffix(": "))


def bad_value(field: str, shown: str, why: str) -> Cause:
    """A wrong value; `shown` is the value as Go prints it."""
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown}: {why}")


def immutable(field: str, shown: str) -> Cause:
    """A field that may not change."""
    return bad_value(field, shown, "field is immutable")


def unsupported(field: str, shown: str, *supported: str) -> Cause:
    """A value outside of an enumeration."""
    listed = ", ".join(f'"{value}"' for value in supported)
    return Cause(
        field, "FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {listed}"
    )
