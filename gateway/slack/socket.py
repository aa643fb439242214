"""Socket Mode: keeps one connection to Slack open, and says how it is.

Each connection is a client of its own that reconnects nothing by itself: the SDK would try a used
address for ever, and a revoked token too. When Slack asks for a change of connection, the next one
is open before the last is closed. What nobody but a person can mend ends it, and is told.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import aiohttp
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from contracts.errors import Rejected, Unavailable
from gateway.slack.api import error_of, web_client
from gateway.slack.line import Line, SlackKeys

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
PING_SECONDS = 10.0
LOOK_SECONDS = 1.0
RETIRE_SECONDS = 5.0
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 1.0, 30.0
# Answers of Slack after which trying again is useless, and what a person does about each.
FATAL = {
    "invalid_auth": "make a new app-level token and set FIREBREAK_SLACK_APP_TOKEN",
    "not_authed": "set FIREBREAK_SLACK_APP_TOKEN",
    "not_allowed_token_type": "FIREBREAK_SLACK_APP_TOKEN wants the app-level token, xapp-…",
    "account_inactive": "install the app in the workspace again",
    "token_revoked": "make a new app-level token and set FIREBREAK_SLACK_APP_TOKEN",
    "token_expired": "make a new app-level token and set FIREBREAK_SLACK_APP_TOKEN",
    "missing_scope": "give the app-level token the scope connections:write",
    "no_permission": "give the app-level token the scope connections:write",
    "link_disabled": "switch Socket Mode on in the app's settings",
    "forbidden_team": "install the app in the workspace again",
    "app_uninstalled": "install the app in the workspace again",
}


class Connection(SocketModeClient):
    """One WebSocket. `over` is set when Slack asks to leave it; `reason` is why."""

    def __init__(self, keys: SlackKeys, bolt: AsyncApp, ping_seconds: float) -> None:
        # The SDK logs a trace for each failed attempt; the line's state tells it once.
        quiet = logging.getLogger(f"{__name__}.sdk")
        quiet.setLevel(logging.CRITICAL)
        super().__init__(
            app_token=keys.app.get_secret_value() if keys.app else "",
            logger=quiet,
            web_client=web_client(keys.app, keys.api_url),
            auto_reconnect_enabled=False,
            ping_interval=ping_seconds,
        )
        self._bolt = bolt
        self.over = asyncio.Event()
        self.reason = ""
        self.socket_mode_request_listeners.append(self._handle)

    async def _handle(self, _: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Let the app answer, on the connection that asked."""
        started = time.time()
        response = await run_async_bolt_app(self._bolt, request)
        await send_async_response(self, request, response, started)

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        """Leave a farewell to whoever keeps the line; hand everything else on."""
        if message.get("type") == "disconnect":
            self.reason = str(message.get("reason", ""))
            self.over.set()
            return
        await super().run_message_listeners(message, raw_message)

    async def open(self) -> None:
        """Connect, within `CONNECT_SECONDS`.

        Raises:
            Rejected: Slack will never take this token.
            Unavailable: not now.

        """
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                self.wss_uri = await self.issue_new_wss_url()
                await self.connect()  # type: ignore[no-untyped-call] # the SDK has no types here
        except SlackApiError as err:
            raise _translated(error_of(err)) from err
        except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as err:
            raise Unavailable("Slack cannot be reached") from err

    async def end(self) -> None:
        """Close it; may be called at any time."""
        await self.close()  # type: ignore[no-untyped-call] # the SDK has no types here

    async def ended(self) -> str:
        """Wait until it is over or broken; the reason that Slack gave, empty for none."""
        while not self.over.is_set():
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.over.wait()
            except TimeoutError:
                if not await self.is_connected():
                    break
        return self.reason


def _translated(reason: str) -> Rejected | Unavailable:
    if reason in FATAL:
        return Rejected(f"Slack closed the socket for good ({reason})", FATAL[reason])
    return Unavailable(f"Slack gives no connection ({reason})")


class SocketKeeper:
    """Keeps `line` connected, and hands to `bolt` what arrives."""

    def __init__(
        self,
        line: Line,
        bolt: AsyncApp,
        clock: Callable[[], datetime],
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self._line = line
        self._bolt = bolt
        self._clock = clock
        self._ping_seconds = ping_seconds
        self._retiring: set[asyncio.Task[None]] = set()
        self._current: Connection | None = None

    async def keep(self) -> None:
        """Stay connected until this is cancelled, or until only a person can help."""
        pause = PAUSE_SECONDS_MIN
        while not self._line.fatal:
            try:
                fresh = await self._opened()
            except Rejected as err:
                self._end(err)
                break
            except Unavailable as err:
                self._away(err.message)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
                pause = min(2 * pause, PAUSE_SECONDS_MAX)
                continue
            pause = PAUSE_SECONDS_MIN
            await self._stay(fresh)

    async def _opened(self) -> Connection:
        async with AsyncExitStack() as failing:
            fresh = Connection(self._line.keys, self._bolt, self._ping_seconds)
            failing.push_async_callback(fresh.end)
            await fresh.open()
            failing.pop_all()
        return fresh

    async def _stay(self, fresh: Connection) -> None:
        if self._current is not None:
            self._retire(self._current)
        self._current = fresh
        is_new = not self._line.is_connected
        self._line.up(self._clock())
        if is_new:
            logger.info("slack connected")
        watching = asyncio.create_task(self._watch(fresh))
        try:
            reason = await fresh.ended()
        finally:
            watching.cancel()
        if reason in FATAL:
            self._end(Rejected(f"Slack closed the socket for good ({reason})", FATAL[reason]))
        elif not await fresh.is_connected():
            self._away("the connection to Slack broke, and is opened again")

    async def _watch(self, fresh: Connection) -> None:
        """Note the pings that Slack answers, while `fresh` is the connection."""
        while self._current is fresh:
            if fresh.last_ping_pong_time is not None:
                self._line.last_ping_at = datetime.fromtimestamp(fresh.last_ping_pong_time, UTC)
            await asyncio.sleep(min(LOOK_SECONDS, self._ping_seconds))

    def _away(self, why: str) -> None:
        if self._line.fault != why:
            logger.warning("slack away", extra={"reason": why})
        self._line.away(why, self._clock())

    def _end(self, err: Rejected) -> None:
        self._line.end(f"{err.message}: {err.fix}", self._clock())
        logger.error("slack ended", extra={"reason": err.message, "fix": err.fix})

    def _retire(self, old: Connection) -> None:
        """What was begun on the old connection is answered there, so it stays for a while."""
        task = asyncio.create_task(_close_later(old))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def close(self) -> None:
        """Close every connection at once."""
        for task in [*self._retiring]:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        if self._current is not None:
            await self._current.end()


async def _close_later(old: Connection) -> None:
    try:
        if await old.is_connected():
            await asyncio.sleep(RETIRE_SECONDS)
    finally:
        await old.end()
