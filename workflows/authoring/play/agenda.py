"""Virtual time: what is due when, in the order in which it was put down."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count


@dataclass(order=True)
class Appointment:
    """Something to do at a time. One that is `off` is never done."""

    at: datetime
    order: int
    do: Callable[[], None] = field(compare=False)
    off: bool = field(default=False, compare=False)


class Agenda:
    """`now` only moves in `skip`."""

    def __init__(self, begins: datetime) -> None:
        self.now = begins
        self._left: list[Appointment] = []
        self._order = count()

    def put(self, after: timedelta, do: Callable[[], None]) -> Appointment:
        """Put something down for `after` from now."""
        appointment = Appointment(self.now + after, next(self._order), do)
        heappush(self._left, appointment)
        return appointment

    def do_next(self) -> bool:
        """Do the next thing that is due; False when nothing is."""
        while self._left and self._left[0].at <= self.now:
            appointment = heappop(self._left)
            if not appointment.off:
                appointment.do()
                return True
        return False

    def skip(self) -> bool:
        """Move time to the next thing; False when there is none."""
        while self._left and self._left[0].off:
            heappop(self._left)
        if not self._left:
            return False
        self.now = max(self.now, self._left[0].at)
        return True
