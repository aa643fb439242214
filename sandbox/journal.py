"""The request log: the oracle of tests that claim "exactly one write".

It remembers a bounded number of requests and counts effective writes for ever. It must never be
told of the controllers' own writes, only of requests.
"""

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.objects import Object

REQUESTS_MAX = 10_000


@dataclass(frozen=True)
class Record:
    """One answered request; `status` is the HTTP code, 0 when the connection was cut."""

    at: str
    verb: str
    path: str
    user: str
    user_agent: str
    field_manager: str
    dry_run: tuple[str, ...]
    body: Any
    status: int
    effective: bool


class Journal:
    """Thread-safe log of requests and count of effective writes by user agent."""

    def __init__(self, requests_max: int = REQUESTS_MAX) -> None:
        self._lock = threading.Lock()
        self._records: deque[Record] = deque(maxlen=requests_max)
        self._effective: Counter[str] = Counter()

    def add(self, record: Record) -> None:
        """Remember a request."""
        with self._lock:
            self._records.append(record)

    def count_effective(self, user_agent: str) -> None:
        """Called at the commit, so that a request that never gets its answer counts too."""
        with self._lock:
            self._effective[user_agent] += 1

    def effective_writes(self) -> dict[str, int]:
        """Writes that changed a stored object and were no dry run, by user agent."""
        with self._lock:
            return dict(self._effective)

    def requests(self, last: int = REQUESTS_MAX) -> list[Record]:
        """The newest requests, oldest first."""
        with self._lock:
            return list(self._records)[-last:] if last > 0 else []

    def as_json(self, last: int) -> Object:
        """The document of `GET /sandbox/writes`."""
        return {
            "effective_writes": self.effective_writes(),
            "requests": [asdict(record) for record in self.requests(last)],
        }
