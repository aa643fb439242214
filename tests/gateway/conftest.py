"""One empty SQLite database, one fake Temporal and one app a test."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from gateway_fakes import FakeTemporal, bearer, make_doors
from sqlalchemy import Engine

from gateway.app import build_app
from gateway.doors import Doors
from toil.database import open_engine, upgrade

Client = httpx.AsyncClient


@pytest.fixture(scope="session", name="migrated")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database at the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("gateway") / "migrated.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(name="engine")
def _engine(migrated: Path, tmp_path: Path) -> Iterator[Engine]:
    """A real SQLite database of its own."""
    path = tmp_path / "books.db"
    shutil.copy(migrated, path)
    engine = open_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture(name="fake")
def _fake() -> FakeTemporal:
    """A Temporal that serves and in which nothing runs."""
    return FakeTemporal()


@pytest.fixture(name="here")
def _here(engine: Engine, fake: FakeTemporal) -> Doors:
    """The doors."""
    return make_doors(engine, fake)


@pytest.fixture(name="app")
def _app(here: Doors) -> FastAPI:
    """The app over them."""
    return build_app(here)


@pytest_asyncio.fixture(loop_scope="session", name="http")
async def _http(app: FastAPI) -> AsyncIterator[Client]:
    """A client without any credential."""
    async with Client(transport=httpx.ASGITransport(app), base_url="http://firebreak.test") as http:
        yield http


@pytest_asyncio.fixture(loop_scope="session", name="ana")
async def _ana(app: FastAPI) -> AsyncIterator[Client]:
    """A responder's client, by token."""
    transport = httpx.ASGITransport(app)
    async with Client(
        transport=transport, base_url="http://firebreak.test", headers=bearer("token-ana")
    ) as http:
        yield http


@pytest.fixture(name="as_html")
def _as_html() -> Callable[[], dict[str, str]]:
    """What a browser asks for."""
    return lambda: {"Accept": "text/html,application/xhtml+xml"}
