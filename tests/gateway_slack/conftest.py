"""A strict stand-in for Slack, one gateway at its socket, and an empty database, for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from gateway_fakes import FakeTemporal
from gateway_slack.slack_door import Clock, Door, door, workspace
from sqlalchemy import Engine

from sandbox.slack import SlackServer
from toil.database import open_engine, upgrade


@pytest.fixture(name="engine")
def _engine(tmp_path: Path) -> Iterator[Engine]:
    """A real SQLite database at the newest schema."""
    engine = open_engine(f"sqlite:///{tmp_path / 'books.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture(name="clock")
def _clock() -> Clock:
    """The doors' and the workflow's clock."""
    return Clock()


@pytest.fixture(name="fake")
def _fake() -> FakeTemporal:
    """A Temporal in which nothing runs."""
    return FakeTemporal()


@pytest.fixture(name="slack")
def _slack() -> Iterator[SlackServer]:
    """The stand-in, on a free port, with a seed so that its choices repeat."""
    with SlackServer(workspace()) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session", name="at")
async def _at(
    engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> AsyncIterator[Door]:
    """A gateway that hears Slack."""
    async with door(engine, slack, fake, clock) as made:
        yield made
