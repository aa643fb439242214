"""The last changes of the store, in order: what a watch replays and then waits for.

It is bounded, as the watch cache of a real server is: who asks for what has been forgotten is told
to list again (410). It must never copy objects: the store replaces them and never alters them.
"""

import threading
from collections import deque
from typing import NamedTuple

from sandbox.objects import Object

CHANGES_MAX = 4_000


class Change(NamedTuple):
    """One write: `type` is ADDED, MODIFIED or DELETED; `before` is None for the first of them."""

    version: int
    type: str
    storage: str
    obj: Object
    before: Object | None


class History:
    """A ring buffer of changes; `lock` is the store's."""

    def __init__(self, lock: threading.RLock, changes_max: int = CHANGES_MAX) -> None:
        self._grown = threading.Condition(lock)
        self._changes: deque[Change] = deque(maxlen=changes_max)
        self._forgotten = 0

    def add(self, change: Change) -> None:
        """Remember a change and wake who waits; the store's lock is held."""
        if len(self._changes) == self._changes.maxlen:
            self._forgotten = self._changes[0].version
        self._changes.append(change)
        self._grown.notify_all()

    def since(self, version: int) -> list[Change] | None:
        """What came after the version, or None when a part of it was forgotten already."""
        with self._grown:
            if version < self._forgotten:
                return None
            found = []
            for change in reversed(self._changes):
                if change.version <= version:
                    break
                found.append(change)
            return found[::-1]

    def wait(self, version: int, timeout_seconds: float) -> list[Change] | None:
        """As `since`, but waits for something to come when nothing has."""
        with self._grown:
            found = self.since(version)
            if found == []:
                self._grown.wait(timeout_seconds)
                found = self.since(version)
            return found

    def forget(self) -> None:
        """Forget everything, as a compaction does: for tests of who must list again."""
        with self._grown:
            if self._changes:
                self._forgotten = self._changes[-1].version
            self._changes.clear()
