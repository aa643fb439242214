"""Slack over HTTP: the same handlers, behind Slack's signature."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio
import uvicorn
from gateway_fakes import FakeTemporal, bearer, make_doors
from gateway_slack.slack_door import ANA, OPS, Clock, Door, policy, until
from pydantic import SecretStr
from slack_sdk.signature import SignatureVerifier
from sqlalchemy import Engine

from contracts.slack import ids
from gateway.app import build_app
from gateway.doors import Doors
from gateway.slack.line import Line, SlackKeys
from gateway.slack.running import slack_running
from sandbox.slack import SlackServer

pytestmark = pytest.mark.asyncio(loop_scope="session")
CLICK = {"type": "block_actions", "actions": [{"action_id": "link.page"}]}
BODY = urlencode({"payload": json.dumps(CLICK)})


def signed(secret: str, body: str, age_seconds: float = 0) -> dict[str, str]:
    """The headers with which Slack proves a body."""
    at = str(int(time.time() - age_seconds))
    signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=body)
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": signature or "",
    }


@pytest.fixture(name="here")
def _here(engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock) -> Doors:
    """The doors of a gateway that takes Slack over HTTP."""
    secret = SecretStr(slack.signing_secret)
    line = Line(SlackKeys(SecretStr(slack.bot_token), None, secret, slack.api_url))
    return make_doors(engine, fake, policy=policy(), clock=clock, slack=line)


@pytest_asyncio.fixture(loop_scope="session", name="web")
async def _web(here: Doors) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway, while it hears Slack."""
    transport = httpx.ASGITransport(build_app(here))
    async with (
        slack_running(here),
        httpx.AsyncClient(transport=transport, base_url="http://firebreak.test") as web,
    ):
        yield web


async def test_a_click_over_http_counts(
    here: Doors, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> None:
    """Through a real server, whose lifespan opens the way in."""
    config = uvicorn.Config(build_app(here), port=0, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        slack.deliver_to(f"http://127.0.0.1:{port}/slack/events")
        at = Door(here, slack, fake, clock)
        workflow, ts = await at.ask()
        heard = await asyncio.to_thread(slack.click, ANA, OPS, ts, ids.APPROVE)
        await at.ended(1)
        assert (heard.acked, heard.status, heard.socket) == (True, 200, "http")
        assert [d.person for d in workflow.counted] == ["ana"]
        await asyncio.to_thread(slack.click, ANA, OPS, ts, ids.DENY)
        assert "Approved by Ana at" in await at.shown(ANA)
    finally:
        server.should_exit = True
        await serving


async def test_a_good_signature_is_heard(web: httpx.AsyncClient, slack: SlackServer) -> None:
    """An unknown button is answered, too."""
    headers = signed(slack.signing_secret, BODY)
    assert (await web.post("/slack/events", content=BODY, headers=headers)).status_code == 200


async def test_slack_may_ask_whether_the_address_is_ours(
    web: httpx.AsyncClient, slack: SlackServer
) -> None:
    """When it is entered in the app's settings."""
    body = json.dumps({"type": "url_verification", "challenge": "abc"})
    headers = signed(slack.signing_secret, body) | {"Content-Type": "application/json"}
    answer = await web.post("/slack/events", content=body, headers=headers)
    assert answer.json() == {"challenge": "abc"}


@pytest.mark.parametrize(
    ("sent", "forged"),
    [
        (BODY, {"X-Slack-Signature": "v0=0000"}),
        (BODY, {"X-Slack-Request-Timestamp": "soon"}),
        (f"{BODY}x", {}),
        ("{", {"Content-Type": "application/json"}),
    ],
    ids=["signature", "timestamp", "body", "no JSON"],
)
async def test_a_bad_signature_is_refused(
    web: httpx.AsyncClient, slack: SlackServer, sent: str, forged: dict[str, str]
) -> None:
    """Before anything of the body is read."""
    headers = signed(slack.signing_secret, BODY) | forged
    answer = await web.post("/slack/events", content=sent, headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize(("age_seconds", "status"), [(290, 200), (310, 401), (-310, 401)])
async def test_a_signature_counts_for_five_minutes(
    web: httpx.AsyncClient, slack: SlackServer, age_seconds: int, status: int
) -> None:
    """Somebody may have kept a good one."""
    headers = signed(slack.signing_secret, BODY, age_seconds)
    answer = await web.post("/slack/events", content=BODY, headers=headers)
    assert answer.status_code == status


async def test_an_unsigned_request_is_nobodys(web: httpx.AsyncClient) -> None:
    """With or without a token of ours."""
    answer = await web.post("/slack/events", content=BODY, headers=bearer("token-ana"))
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthenticated"


async def test_what_is_no_text_is_not_signed(web: httpx.AsyncClient, slack: SlackServer) -> None:
    """Slack signs text; this is no error of ours."""
    headers = signed(slack.signing_secret, BODY)
    answer = await web.post("/slack/events", content=b"\xff\xfe", headers=headers)
    assert answer.status_code == 401


async def test_a_signed_body_that_cannot_be_read_is_refused(
    web: httpx.AsyncClient, slack: SlackServer
) -> None:
    """400, not an error of ours."""
    headers = signed(slack.signing_secret, "{") | {"Content-Type": "application/json"}
    answer = await web.post("/slack/events", content="{", headers=headers)
    assert answer.status_code == 400


async def test_without_a_signing_secret_there_is_no_such_door(
    engine: Engine, fake: FakeTemporal
) -> None:
    """And it says what to set."""
    transport = httpx.ASGITransport(build_app(make_doors(engine, fake)))
    async with httpx.AsyncClient(transport=transport, base_url="http://firebreak.test") as web:
        headers = signed("any", BODY)
        answer = await web.post("/slack/events", content=BODY, headers=headers)
    assert answer.status_code == 404
    assert "FIREBREAK_SLACK_SIGNING_SECRET" in answer.json()["error"]["fix"]


async def test_before_the_door_is_open_slack_may_come_again(here: Doors) -> None:
    """503, which Slack repeats for events."""
    transport = httpx.ASGITransport(build_app(here))
    async with httpx.AsyncClient(transport=transport, base_url="http://firebreak.test") as web:
        headers = signed("any", BODY)
        assert (await web.post("/slack/events", content=BODY, headers=headers)).status_code == 503
