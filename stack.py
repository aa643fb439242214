"""The parts of Firebreak on one machine, in one process: `up` and `demo` stand on it.

A composition root. Temporal's dev server is the only child; when a part dies, all end, and the
state stays in its folder.
"""

import asyncio
import getpass
import hashlib
import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import Engine

from contracts.errors import FirebreakError, InvalidInput, Unavailable
from contracts.policy import Person, Policy
from devserver import DevServer, Ports, dev_server, find_binary, free_port
from gateway.app import build_app, connection, doors_of
from gateway.temporal import TemporalDoor
from settings import Settings, configure_logging, read_policy, read_settings
from toil.database import open_engine, upgrade
from worker import serve, stop_on_signals, temporal_address
from workflows.connection import connect

T = TypeVar("T")
READY_SECONDS_MAX = 30.0
WEB_STOP_SECONDS_MAX = 5
SECRET_BYTES = 48
UI_PORT_OFFSET = 1000
PORT_MAX = 65535 - UI_PORT_OFFSET
CLIENT_FILE = "client.json"


class Ready(BaseModel):
    """What a script needs to know of a running stack; the first line with `--json`. `slack` is the
    page of a stand-in, and null where there is none.
    """

    ready: bool = True
    url: str
    temporal_ui: str
    kubeconfig: str
    state: str
    slack: str | None = None


