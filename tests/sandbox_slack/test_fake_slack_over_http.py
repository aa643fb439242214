"""Slack over HTTP: signed requests to one address of the app, a real slack_bolt behind it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest
import pytest_asyncio
from aiohttp import web
from sandbox_slack.bolt_app import App, until
from sandbox_slack.calling import Caller, Clock, actions, button
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_sdk.signature import SignatureVerifier

from sandbox.slack import SlackServer

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Door:
    """The app's address; it keeps what came, and may refuse all."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.seen: list[tuple[dict[str, str], str]] = []
        self.status = 0
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        """One request of Slack."""
        self.seen.append((dict(request.headers), await request.text()))
        if self.status:
            return web.Response(status=self.status)
        asked = await to_bolt_request(request)
        return await to_aiohttp_response(await self.app.bolt.async_dispatch(asked))


@pytest.fixture(name="clock")
def _clock() -> Clock:
    """The library holds the age of a signature against the real time."""
    clock = Clock()
    clock.now = datetime.now(UTC)
    return clock


@pytest_asyncio.fixture(loop_scope="session", name="door")
async def _door(slack: SlackServer) -> AsyncIterator[Door]:
    door = Door(App(slack))
    server = web.Application()
    server.router.add_post("/slack/events", door.take)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    door.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    slack.deliver_to(door.url)
    yield door
    await runner.cleanup()


async def test_a_click_is_signed_and_acked(slack: SlackServer, door: Door, call: Caller) -> None:
    """The library's own verifier agrees with the signature."""
    ts = call.post(blocks=[actions(button())])
    done = await asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go")
    assert (done.acked, done.status, done.socket) == (True, 200, "http")
    headers, body = door.seen[0]
    assert SignatureVerifier(slack.signing_secret).is_valid_request(body, headers)
    assert door.app.heard[0][1]["user"]["id"] == "U0ANA"
    assert list(parse_qs(body)) == ["payload"]


async def test_a_command_is_a_form_and_its_ack_is_shown(slack: SlackServer, door: Door) -> None:
    """Every field of its own."""
    done = await asyncio.to_thread(slack.command, "U0ANA", "C0OPS", "/toil", "25m x")
    assert done.acked
    assert parse_qs(door.seen[0][1])["text"] == ["25m x"]
    assert slack.ephemerals[0]["text"] == "logged 25m x"


async def test_an_old_or_foreign_signature_is_refused(slack: SlackServer, door: Door) -> None:
    """Five minutes is what the library takes."""
    webhook = slack.deliver_to(door.url)
    assert webhook is not None
    webhook.skew_seconds = -301
    done = await asyncio.to_thread(slack.command, "U0ANA", "C0OPS", "/toil", "x")
    assert (done.acked, done.status) == (False, 401)
    webhook.skew_seconds = 0
    webhook.secret = "somebody else's"
    done = await asyncio.to_thread(slack.command, "U0ANA", "C0OPS", "/toil", "x")
    assert (done.acked, done.status) == (False, 401)
    assert door.app.heard == []


async def test_an_event_comes_again_with_a_number(slack: SlackServer, door: Door) -> None:
    """In the headers; what people did is sent once."""
    slack.event_delays(0, 0.05)
    door.status = 503
    assert not (await asyncio.to_thread(slack.open_home, "U0ANA")).acked
    await until(lambda: len(slack.retries) == 2)
    assert [h.get("X-Slack-Retry-Num") for h, _ in door.seen] == [None, "1", "2"]
    assert door.seen[1][0]["X-Slack-Retry-Reason"] == "http_error"
    assert not (await asyncio.to_thread(slack.command, "U0ANA", "C0OPS", "/toil", "x")).acked
    assert len(door.seen) == 4


async def test_sockets_are_used_again_without_an_address(slack: SlackServer, door: Door) -> None:
    """Nothing goes to the door any more."""
    slack.deliver_to(None)
    done = await asyncio.to_thread(slack.open_home, "U0ANA")
    assert (done.acked, done.socket, door.seen) == (False, "", [])


async def test_nobody_at_the_address_is_not_acked(slack: SlackServer) -> None:
    """A refused connection is no answer."""
    slack.event_delays()
    slack.deliver_to("http://127.0.0.1:9/slack/events")
    done = await asyncio.to_thread(slack.open_home, "U0ANA")
    assert (done.acked, done.status) == (False, 0)
