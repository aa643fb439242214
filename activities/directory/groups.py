"""Several groups at once, within a few seconds, and kept in the books for the doors.

A judgement waits for this, so one slow calendar delays it for `WITHIN_SECONDS` and no longer;
what has not answered by then is unread, and its members may not answer.
"""

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, wait
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from temporalio import activity

from contracts.calls import REFRESH_GROUPS, RefreshCall, Refreshed
from contracts.errors import FirebreakError, Unavailable
from contracts.groups import Members
from toil.memberships import Memberships

logger = logging.getLogger(__name__)

WITHIN_SECONDS = 5.0
# One write is judged three times in a moment; a schedule need not be asked three times for it.
REUSE_SECONDS = 5
# Nor waited for three times, when it does not answer.
FAULT_SECONDS = 10


class Source(Protocol):
    """Reads one group (`activities.directory.Directory`)."""

    def members(self, group: str, now: datetime) -> frozenset[str]:
        """Who is in it; raises a FirebreakError that says why that is not known."""


class Read(NamedTuple):
    """Who is in each group that was read, and why the others were not, by the group's name."""

    members: Members
    unread: dict[str, str]


class Groups:
    """`threads` is shared and ended by whoever made it; a reader that hangs holds one of them."""

    def __init__(self, source: Source, memberships: Memberships, threads: Executor) -> None:
        self._source = source
        self._memberships = memberships
        self._threads = threads
        self._faults: dict[str, tuple[datetime, str]] = {}

    def read(self, names: Iterable[str], now: datetime) -> Read:
        """Read these groups now, and keep what was found; raises Unavailable when the books are
        away.
        """
        found: dict[str, frozenset[str]] = {}
        unread: dict[str, str] = {}
        asked: dict[str, Future[frozenset[str]]] = {}
        for name in dict.fromkeys(names):
            known, fault = self._recent(name, now)
            if known is not None:
                found[name] = known
            elif fault:
                unread[name] = fault
            else:
                asked[name] = self._threads.submit(self._source.members, name, now)
        wait(asked.values(), timeout=WITHIN_SECONDS)
        for name, reading in asked.items():
            try:
                people = _answer(reading)
            except FirebreakError as err:
                unread[name] = self._unread(name, err, now)
            else:
                self._memberships.keep(name, people, now)
                found[name] = people
        return Read(found, unread)

    def _recent(self, name: str, now: datetime) -> tuple[frozenset[str] | None, str]:
        """Who is in it, or why that is not known, if it was asked a moment ago."""
        at, why = self._faults.get(name, (now, ""))
        if why and now - at <= timedelta(seconds=FAULT_SECONDS):
            return None, why
        known = self._memberships.known(name)
        fresh = known is not None and not known.fault and known.is_fresh(now, REUSE_SECONDS)
        return (known.people if known is not None and fresh else None), ""

    def _unread(self, name: str, err: FirebreakError, now: datetime) -> str:
        logger.warning("a group was not read", extra={"group": name, "why": err.message})
        self._faults[name] = (now, err.message)
        self._memberships.fault(name, f"{err.message}. {err.fix}", now)
        return err.message


def _answer(reading: Future[frozenset[str]]) -> frozenset[str]:
    if not reading.done():
        reading.cancel()
        raise Unavailable(f"no answer within {WITHIN_SECONDS:.0f} s")
    return reading.result()


class GroupActivities:
    """`names` are the groups of the policy; `clock` gives aware UTC."""

    def __init__(
        self, groups: Groups, names: tuple[str, ...], clock: Callable[[], datetime]
    ) -> None:
        self._groups = groups
        self._names = names
        self._clock = clock

    @activity.defn(name=REFRESH_GROUPS)
    def refresh(self, _call: RefreshCall) -> Refreshed:
        """Read every group of the policy, so that the doors know who is in them.

        Raises:
            Unavailable: the books are away.

        """
        found = self._groups.read(self._names, self._clock())
        return Refreshed(read=tuple(sorted(found.members)), unread=tuple(sorted(found.unread)))
