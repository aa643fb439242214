"""Failures on demand: the part of a cluster's behaviour that a real one does not give to a test.

A fault takes the next `times` requests that match and is then spent. Only "after commit" faults
let the write happen; a fault must never be able to change what is stored.
"""

import re
import threading
from dataclasses import dataclass
from typing import Literal

from sandbox.requests import Request, Response, error_response, text_response
from sandbox.status import ApiError

_CONFLICT, _LIMITED, _INTERNAL, _UNAVAILABLE, _TIMEOUT = 409, 429, 500, 503, 504
_MODIFIED = (
    "Operation cannot be fulfilled on {}: the object has been modified; please apply your changes "
    "to the latest version and try again"
)
_BUDGET = "Cannot evict pod as it would violate the pod's disruption budget."
_SPENT = "The disruption budget injected needs 3 healthy pods and has 3 currently"
_WORDS = {
    _CONFLICT: ("Conflict", _MODIFIED.format('the object of a "fault"')),
    _INTERNAL: ("InternalError", "Internal error occurred: fault injected by the sandbox"),
    _UNAVAILABLE: ("ServiceUnavailable", "The sandbox was told to be unavailable"),
    _TIMEOUT: (
        "Timeout",
        "Timeout: request did not complete within requested timeout - context deadline exceeded",
    ),
}
FaultKind = Literal[
    "status", "status_after_commit", "reset_before_commit", "reset_after_commit", "delay"
]


@dataclass(frozen=True)
class Fault:
    """What to do to the next `times` requests whose verb and path match.

    `verb` is the API verb (get, list, create, update, patch, delete) or `*`; `path_regex` is
    searched in the path without its query. `status` is 409, 429, 500, 503 or 504. A 429 is the
    limiter's plain text with Retry-After, 1 s unless `retry_after_seconds` says otherwise; with
    `budget` it is the Status of a spent disruption budget, whose Retry-After is only there when
    `retry_after_seconds` is. `delay_seconds` belongs to the kind "delay".
    """

    verb: str
    path_regex: str
    times: int
    kind: FaultKind = "status"
    status: int = 500
    retry_after_seconds: int = 0
    delay_seconds: float = 0.0
    budget: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for a fault that could never do what it says."""
        if self.times < 1:
            raise ValueError("times must be at least 1")
        if self.status not in {_CONFLICT, _LIMITED, _INTERNAL, _UNAVAILABLE, _TIMEOUT}:
            raise ValueError(f"status must be 409, 429, 500, 503 or 504, not {self.status}")
        if self.budget and self.status != _LIMITED:
            raise ValueError("the status of a budget fault must be 429")
        re.compile(self.path_regex)

    @property
    def before_commit(self) -> bool:
        """Whether the request is never carried out."""
        return self.kind in {"status", "reset_before_commit"}

    @property
    def after_commit(self) -> bool:
        """Whether the request is carried out all the same."""
        return self.kind in {"status_after_commit", "reset_after_commit"}

    @property
    def resets(self) -> bool:
        """Whether the connection is cut instead of answered."""
        return self.kind in {"reset_before_commit", "reset_after_commit"}

    def matches(self, request: Request) -> bool:
        """Whether this fault is meant for the request."""
        if self.verb not in {"*", request.verb}:
            return False
        return re.search(self.path_regex, request.path) is not None


class Faults:
    """The faults still to happen, in the order in which they were added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        """Arm a fault."""
        with self._lock:
            self._left.append((fault, fault.times))

    def clear(self) -> None:
        """Disarm all of them."""
        with self._lock:
            self._left.clear()

    def pending(self) -> int:
        """How many requests will still be hit."""
        with self._lock:
            return sum(left for _, left in self._left)

    def take(self, request: Request) -> Fault | None:
        """The first fault that matches, used up by one."""
        with self._lock:
            for index, (fault, left) in enumerate(self._left):
                if fault.matches(request):
                    self._left[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
            return None


def fault_response(fault: Fault) -> Response:
    """The answer of a status fault, in the words of the real server."""
    if fault.budget:
        return error_response(_spent_budget(fault.retry_after_seconds))
    if fault.status == _LIMITED:
        # The limiter in front of the API answers in plain text, not with a Status.
        wait = str(fault.retry_after_seconds or 1)
        return text_response(429, "Too many requests, please try again later.\n", Retry_After=wait)
    reason, message = _WORDS[fault.status]
    seconds = fault.retry_after_seconds
    details = {"retryAfterSeconds": seconds} if seconds else {}
    return error_response(ApiError(fault.status, reason, message, details))


def _spent_budget(retry_after_seconds: int) -> ApiError:
    cause = {"reason": "DisruptionBudget", "message": _SPENT}
    waits = {"retryAfterSeconds": retry_after_seconds} if retry_after_seconds else {}
    return ApiError(429, "TooManyRequests", _BUDGET, {"causes": [cause], **waits})
