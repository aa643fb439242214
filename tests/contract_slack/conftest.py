"""Either Slack for each test: our strict fake, or the emulator that others wrote, once a run.

`make slack-emulator` fetches it. Without it its half is skipped loudly, and fails where `CI` is
true.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import httpx
import pytest
from contract_slack.either_slack import CALL_SECONDS, Caller, EitherSlack, workspace
from contract_slack.emulator import Emulator, config_of, running
from sqlalchemy import Engine

from sandbox.slack import SlackServer
from toil.database import open_engine, upgrade
from tools.slack_emulator import AbsentError, find


def _absent(why: str) -> NoReturn:
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"no other Slack: {why}")
    pytest.skip(f"no other Slack: {why}")


@pytest.fixture(scope="session", name="program")
def _program() -> Path:
    """The emulator, fetched before."""
    try:
        return find(os.environ)
    except AbsentError as err:
        _absent(str(err))


@pytest.fixture(scope="session", name="shared_emulator")
def _shared_emulator(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One for the run."""
    people = workspace()
    with running(program, tmp_path_factory.mktemp("emulator"), config_of(people)) as url:
        emulator = Emulator(url, people)
        yield emulator
        emulator.close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stands between us and this machine."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture(name="emulator")
def _emulator(shared_emulator: Emulator) -> Emulator:
    """It, and nothing said yet."""
    shared_emulator.reset()
    return shared_emulator


@pytest.fixture(name="strict")
def _strict() -> Iterator[SlackServer]:
    """Our own, made for the test."""
    with SlackServer(workspace()) as server:
        yield server


@pytest.fixture(name="slack", params=["strict", "emulator"])
def _slack(request: pytest.FixtureRequest) -> EitherSlack:
    """Each of the two."""
    found: EitherSlack = request.getfixturevalue(request.param)
    return found


@pytest.fixture(name="call")
def _call(slack: EitherSlack) -> Iterator[Caller]:
    """The methods of it."""
    with httpx.Client(timeout=CALL_SECONDS) as http:
        yield Caller(slack, http)


@pytest.fixture(scope="session", name="empty_books")
def _empty_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books to copy from: to migrate them takes longer than a test."""
    path = tmp_path_factory.mktemp("either_slack") / "books.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(name="engine")
def _engine(tmp_path: Path, empty_books: Path) -> Iterator[Engine]:
    """The books of one test."""
    copied = shutil.copy(empty_books, tmp_path / "books.db")
    engine = open_engine(f"sqlite:///{copied}")
    yield engine
    engine.dispose()
