"""One private PostgreSQL server for the session, and an empty migrated database for each test."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine

from toil.database import open_engine, upgrade

_START_SECONDS = 60
_MEMORY_BYTES_MIN = 2**30
_MIGRATED = "migrated"


class PostgresServer:
    """A cluster in its own folder on a free loopback port, without durability."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="firebreak-postgres-", dir=_fast_folder()))
        self._user = _owner(self._folder)
        self.port = _free_port()

    def start(self) -> None:
        """Make the cluster and wait until it answers."""
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off -c timezone=Asia/Tokyo"
            f" -c unix_socket_directories={self._folder}"
        )
        log = str(self._folder / "log")
        self._run("pg_ctl", "-w", "-t", str(_START_SECONDS), "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """Stop it, by the pid in its own folder, and leave nothing behind."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def url(self, name: str) -> str:
        """The address of one database."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def create(self, name: str, template: str = "template1") -> None:
        """Make a database, empty or as a copy."""
        self._command(f"CREATE DATABASE {name} TEMPLATE {template}")

    def drop(self, name: str) -> None:
        """Remove a database and whoever is still connected."""
        self._command(f"DROP DATABASE {name} WITH (FORCE)")

    def _command(self, statement: str) -> None:
        address = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self._folder / "data"), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **self._user)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server with one migrated database to copy from."""
    programs = _postgres_programs()
    if programs is None:
        message = "PostgreSQL's initdb was not found: install the `postgresql` package"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    server = PostgresServer(programs)
    server.start()
    try:
        server.create(_MIGRATED)
        _migrate(server.url(_MIGRATED))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/books.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with _copied(server, "template1") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database without rows."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "books.db")
        yield f"sqlite:///{tmp_path}/books.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with _copied(server, _MIGRATED) as address:
        yield address


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The engine of a migrated database without rows, once on each database."""
    opened = open_engine(url)
    yield opened
    opened.dispose()


@contextmanager
def _copied(server: PostgresServer, template: str) -> Iterator[str]:
    name = f"books_{uuid4().hex}"
    server.create(name, template)
    yield server.url(name)
    server.drop(name)


def _migrate(url: str) -> None:
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()


def _postgres_programs() -> Path | None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    return next(iter(folders), Path(found).parent if found else None)


def _owner(folder: Path) -> dict[str, Any]:
    # PostgreSQL refuses to run as root, so root hands the folder to another user.
    if os.geteuid() != 0:
        return {}
    name = "postgres" if any(u.pw_name == "postgres" for u in pwd.getpwall()) else "nobody"
    user = pwd.getpwnam(name)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _fast_folder() -> str | None:
    # A database a test is a copy of seven megabytes, which takes half a second on a busy disk.
    memory = Path("/dev/shm")  # noqa: S108  # mkdtemp makes a private folder in it
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > _MEMORY_BYTES_MIN
    return str(memory) if roomy and os.access(memory, os.W_OK) else None


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
