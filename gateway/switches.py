"""What keeps Firebreak from writing now, for the banner of every page: kill switches and storms.

A page must come even when the database is away, so the question is bounded, and not to know is
said aloud: then nothing is written anyway.
"""

import asyncio
import hashlib
from typing import NamedTuple

from anyio.to_thread import run_sync

from contracts.errors import FirebreakError
from gateway.doors import Doors
from toil.pauses import Pause
from toil.storms import StormView

READ_SECONDS = 2.0


class Switches(NamedTuple):
    """The switches that are on and the storms that go on; `known` is False when they could not be
    read.
    """

    on: tuple[Pause, ...] = ()
    storms: tuple[StormView, ...] = ()
    known: bool = True

    @property
    def seen(self) -> str:
        """Changes whenever the banner would read differently."""
        return hashlib.sha256(repr(self[:]).encode()).hexdigest()[:16]


async def switches(here: Doors) -> Switches:
    """Read them, within `READ_SECONDS`."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await run_sync(_read, here, abandon_on_cancel=True)
    except (TimeoutError, FirebreakError):
        return Switches(known=False)


def _read(here: Doors) -> Switches:
    return Switches(here.pauses.all(), here.storms.open())
