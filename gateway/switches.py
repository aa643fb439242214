"""Which kill switches are on, for the banner of every page.

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

READ_SECONDS = 2.0


class Switches(NamedTuple):
    """The switches that are on; `known` is False when they could not be read."""

    on: tuple[Pause, ...] = ()
    known: bool = True

    @property
    def seen(self) -> str:
        """Changes whenever the banner would read differently."""
        return hashlib.sha256(repr(self[:]).encode()).hexdigest()[:16]


async def switches(here: Doors) -> Switches:
    """Read them, within `READ_SECONDS`."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            return Switches(await run_sync(here.pauses.all, abandon_on_cancel=True))
    except (TimeoutError, FirebreakError):
        return Switches(known=False)
