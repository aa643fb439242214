"""A real gateway that kills itself, as `kill -9` would, at the first decision that it hears.

`python -m endtoend.crashing_gateway PORT before|after`: before the workflow is asked to count it,
or when it has.
"""

import os
import signal
import sys
from functools import partial
from typing import TypeVar

import uvicorn

from contracts.model import Contract
from gateway.app import build_app, doors_of
from gateway.temporal import TemporalDoor, Update
from settings import configure_logging, read_policy, read_settings
from toil.database import open_engine
from worker import temporal_address
from workflows.connection import connect

A = TypeVar("A", bound=Contract)


class DoomedDoor(TemporalDoor):
    """Kills this process at a decision; `phase` is `before` or `after`."""

    phase = "before"

    async def update(self, workflow: str, update: Update, answer: type[A]) -> A:
        """As the real door does, until death."""
        doomed = update.name == "decide"
        if doomed and self.phase == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await super().update(workflow, update, answer)
        if doomed:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def main() -> None:
    """Serve until death."""
    port, phase = sys.argv[1:]
    settings = read_settings()
    configure_logging("text")
    door = DoomedDoor(partial(connect, temporal_address(settings)))
    door.phase = phase
    engine = open_engine(settings.database_url)
    doors = doors_of(settings, read_policy(settings.config), engine, door)
    uvicorn.run(build_app(doors), host="127.0.0.1", port=int(port), log_config=None)


if __name__ == "__main__":
    main()
