"""Human work: the raw trace of it, and a row of the ledger.

An observation is personal, short-lived and deletable; an entry is for ever. Seconds are integers,
times UTC, and every row carries the key that makes a second posting of it nothing.
"""

import re
from datetime import datetime
from typing import Literal

from pydantic import Field

from contracts.errors import InvalidInput
from contracts.model import Contract
from contracts.target import Target

Category = Literal["firefighting", "other_toil", "engineering", "overhead", "absence"]
Confidence = Literal["measured", "confirmed", "inferred", "default"]
_UNITS = {"s": 1, "m": 60, "h": 3600}
Method = Literal["log", "automatic", "session", "reversal"]


class Observation(Contract):
    """One human act: `seconds` of work that ended at `at`. `person` is an id, or None when it
    could not be told who. `source` is where it was seen, `action` the word for what was done.
    """

    key: str = Field(min_length=1)
    person: str | None
    at: datetime
    source: str
    action: str
    seconds: int = Field(default=0, ge=0)
    service: str = ""
    team: str = ""
    incident: str = ""
    target: Target | None = None


class Entry(Contract):
    """One row of the ledger. `seconds` are human seconds: zero for what Firebreak did itself.
    A correction is a reversal (`reverses` = the corrected key) and a new entry.
    """

    key: str = Field(min_length=1)
    category: Category
    method: Method
    confidence: Confidence
    seconds: int = Field(ge=0)
    occurred_at: datetime
    text: str = ""
    person: str | None = None
    team: str = ""
    service: str = ""
    incident: str = ""
    runbook: str = ""
    action: str = ""
    reverses: str | None = None
    method_version: int = 1


def parse_duration(text: str) -> int:
    """Read `1h30m`, `25m` or `90s`, as seconds.

    Raises:
        InvalidInput: it is something else, or no time at all.

    """
    parts = re.findall(r"([0-9]{1,6})([smh])", text)
    seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if seconds == 0 or "".join(number + unit for number, unit in parts) != text:
        raise InvalidInput(f"'{text}' is not a duration", "Write 25m, 90s or 1h30m.")
    return seconds
