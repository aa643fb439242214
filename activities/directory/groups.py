"""Several groups at once, within a few seconds, and kept in the books for the doors.

A judgement waits for this, so one slow calendar delays it for `WITHIN_SECONDS` and no longer;
what has not answered by then is unread, and its members may not answer. A refresh of all groups
waits longer, but never takes the readers that a judgement needs.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from datetime import UTC, datetime, timedelta
from time import monotonic
from traceback import format_tb
from typing import NamedTuple, Protocol

from temporalio import activity

from contracts.calls import REFRESH_GROUPS, RefreshCall, Refreshed
from contracts.errors import FirebreakError, Rejected, Unavailable
from contracts.groups import USERGROUP, Members
from toil.memberships import Memberships

logger = logging.getLogger(__name__)

WITHIN_SECONDS = 5.0
# One write is judged three times in a moment; a schedule need not be asked three times for it.
REUSE_SECONDS = 5
# Nor waited for three times, when it does not answer.
FAULT_SECONDS = 10
# More than the slowest reader takes, several times; a round has its minute.
REFRESH_SECONDS = 25.0
# Half of a worker's readers; the others are for judgements.
REFRESH_AT_ONCE = 4
# Slack answers twenty a minute; half of them are for judgements. At one round a minute forty
# groups are all read before they are stale.
USERGROUPS_A_ROUND = 10
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Source(Protocol):
    """Reads one group (`activities.directory.Directory`)."""

    def members(self, group: str, now: datetime) -> frozenset[str]:
        """Who is in it; raises a FirebreakError that says why that is not known."""


class Read(NamedTuple):
    """Who is in each group that was read, and why the others were not, by the group's name."""

    members: Members
    unread: dict[str, str]


class Bounds(NamedTuple):
    """How long all of them may take together, and how many are asked at once."""

    seconds: float = WITHIN_SECONDS
    at_once: int = 100


class _Queued(Unavailable):
    """It was not even asked."""


REFRESH = Bounds(REFRESH_SECONDS, REFRESH_AT_ONCE)
_Reading = Future[frozenset[str]]


class Groups:
    """`threads` is shared and ended by whoever made it; a reader that hangs holds one of them."""

    def __init__(self, source: Source, memberships: Memberships, threads: Executor) -> None:
        self._source = source
        self._memberships = memberships
        self._threads = threads
        self._faults: dict[str, tuple[datetime, str]] = {}
        self._asked: dict[str, datetime] = {}

    def read(self, names: Iterable[str], now: datetime, bounds: Bounds | None = None) -> Read:
        """Read these groups now, and keep what was found; raises Unavailable when the books are
        away.
        """
        bounds = bounds or Bounds()
        found: dict[str, frozenset[str]] = {}
        unread: dict[str, str] = {}
        wanted: list[str] = []
        for name in self.in_turn(names):
            known, fault = self._recent(name, now)
            if known is not None:
                found[name] = known
            elif fault:
                unread[name] = fault
            else:
                wanted.append(name)
        asked = self._ask(wanted, now, bounds)
        for name in wanted:
            try:
                found[name] = _answer(asked.get(name), bounds.seconds)
            except _Queued as err:
                # It has no fault of its own, and is the first the next time.
                unread[name] = err.message
            except FirebreakError as err:
                unread[name] = self._unread(name, err, now)
            else:
                self._memberships.keep(name, found[name], now)
        return Read(found, unread)

    def in_turn(self, names: Iterable[str]) -> list[str]:
        """Each of them once, those first that were not asked or known for longest."""
        known = {group.name: group.read_at or _NEVER for group in self._memberships.all()}

        def last(name: str) -> datetime:
            return max(self._asked.get(name, _NEVER), known.get(name, _NEVER))

        return sorted(dict.fromkeys(names), key=last)

    def _ask(self, names: list[str], now: datetime, bounds: Bounds) -> dict[str, _Reading]:
        """Have them read by the threads; those that had no turn in time are absent."""
        ends, asked = monotonic() + bounds.seconds, dict[str, _Reading]()
        waiting, running = deque(names), set[_Reading]()
        while waiting or running:
            while waiting and len(running) < bounds.at_once:
                name = waiting.popleft()
                asked[name] = self._threads.submit(self._source.members, name, now)
                running.add(asked[name])
            left = max(ends - monotonic(), 0)
            running = wait(running, left, FIRST_COMPLETED).not_done
            if monotonic() >= ends:
                break
        begun = {name: reading for name, reading in asked.items() if not reading.cancel()}
        self._asked |= dict.fromkeys(begun, now)
        return begun

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


def _answer(reading: _Reading | None, seconds: float) -> frozenset[str]:
    """Who is in it; raises a FirebreakError and nothing else: one group hinders no other."""
    if reading is None:
        raise _Queued(f"there was no time for it within {seconds:.0f} s: other groups are slow")
    if not reading.done():
        raise Unavailable(f"no answer within {seconds:.0f} s")
    err = reading.exception()
    if isinstance(err, Exception) and not isinstance(err, FirebreakError):
        # What the error itself says may hold an address that is a secret.
        keys = {"error": type(err).__name__, "where": "".join(format_tb(err.__traceback__))}
        logger.error("a reader of groups failed", extra=keys)
        raise Rejected(f"it cannot be read ({type(err).__name__})", "Read the worker's log.")
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
        """Read every group of the policy, so that the doors know who is in them; of many user
        groups of Slack some, and the others in the next rounds.

        Raises:
            Unavailable: the books are away.

        """
        found = self._groups.read(self._due(), self._clock(), REFRESH)
        return Refreshed(read=tuple(sorted(found.members)), unread=tuple(sorted(found.unread)))

    def _due(self) -> list[str]:
        in_turn = self._groups.in_turn(self._names)
        later = [n for n in in_turn if n.startswith(USERGROUP)][USERGROUPS_A_ROUND:]
        return [name for name in in_turn if name not in later]
