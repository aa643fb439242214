"""Socket Mode: one payload for one connection, connections that end, events that come again."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from sandbox_slack.bolt_app import App, settled, until
from sandbox_slack.calling import Caller, Clock, actions, button

from sandbox.slack import SlackServer, Workspace

pytestmark = pytest.mark.asyncio(loop_scope="session")
WS = aiohttp.ClientWebSocketResponse


@pytest.fixture(name="ts")
def _ts(call: Caller) -> str:
    return call.post(blocks=[actions(button())])


def new_url(call: Caller) -> str:
    """A ticket for one socket."""
    call.token = call.slack.app_token
    url = str(call("apps.connections.open")["url"])
    call.token = call.slack.bot_token
    return url


@asynccontextmanager
async def raw_socket(call: Caller) -> AsyncIterator[WS]:
    """A connection without a library, after its hello."""
    async with aiohttp.ClientSession() as session, session.ws_connect(new_url(call)) as ws:
        hello = await ws.receive_json()
        assert hello["type"] == "hello"
        yield ws


async def test_every_payload_goes_to_one_of_the_sockets(slack: SlackServer, ts: str) -> None:
    """In turn; two apps see two different clicks, and the same payload again goes to the other."""
    first, second = App(slack), App(slack)
    async with first.on_a_socket(), second.on_a_socket():
        for _ in range(4):
            assert (await asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go")).acked
        assert (len(first.heard), len(second.heard)) == (2, 2)
        done = await asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go")
        again = await asyncio.to_thread(slack.deliver_again)
        assert done.socket != again.socket
        assert done.payload == again.payload


async def test_a_seed_makes_the_choice_random_and_repeatable() -> None:
    """Real Slack promises no turn."""

    async def chosen(seed: int) -> list[str]:
        with SlackServer(Workspace(), seed=seed) as slack:
            apps = [App(slack), App(slack)]
            async with apps[0].on_a_socket(), apps[1].on_a_socket():
                homes = [await asyncio.to_thread(slack.open_home, "U0ANA") for _ in range(8)]
                return [home.socket for home in homes]

    first = await chosen(1)
    assert first == await chosen(1)
    assert set(first) == {"socket-1", "socket-2"}
    assert first != ["socket-1", "socket-2"] * 4


async def test_without_a_socket_a_click_is_lost(slack: SlackServer, ts: str) -> None:
    """Nobody gets it later either: Slack does not repeat what people did."""
    done = await asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go")
    assert (done.acked, done.socket) == (False, "")
    app = App(slack)
    async with app.on_a_socket():
        assert app.heard == []


async def test_a_click_is_lost_with_its_socket(call: Caller, ts: str) -> None:
    """The connection ends before the answer: not acked, at once."""
    async with raw_socket(call) as ws:
        slack = call.slack
        click = asyncio.create_task(asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go"))
        envelope = await ws.receive_json()
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("interactive", True)
        await ws.close()
        done = await click
    assert (done.acked, done.socket) == (False, "socket-1")
    assert done.seconds < 2


async def test_an_answer_to_another_envelope_is_none(call: Caller, ts: str) -> None:
    """Nor is something that is no JSON, or no object."""
    async with raw_socket(call) as ws:
        slack = call.slack
        click = asyncio.create_task(asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go"))
        envelope = await ws.receive_json()
        for odd in ("ok", "[1]", json.dumps({"envelope_id": "other"})):
            await ws.send_str(odd)
        await ws.send_json({"envelope_id": envelope["envelope_id"]})
        assert (await click).acked


async def test_an_event_comes_again_until_somebody_takes_it(call: Caller) -> None:
    """With the same id, a number and a reason; what people did does not."""
    slack = call.slack
    slack.event_delays(0.05, 0.05, 60)
    first = await asyncio.to_thread(slack.event, {"type": "tokens_revoked"})
    assert not first.acked
    async with raw_socket(call) as ws:
        envelope = await ws.receive_json()
        assert envelope["retry_attempt"] in (1, 2)
        assert envelope["retry_reason"] == "http_timeout"
        assert envelope["payload"]["event_id"] == first.payload["event_id"]
        await ws.send_json({"envelope_id": envelope["envelope_id"]})
        await until(lambda: bool(slack.retries) and slack.retries[-1].acked)


async def test_there_are_ten_sockets_at_most(call: Caller) -> None:
    """The eleventh is sent away."""
    async with aiohttp.ClientSession() as session:
        held = [await session.ws_connect(new_url(call)) for _ in range(10)]
        for ws in held:
            assert (await ws.receive_json())["type"] == "hello"
        ws = await session.ws_connect(new_url(call))
        assert (await ws.receive_json())["reason"] == "too_many_websockets"
        assert (await ws.receive()).type == aiohttp.WSMsgType.CLOSE
        assert len(call.slack.sockets) == 10


async def test_a_ticket_opens_one_socket_and_grows_old(call: Caller, clock: Clock) -> None:
    """Another needs another call of apps.connections.open."""
    url = new_url(call)
    async with aiohttp.ClientSession() as session:
        await session.ws_connect(url)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
        late = new_url(call)
        clock.move(31)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(late)


async def test_a_refresh_is_survived_by_the_library(slack: SlackServer, ts: str) -> None:
    """It opens a new connection, and the next click arrives there."""
    app = App(slack)
    async with app.on_a_socket():
        await asyncio.to_thread(slack.disconnect, "refresh_requested")
        await settled(slack)
        assert "socket-1" not in slack.sockets
        done = await asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go")
        assert done.acked


async def test_a_warning_leaves_the_socket_open(call: Caller) -> None:
    """Its end follows later; the app may already open another."""
    async with raw_socket(call) as ws:
        await asyncio.to_thread(call.slack.disconnect, "warning")
        told = await ws.receive_json()
        assert (told["type"], told["reason"]) == ("disconnect", "warning")
        assert call.slack.sockets == ["socket-1"]


async def test_a_disabled_link_lets_nobody_back_in(call: Caller) -> None:
    """Whoever tries again is told the same."""
    async with raw_socket(call) as ws:
        await asyncio.to_thread(call.slack.disconnect, "link_disabled")
        assert (await ws.receive_json())["reason"] == "link_disabled"
    async with aiohttp.ClientSession() as session, session.ws_connect(new_url(call)) as ws:
        assert (await ws.receive_json())["reason"] == "link_disabled"
    assert call.slack.sockets == []


async def test_the_whole_of_slack_goes_away_and_comes_back(slack: SlackServer, ts: str) -> None:
    """On the same port, with everything it knew; the library finds it again."""
    app = App(slack)
    async with app.on_a_socket() as handler:
        await asyncio.to_thread(slack.go_away)
        assert slack.sockets == []
        with pytest.raises(aiohttp.ClientConnectorError):
            await app.client.auth_test()
        await asyncio.to_thread(slack.come_back)
        await settled(slack)
        assert await handler.client.is_connected()
        done = await asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go")
        assert done.acked
