"""Runs the way in from Slack for as long as the gateway runs: a socket, or HTTP's handlers.

The start waits for nothing: a gateway serves while Slack is away, and says so.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from gateway.doors import Doors
from gateway.slack.api import web_client
from gateway.slack.app import build_slack
from gateway.slack.desk import Desk
from gateway.slack.people import People, app_of
from gateway.slack.socket import PING_SECONDS, SocketKeeper

logger = logging.getLogger(__name__)


@asynccontextmanager
async def slack_running(here: Doors, ping_seconds: float = PING_SECONDS) -> AsyncIterator[None]:
    """Hear Slack until the block ends; then what was begun for people is finished first."""
    line = here.slack
    if line.mode == "deaf":
        logger.warning("slack is not heard", extra={"reason": line.told()})
    if line.mode in ("off", "deaf"):
        yield
        return
    async with aiohttp.ClientSession() as session:
        client = web_client(line.keys.bot, line.keys.api_url, session)
        token = line.keys.app.get_secret_value() if line.keys.app else ""
        desk = Desk(here, client, People(here.policy, client, app_of(token)))
        hearing = _socket(desk, ping_seconds) if line.mode == "socket" else _http(desk)
        async with hearing:
            yield
            if not await desk.finished():
                logger.warning("not everything begun in slack was finished")


@asynccontextmanager
async def _http(desk: Desk) -> AsyncIterator[None]:
    line = desk.here.slack
    line.bolt = build_slack(desk)
    line.up(desk.here.clock())
    try:
        yield
    finally:
        line.bolt = None


@asynccontextmanager
async def _socket(desk: Desk, ping_seconds: float) -> AsyncIterator[None]:
    keeper = SocketKeeper(desk.here.slack, build_slack(desk), desk.here.clock, ping_seconds)
    keeping = asyncio.create_task(keeper.keep(), name="slack socket")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await keeper.close()
