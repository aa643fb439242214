"""RFC 3339 as senders write it: any offset, up to nine digits of fraction.

Python's own reader takes week dates and dates without a time, too; a door does not guess.
"""

import math
import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_ZERO_YEAR = "0001-"


def read_time(text: object) -> datetime:
    """The time in UTC, microseconds at most.

    Raises:
        ValueError: not a string, not RFC 3339, or no such day or second.

    """
    found = _RFC3339.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("is not an RFC 3339 time such as 2026-11-21T08:30:00Z")
    whole, fraction, zone = found.groups()
    offset = "+00:00" if zone == "Z" else zone
    try:
        moment = datetime.fromisoformat(f"{whole}.{(fraction or '0')[:6]:0<6}{offset}")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise ValueError("is no such day or time") from err


def is_zero(text: object) -> bool:
    """Whether this is Go's zero time, which means that there is none (also in any zone)."""
    return text in (None, "") or (isinstance(text, str) and text.startswith(_ZERO_YEAR))


def moved_to_past(moment: datetime, now: datetime) -> datetime:
    """A future time, moved back by as many whole hours as it takes.

    Repeats of one message within an hour give the same time, and two episodes stay two, which
    "now" would do neither of.
    """
    return moment - timedelta(hours=math.ceil((moment - now) / timedelta(hours=1)))
