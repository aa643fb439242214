"""How something that a person did reaches the app, and what the app said to it in time."""

import asyncio
import json
import random
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import WSMsgType, web

from sandbox.slack.refusals import JSON
from sandbox.slack.store import Store

ACK_SECONDS = 3.0
SOCKETS_MAX = 10
_TICKET_SECONDS = 30
_GRACE_SECONDS = 0.2
_FATAL = "link_disabled"


@dataclass(frozen=True)
class Delivery:
    """One thing given to the app.

    `acked`: answered well within three seconds. `body` is what the answer held, `{}` for none.
    `socket` names the connection (`socket-2`, `http`), empty when there was none. `status` is
    that of HTTP, 200 for a socket's answer and 0 for none. `seconds` is how long it took.
    """

    kind: str
    payload: JSON
    acked: bool = False
    body: JSON = field(default_factory=dict)
    socket: str = ""
    status: int = 0
    seconds: float = 0


@dataclass(frozen=True)
class Retry:
    """Which attempt of an event this is, and why there is another (`timeout`, `http_error`)."""

    number: int = 0
    reason: str = ""


class Courier(Protocol):
    """Takes payloads to the app: over a socket, or to its address."""

    async def deliver(self, kind: str, payload: JSON, retry: Retry) -> Delivery:
        """Give it to the app and wait for its answer, three seconds at most."""
        ...


@dataclass(eq=False)
class _Socket:
    name: str
    ws: web.WebSocketResponse
    request: web.Request
    waiting: dict[str, "asyncio.Future[JSON]"] = field(default_factory=dict)


class Sockets:
    """Socket Mode: up to ten connections, and every payload goes to exactly one of them."""

    def __init__(self, store: Store, seed: int | None = None) -> None:
        self._store = store
        self._random = random.Random(seed) if seed is not None else None  # noqa: S311 - no secret
        self._tickets: dict[str, float] = {}
        self._open: list[_Socket] = []
        self._count = 0
        self._turn = 0
        self.is_link_disabled = False

    @property
    def names(self) -> list[str]:
        """The open connections, oldest first."""
        return [socket.name for socket in self._open]

    def new_ticket(self) -> str:
        """The right to open one connection, once, within half a minute."""
        ticket = secrets.token_urlsafe(16)
        self._tickets[ticket] = self._store.seconds() + _TICKET_SECONDS
        return ticket

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One connection, from hello to its end."""
        until = self._tickets.pop(request.query.get("ticket", ""), 0)
        if self._store.seconds() > until:
            return web.Response(status=403, text="invalid ticket")
        ws = web.WebSocketResponse(heartbeat=20)
        await ws.prepare(request)
        self._count += 1
        socket = _Socket(f"socket-{self._count}", ws, request)
        reason = self._refusal()
        if reason:
            await self._end(socket, reason)
            return ws
        self._open.append(socket)
        try:
            await ws.send_json(self._hello())
            await self._listen(socket)
        finally:
            self._forget(socket)
        return ws

    def _refusal(self) -> str:
        if self.is_link_disabled:
            return _FATAL
        return "too_many_websockets" if len(self._open) >= SOCKETS_MAX else ""

    def _hello(self) -> JSON:
        debug = {"host": "applink", "build_number": 1, "approximate_connection_time": 18060}
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "debug_info": debug,
            "connection_info": {"app_id": self._store.workspace.app_id},
        }

    async def _listen(self, socket: _Socket) -> None:
        async for message in socket.ws:
            if message.type != WSMsgType.TEXT:
                continue
            try:
                answer = json.loads(message.data)
            except ValueError:
                continue
            if not isinstance(answer, dict):
                continue
            waiting = socket.waiting.pop(str(answer.get("envelope_id")), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer.get("payload") or {})

    def _forget(self, socket: _Socket) -> None:
        if socket in self._open:
            self._open.remove(socket)
        for waiting in socket.waiting.values():
            waiting.cancel()
        socket.waiting.clear()

    def _next(self) -> _Socket | None:
        live = [socket for socket in self._open if not socket.ws.closed]
        if not live:
            return None
        if self._random is not None:
            return self._random.choice(live)
        self._turn += 1
        return live[self._turn % len(live)]

    async def deliver(self, kind: str, payload: JSON, retry: Retry) -> Delivery:
        """To one open socket; a connection that ends before the answer loses the payload."""
        socket = self._next()
        if socket is None:
            return Delivery(kind, payload)
        loop = asyncio.get_running_loop()
        envelope = _envelope(kind, payload, retry)
        started = loop.time()
        waiting: asyncio.Future[JSON] = loop.create_future()
        socket.waiting[envelope["envelope_id"]] = waiting
        try:
            async with asyncio.timeout(ACK_SECONDS):
                await socket.ws.send_json(envelope)
                body = await waiting
        except (TimeoutError, ConnectionError):
            return Delivery(kind, payload, False, {}, socket.name, 0, loop.time() - started)
        except asyncio.CancelledError:
            # The socket's end cancels the future; a cancelled task must stay cancelled.
            if not waiting.cancelled():
                raise
            return Delivery(kind, payload, False, {}, socket.name, 0, loop.time() - started)
        finally:
            socket.waiting.pop(envelope["envelope_id"], None)
        return Delivery(kind, payload, True, body, socket.name, 200, loop.time() - started)

    async def disconnect(self, reason: str) -> None:
        """Tell every connection to go; a `warning` leaves it open, the others end it soon."""
        self.is_link_disabled = reason == _FATAL
        for socket in [*self._open]:
            await self._end(socket, reason)

    async def _end(self, socket: _Socket, reason: str) -> None:
        debug = {"host": "applink"}
        if socket.ws.closed:
            return
        await socket.ws.send_json({"type": "disconnect", "reason": reason, "debug_info": debug})
        if reason == "warning":
            return
        await asyncio.sleep(_GRACE_SECONDS)
        self._forget(socket)
        await socket.ws.close()

    def cut_all(self) -> None:
        """Break every connection without a word, as a dying server does."""
        for socket in [*self._open]:
            self._forget(socket)
            if socket.request.transport is not None:
                socket.request.transport.abort()


def _envelope(kind: str, payload: JSON, retry: Retry) -> JSON:
    envelope: JSON = {"envelope_id": str(uuid.uuid4()), "type": kind, "payload": payload}
    envelope["accepts_response_payload"] = kind != "events_api"
    if kind == "events_api":
        envelope |= {"retry_attempt": retry.number, "retry_reason": retry.reason}
    return envelope
