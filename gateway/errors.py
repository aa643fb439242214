"""What only a door can say, and which HTTP status every error of the tree becomes.

The tree itself lives in `contracts.errors`; nothing here decides, it only names.
"""

from contracts.errors import (
    AlreadyDecided,
    Expired,
    FirebreakError,
    InvalidInput,
    NotAllowed,
    NotFound,
    OutcomeUnknown,
    PlanChanged,
    ReasonMissing,
    Refused,
    Rejected,
    Retry,
    Stop,
)


class NotJson(Stop):
    """The body is not JSON as RFC 8259 has it, in UTF-8."""

    code = "not_json"
    fix = "Send one JSON object, UTF-8 without a byte order mark, no duplicate keys, no NaN."


class Unauthenticated(Stop):
    """Nobody we know."""

    code = "unauthenticated"
    fix = "Send `Authorization: Bearer <token>`, or sign in at /login."


class ForgedForm(Stop):
    """The form did not come from one of our own pages, or the page is too old."""

    code = "form_expired"
    fix = "Open the page again and send the form from there."


class TooLarge(Stop):
    """The body is bigger than the door takes."""

    code = "too_large"
    fix = "Send less at once; for Alertmanager set `max_alerts` of the webhook."


class UnsupportedMedia(Stop):
    """The body's type or encoding is not one the door reads."""

    code = "unsupported_media_type"
    fix = "Send `Content-Type: application/json`, not compressed."


class NotBuilt(Stop):
    """The route is reserved, and does nothing yet."""

    code = "not_implemented"
    fix = "Send these alerts through Alertmanager to /alerts/alertmanager."


class NotRecorded(Retry):
    """The decision did not reach the workflow in time."""

    code = "not_recorded"
    fix = "Try again; sending the same decision twice counts once."


# The first class that fits decides, so leaves stand before their branches.
_STATUSES: tuple[tuple[type[FirebreakError], int], ...] = (
    (NotJson, 400),
    (Unauthenticated, 401),
    (NotAllowed, 403),
    (ForgedForm, 403),
    (NotFound, 404),
    (AlreadyDecided, 409),
    (PlanChanged, 409),
    (Refused, 409),
    (Expired, 410),
    (TooLarge, 413),
    (UnsupportedMedia, 415),
    (InvalidInput, 422),
    (ReasonMissing, 422),
    (NotBuilt, 501),
    (Rejected, 502),
    (OutcomeUnknown, 503),
    (Retry, 503),
    (Stop, 409),
)


def status_of(error: FirebreakError) -> int:
    """The HTTP status of an error; 500 only for the bare root of the tree."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
