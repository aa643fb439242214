"""Failures on demand: what the stand-in does instead of answering well.

`how` is one of Slack's error codes, or one of these:

    429                  too many calls; `seconds` is in Retry-After
    500, 502             an answer that is no JSON of Slack's (502 is a proxy's page in HTML)
    reset_before         the connection breaks before anything was done
    accepted_then_reset  it is done, and the connection breaks before the answer
    slow                 it is done at once, and the answer takes `seconds`
"""

from dataclasses import dataclass

EVERY = "*"
WAYS = frozenset({"429", "500", "502", "reset_before", "accepted_then_reset", "slow"})


@dataclass
class Fault:
    """One failure of one method. `times` None: until it is mended. `after`: calls that go well."""

    method: str
    times: int | None
    how: str
    seconds: float = 1
    after: int = 0


class Faults:
    """The failures to come, first in first out."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Have it happen."""
        self._faults.append(fault)

    def mend(self, method: str = EVERY) -> None:
        """Forget the failures of one method, or all."""
        self._faults = [f for f in self._faults if method not in (EVERY, f.method)]

    def next(self, method: str) -> Fault | None:
        """What happens to this call; it is counted."""
        for fault in self._faults:
            if fault.method in (EVERY, method):
                return self._counted(fault)
        return None

    def _counted(self, fault: Fault) -> Fault | None:
        if fault.after > 0:
            fault.after -= 1
            return None
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
        return fault
