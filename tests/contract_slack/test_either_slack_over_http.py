"""Without a socket, either Slack sends what people do to our address, signed; nothing else differs.

The gateway is the real one on a port of its own, and checks the real signatures.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio
import uvicorn
from contract_slack.either_slack import ANA, OPS, workspace
from contract_slack.emulator import Emulator, config_of, running
from gateway_fakes import APPROVAL, FakeTemporal, approval, make_doors
from gateway_slack.slack_door import Clock, Door, policy, until, words
from pydantic import SecretStr
from sqlalchemy import Engine

from contracts.slack import ids
from gateway.app import build_app
from gateway.slack.line import Line, SlackKeys
from sandbox.slack import SlackServer

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(name="port")
def _port() -> Iterator[socket.socket]:
    """Where the gateway will listen; Slack has to know it first."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def _hook(port: socket.socket) -> str:
    return f"http://127.0.0.1:{port.getsockname()[1]}/slack/events"


@pytest.fixture(name="strict_hook")
def _strict_hook(port: socket.socket) -> Iterator[SlackServer]:
    """Our fake, told to send there."""
    with SlackServer(workspace()) as server:
        server.deliver_to(_hook(port))
        yield server


@pytest.fixture(name="emulator_hook")
def _emulator_hook(program: Path, port: socket.socket, tmp_path: Path) -> Iterator[Emulator]:
    """Another emulator, because it cannot be told later."""
    people = workspace()
    with running(program, tmp_path, config_of(people, _hook(port))) as url:
        emulator = Emulator(url, people)
        yield emulator
        emulator.close()


@pytest.fixture(name="sending", params=["strict", "emulator"])
def _sending(request: pytest.FixtureRequest) -> SlackServer:
    """Each of the two; of Slack the gateway uses nothing but what both have."""
    return cast(SlackServer, request.getfixturevalue(f"{request.param}_hook"))


@pytest_asyncio.fixture(loop_scope="session", name="at")
async def _at(engine: Engine, sending: SlackServer, port: socket.socket) -> AsyncIterator[Door]:
    """A gateway that listens."""
    fake, clock = FakeTemporal(), Clock()
    secret = SecretStr(sending.signing_secret)
    line = Line(SlackKeys(SecretStr(sending.bot_token), None, secret, sending.api_url))
    here = make_doors(engine, fake, policy=policy(), clock=clock, slack=line)
    server = uvicorn.Server(uvicorn.Config(build_app(here), log_config=None, lifespan="on"))
    serving = asyncio.create_task(server.serve(sockets=[port]))
    try:
        await until(lambda: server.started)
        yield Door(here, sending, fake, clock)
    finally:
        server.should_exit = True
        await serving


async def test_a_signed_denial_counts(at: Door) -> None:
    """A click opens the window, a fault stands in it, and what is sent then counts."""
    workflow, ts = await at.ask()
    heard = await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.DENY)
    assert (heard.acked, heard.status, heard.socket) == (True, 200, "http")
    await until(lambda: bool(at.slack.views_of(ANA)))
    refused = await asyncio.to_thread(at.slack.submit, ANA, {ids.REASON: " "})
    assert refused.body["errors"] == at.slack.views_of(ANA)[-1]["errors"]
    await asyncio.to_thread(at.slack.submit, ANA, {ids.REASON: "not now"})
    await at.ended(2)
    assert [(d.person, d.reason) for d in workflow.counted] == [("ana", "not now")]
    assert at.slack.views_of(ANA) == []


async def test_a_signed_command_is_answered(at: Door) -> None:
    """Over its own address, for their eyes only."""
    workflow, _ = await at.ask()
    heard = await asyncio.to_thread(
        at.slack.command, ANA, OPS, ids.FIREBREAK_COMMAND, f"approve {APPROVAL}"
    )
    assert heard.acked
    assert await at.whispered(ANA)
    assert [d.decision for d in workflow.counted] == ["approve"]


async def test_a_signed_event_is_answered(at: Door) -> None:
    """Home is published when it is opened."""
    await at.ask()
    heard = await asyncio.to_thread(at.slack.open_home, ANA)
    await until(lambda: at.slack.home_of(ANA) is not None)
    assert heard.acked
    assert approval().plan.summary in words(at.slack.home_of(ANA))
