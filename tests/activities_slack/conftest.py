"""The books, the fake Slack, and a desk with an open incident."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from slack_desk import SHOP, Clock, Desk
from sqlalchemy import Engine

from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import BOT_USER, Channel, Workspace
from toil.database import open_engine, upgrade


@pytest.fixture
def clock() -> Clock:
    """Noon."""
    return Clock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The books, empty and migrated, to copy from."""
    path = tmp_path_factory.mktemp("slack") / "books.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def engine(tmp_path: Path, migrated: Path) -> Iterator[Engine]:
    """The books, empty and migrated."""
    shutil.copy(migrated, tmp_path / "books.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'books.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def slack(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    """The fake, with a second channel for the service; no proxy stands in between."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    workspace = Workspace()
    members = {"U0ANA", "U0BEN", "U0CLEO", BOT_USER}
    workspace.channels.append(Channel(SHOP, "shop", members))
    with SlackServer(workspace, clock=clock) as server:
        yield server


@pytest.fixture
def desk(engine: Engine, slack: SlackServer, clock: Clock) -> Desk:
    """A desk with an open incident that nobody has to know of yet."""
    return Desk(engine, slack, clock)