class Stack:
    """A running stack. `failed` ends when a part died, and says which."""

    def __init__(self, ready: Ready, engine: Engine, parts: dict[str, asyncio.Task[Any]]) -> None:
        self.ready = ready
        self.engine = engine
        self._parts = parts

    async def failed(self) -> FirebreakError:
        """Wait until a part dies; what to tell the person."""
        await asyncio.wait(self._parts.values(), return_when=asyncio.FIRST_COMPLETED)
        name, task = next((n, t) for n, t in self._parts.items() if t.done())
        err = None if task.cancelled() else task.exception()
        if isinstance(err, FirebreakError):
            return err
        fix = f"The state in {self.ready.state} is intact; start again."
        return Unavailable(f"{name} has ended: {err or 'without a word'}", fix)

    async def unless_failed(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result; raises what a part died of, should one die first."""
        doing = asyncio.create_task(work)
        dying = asyncio.create_task(self.failed())
        try:
            await asyncio.wait([doing, dying], return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                return doing.result()
            raise dying.result()
        finally:
            doing.cancel()
            dying.cancel()
            await asyncio.wait([doing, dying])


async def until_stopped(work: Coroutine[Any, Any, T]) -> T | None:
    """The work's result; None when SIGTERM or Ctrl-C came first and the work has cleaned up."""
    stop = stop_on_signals()
    doing, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait([doing, stopping], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        doing.cancel()
        await asyncio.wait([doing])
    stopping.cancel()
    return None if doing.cancelled() else doing.result()


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A bound socket, so that a taken port is known before anything has started.

    Raises:
        InvalidInput: somebody listens there.

    """
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
            # Until somebody listens, another process may bind the same port.
            bound.listen()
        except OSError as err:
            fix = "Use --port N, or --port 0 for a free one."
            raise InvalidInput(f"port {port} of {host}: {err.strerror}", fix) from err
        yield bound


@asynccontextmanager
async def running(
    policy: Policy, bound: socket.socket, *, free_ports: bool, **given: Any
) -> AsyncIterator[Stack]:
    """Dev server, database, worker and gateway, until the block ends; `given` are settings."""
    given["host"], given["port"] = bound.getsockname()[:2]
    settings = read_settings(**given)
    settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as parts:
        server = await parts.enter_async_context(await _dev_server(settings, free_ports=free_ports))
        settings = read_settings(
            **given,
            temporal_address=server.address,
            session_secret=_kept_secret(settings.state / "session-secret"),
        )
        engine = open_engine(settings.database_url)
        parts.callback(engine.dispose)
        upgrade(engine)
        yield await _started(parts, settings, policy, engine, (server, bound))


async def _dev_server(settings: Settings, *, free_ports: bool) -> Any:
    binary = await find_binary(settings.temporal_binary, settings.state / "bin")
    if free_ports:
        ports = Ports(free_port(), free_port())
    else:
        ports = local_ports(settings.temporal_address)
    return dev_server(binary, settings.state / "temporal.db", ports)


def local_ports(address: str) -> Ports:
    """Where the dev server listens: the frontend's port, and 1000 above it the pages.

    Raises:
        InvalidInput: the address is another machine's, or has no such port.

    """
    host, _, port = address.rpartition(":")
    if host not in ("127.0.0.1", "localhost") or not port.isdecimal() or int(port) > PORT_MAX:
        raise InvalidInput(
            f"FIREBREAK_TEMPORAL_ADDRESS: `up` starts its own Temporal and cannot at {address}",
            f"Write 127.0.0.1:PORT ({PORT_MAX} at most), or run worker and gateway by themselves.",
        )
    return Ports(int(port), int(port) + UI_PORT_OFFSET)


async def _started(
    parts: AsyncExitStack,
    settings: Settings,
    policy: Policy,
    engine: Engine,
    sockets: tuple[DevServer, socket.socket],
) -> Stack:
    server, bound = sockets
    stop, works = asyncio.Event(), asyncio.Event()
    worker = asyncio.create_task(serve(settings, policy, stop, ready=works), name="worker")
    parts.push_async_callback(_end, worker, stop)
    client = await connect(temporal_address(settings))
    doors = doors_of(settings, policy, engine, TemporalDoor(connection(client)))
    web = QuietServer(web_config(build_app(doors)))
    gateway = asyncio.create_task(web.serve(sockets=[bound]), name="gateway")
    parts.push_async_callback(_end_web, gateway, web)
    temporal = asyncio.create_task(server.ended(), name="Temporal's dev server")
    parts.callback(temporal.cancel)
    ready = Ready(
        url=settings.public_url,
        temporal_ui=server.ui,
        kubeconfig=str(settings.kubeconfig or ""),
        state=str(settings.state),
    )
    stack = Stack(ready, engine, {t.get_name(): t for t in (worker, gateway, temporal)})
    await _until_started(web, works, stack)
    return stack


def web_config(app: FastAPI) -> uvicorn.Config:
    """How the gateway is served here: our logging, and an end that waits for no slow client."""
    return uvicorn.Config(
        app, log_config=None, lifespan="on", timeout_graceful_shutdown=WEB_STOP_SECONDS_MAX
    )


class QuietServer(uvicorn.Server):
    """Leaves signals to the process it runs in."""

    def capture_signals(self) -> Any:
        """Capture none."""
        return nullcontext()


async def _until_started(web: uvicorn.Server, works: asyncio.Event, stack: Stack) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS_MAX):
            await stack.unless_failed(_all_started(web, works))
    except TimeoutError:
        raise Unavailable(f"not everything started in {READY_SECONDS_MAX:.0f} s") from None


async def _all_started(web: uvicorn.Server, works: asyncio.Event) -> None:
    await works.wait()
    while not web.started:
        await asyncio.sleep(0.02)


async def _end(task: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    stop.set()
    await asyncio.wait([task])


async def _end_web(task: "asyncio.Task[None]", web: uvicorn.Server) -> None:
    web.should_exit = True
    await asyncio.wait([task])


def _kept_secret(path: Path) -> str:
    """The secret of that file, made once, so that a restart signs nobody out."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(SECRET_BYTES))
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whatever the umask."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)  # a file that was there keeps its mode otherwise
        file.write(text)


def leave_client_file(state: Path, url: str, token: str) -> None:
    """Let the command line find this gateway: `firebreak incidents` needs no variables then."""
    write_private(state / CLIENT_FILE, json.dumps({"url": url, "token": token}))


async def run_up(given: dict[str, Any], *, as_json: bool) -> None:
    """`firebreak up`: everything but a cluster, until it is cancelled.

    Raises:
        FirebreakError: it cannot start, or a part died.

    """
    settings = read_settings(**given)
    configure_logging(settings.log_format if as_json else "text")
    policy, token = with_operator(read_policy(settings.config))
    with listening(settings.host, settings.port) as bound:
        async with running(policy, bound, free_ports=False, **given) as stack:
            leave_client_file(settings.state, stack.ready.url, token)
            text = stack.ready.model_dump_json() if as_json else _greeting(stack.ready, token)
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
            raise await stack.failed()


def with_operator(policy: Policy) -> tuple[Policy, str]:
    """The policy and whoever started this process, as an administrator with a fresh token."""
    token = secrets.token_urlsafe(SECRET_BYTES)
    operator = Person(
        id="operator",
        name=getpass.getuser(),
        roles=("admin", "responder", "manager"),
        token_sha256=(hashlib.sha256(token.encode()).hexdigest(),),
    )
    people = tuple(person for person in policy.people if person.id != operator.id)
    return policy.model_copy(update={"people": (*people, operator)}), token


def _greeting(ready: Ready, token: str) -> str:
    return f"""
Firebreak runs.
  Page          {ready.url}/incidents
  Sign in with  {token}
  Temporal UI   {ready.temporal_ui}
  State         {ready.state} (kept; start again to go on)
Ctrl-C ends it."""
