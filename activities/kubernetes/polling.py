"""Wait for something to become true: look, say what was seen, sleep, look again, until a deadline.

The deadline counts from the call's own time, so that an attempt that follows a killed one does not
start afresh; what one look hands to the next travels in the heartbeat. Nothing here writes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from temporalio import activity

from activities.kubernetes.raw import Object
from activities.kubernetes.waiting import Clock, Sleep
from contracts.errors import Unavailable
from contracts.step import CheckCall, CheckResult

POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Sight:
    """What one look saw. `failed` is final: waiting longer cannot help. `memory` is what the next
    look is given; it is kept small, because it travels in a heartbeat.
    """

    state: Literal["waiting", "complete", "failed"]
    detail: str
    memory: Object = field(default_factory=dict)


class Poller:
    """Runs the loop of a check."""

    def __init__(self, clock: Clock, sleep: Sleep, poll_seconds: float = POLL_SECONDS) -> None:
        self._clock = clock
        self._sleep = sleep
        self._poll_seconds = poll_seconds

    @property
    def now(self) -> datetime:
        """The time, aware and in UTC."""
        return self._clock()

    def wait(self, call: CheckCall[Any], look: Callable[[Object], Sight]) -> CheckResult:
        """Ok only when a look said so in time. A server that does not answer is asked again.

        Raises what `look` raises, but Unavailable only when this worker stops.
        """
        seen = Sight("waiting", "not looked yet", _remembered())
        for _ in range(int(call.within_seconds / self._poll_seconds) + 2):
            seen = _looked(look, seen)
            activity.heartbeat(seen.memory)
            left = (call.at + timedelta(seconds=call.within_seconds) - self.now).total_seconds()
            if seen.state != "waiting" or left <= 0:
                break
            self._sleep(min(self._poll_seconds, left))
        late = f", still so after {call.within_seconds} s" if seen.state == "waiting" else ""
        return CheckResult(
            ok=seen.state == "complete",
            detail=f"{seen.detail}{late}",
            waited_seconds=max(0, int((self.now - call.at).total_seconds())),
        )


def _looked(look: Callable[[Object], Sight], before: Sight) -> Sight:
    try:
        return look(before.memory)
    except Unavailable as err:
        detail = f"the cluster did not answer ({err.message})"
        return Sight("waiting", detail, before.memory)


def steady_for(memory: Object, what: str, now: datetime) -> tuple[int, Object]:
    """For how many seconds `what` has been seen unchanged, and the memory that says so."""
    if memory.get("what") != what:
        memory = {"what": what, "since": now.isoformat()}
    since = datetime.fromisoformat(str(memory["since"]))
    return int((now - since).total_seconds()), memory


def _remembered() -> Object:
    """What the attempt before this one handed on."""
    details = activity.info().heartbeat_details
    return details[0] if details and isinstance(details[0], dict) else {}
