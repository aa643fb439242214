"""Translate what the API server, or the way to it, answers into the error tree.

The one question behind every case: may trying again help, and could a write have landed? A write
whose answer was lost is `OutcomeUnknown`; one that never left, or was refused for now, is
`Unavailable`. Nothing foreign may leave this package, and no server text unredacted: messages end
in Temporal's history, and a Status may quote the object it rejects.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from contracts.errors import (
    FirebreakError,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Retry,
    Unavailable,
)
from contracts.redact import redact

SAID_CHARS_MAX = 300
AFTER_SECONDS_MAX = 60.0
CREDENTIALS_FIX = "Renew the token or certificate that the worker uses for this cluster."
PERMISSION_FIX = "Grant the verb to the worker's service account (see the shipped RBAC)."

_REQUEST_TIMEOUT = 408
_GONE = 410
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_NOT_IMPLEMENTED = 501


class Conflict(Unavailable):
    """409: the object changed between the read and the write. Re-read, then decide again."""

    code = "conflict"


class BudgetSpent(Unavailable):
    """429: a disruption budget allows no eviction now. Wait for pods to become ready, then ask
    again; never at once.
    """

    code = "budget_spent"
    fix = "Wait until more pods are ready, or look at the PodDisruptionBudget."


@contextmanager
def translated(what: str, *, write: bool = False) -> Iterator[None]:
    """Turn the client's exceptions into ours; `what` says what was asked, for the message."""
    try:
        yield
    except ApiException as err:
        raise _of_status(what, err, write=write) from None
    except (NewConnectionError, ConnectTimeoutError) as err:
        raise Unavailable(f"{what}: no connection ({type(err).__name__})") from None
    except (HTTPError, OSError, ValueError) as err:
        lost = OutcomeUnknown if write else Unavailable
        raise lost(f"{what}: no usable answer ({type(err).__name__})") from None


def _of_status(what: str, err: ApiException, *, write: bool) -> FirebreakError:
    status = int(err.status or 0)
    message = f"{what}: {status} {_said(err)}".rstrip()
    if status == 404:  # noqa: PLR2004  # 404 is its own name
        return NotFound(message)
    if status == 409:  # noqa: PLR2004  # 409 is its own name
        return Conflict(message)
    if _is_of_a_budget(err):
        return BudgetSpent(message)
    if _may_pass(status) and _TWO_BUDGETS not in message:
        return _later(message, err, unknown=write and status != _TOO_MANY_REQUESTS)
    fix = {401: CREDENTIALS_FIX, 403: PERMISSION_FIX}.get(status)
    return Rejected(message, fix)


# A 500 that no repetition mends: the server refuses to choose between two budgets.
_TWO_BUDGETS = "more than one PodDisruptionBudget"


def _is_of_a_budget(err: ApiException) -> bool:
    """A limiter in front of the API answers 429, too, and knows no causes."""
    details = _status_of(err.body).get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    return err.status == _TOO_MANY_REQUESTS and any(
        isinstance(cause, dict) and cause.get("reason") == "DisruptionBudget"
        for cause in causes or []
    )


def _may_pass(status: int) -> bool:
    """Status 0 is the client's own: a TLS handshake that broke."""
    passing = (0, _REQUEST_TIMEOUT, _GONE, _TOO_MANY_REQUESTS)
    return status in passing or (status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED)


def _later(message: str, err: ApiException, *, unknown: bool) -> Retry:
    later: Retry = OutcomeUnknown(message) if unknown else Unavailable(message)
    after = str((err.headers or {}).get("Retry-After", ""))
    if after.isdigit():
        later.after_seconds = min(float(after), AFTER_SECONDS_MAX)
    return later


def _said(err: ApiException) -> str:
    """The sentence of the server's Status, redacted and short; else the HTTP reason."""
    status = _status_of(err.body)
    text = status.get("message") or status.get("reason") or err.reason or ""
    return redact(str(text))[:SAID_CHARS_MAX]


def _status_of(body: Any) -> dict[str, Any]:
    try:
        status = json.loads(body or "{}")
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}
