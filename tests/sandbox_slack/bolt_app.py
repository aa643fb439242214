"""A small real app on slack_bolt, to see that the fake speaks what the real library hears."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sandbox_slack.calling import JSON, modal
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SlackServer

WAIT_SECONDS = 10
# The library may replace a connection twice in a row; a click in between is lost, as with Slack.
QUIET_SECONDS = 0.5


class App:
    """Acks, and writes down what it heard; `ack_delay` makes it slow."""

    def __init__(self, slack: SlackServer) -> None:
        self.slack = slack
        self.client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        self.bolt = AsyncApp(client=self.client, signing_secret=slack.signing_secret)
        self.heard: list[tuple[str, JSON]] = []
        self.ack_delay = 0.0
        self.bolt.action("go")(self._go)
        self.bolt.action("pick")(self._go)
        self.bolt.action("open")(self._open)
        self.bolt.view("view.deny")(self._deny)
        self.bolt.command("/toil")(self._toil)
        self.bolt.shortcut("toil.from_message")(self._go)
        self.bolt.event("app_home_opened")(self._home)

    async def _go(self, ack: AsyncAck, body: JSON) -> None:
        await asyncio.sleep(self.ack_delay)
        await ack()
        self.heard.append((body["type"], body))

    async def _open(self, ack: AsyncAck, body: JSON, client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=modal())
        await ack()

    async def _deny(self, ack: AsyncAck, view: JSON) -> None:
        reason = view["state"]["values"]["reason"]["value"]["value"]
        answers: dict[str, dict[str, Any]] = {
            "short": {"response_action": "errors", "errors": {"reason": "say more"}},
            "astray": {"response_action": "errors", "errors": {"other": "?"}},
            "next": {"response_action": "update", "view": modal(callback_id="second")},
            "bad": {"response_action": "update", "view": modal(submit=None)},
        }
        await ack(**answers.get(reason, {}))

    async def _toil(self, ack: AsyncAck, body: JSON) -> None:
        await ack(f"logged {body['text']}")
        self.heard.append(("command", body))

    async def _home(self, event: JSON, body: JSON, client: AsyncWebClient) -> None:
        self.heard.append((event["type"], body))
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": []})

    @asynccontextmanager
    async def on_a_socket(self) -> AsyncIterator[AsyncSocketModeHandler]:
        """Connected for a while."""
        web_client = AsyncWebClient(token=self.slack.app_token, base_url=self.slack.api_url)
        handler = AsyncSocketModeHandler(
            self.bolt, self.slack.app_token, web_client=web_client, ping_interval=0.2
        )
        before = len(self.slack.sockets)
        await handler.connect_async()  # type: ignore[no-untyped-call]  # the library's
        await until(lambda: len(self.slack.sockets) > before)
        try:
            yield handler
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]  # the library's


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens elsewhere."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


async def settled(slack: SlackServer) -> None:
    """Wait until there is a connection that stays."""
    async with asyncio.timeout(WAIT_SECONDS):
        before: list[str] = []
        while not before or slack.sockets != before:
            before = slack.sockets
            await asyncio.sleep(QUIET_SECONDS)
