"""What a gateway and `doctor` say of Slack."""

import asyncio

import httpx
import pytest
from gateway_fakes import FakeTemporal, bearer, make_doors
from gateway_slack.slack_door import OPS, Door, policy, until
from pydantic import SecretStr
from sqlalchemy import Engine

from contracts.policy import SlackPolicy
from gateway.app import build_app
from gateway.doors import Doors
from gateway.slack.faults import channels_of, slack_faults
from gateway.slack.line import SlackKeys
from sandbox.slack import Channel, SlackServer
from sandbox.slack.workspace import BOT_USER

pytestmark = pytest.mark.asyncio(loop_scope="session")


def keys(slack: SlackServer) -> SlackKeys:
    """What a gateway with a socket is given."""
    app = SecretStr(slack.app_token)
    return SlackKeys(SecretStr(slack.bot_token), app, None, slack.api_url)


async def _get(here: Doors, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(build_app(here))
    async with httpx.AsyncClient(transport=transport, base_url="http://firebreak.test") as web:
        return await web.get(path, headers=bearer("token-ana"))


async def test_without_slack_it_is_off(engine: Engine, fake: FakeTemporal) -> None:
    """And nothing is missing."""
    answer = await _get(make_doors(engine, fake), "/readyz")
    assert answer.json() == {"ready": True, "temporal": "ok", "database": "ok", "slack": "off"}


async def test_a_gateway_is_ready_without_slack(at: Door) -> None:
    """Browser and command line work on; the reason is told."""
    assert (await _get(at.here, "/readyz")).json()["slack"] == "ok"
    await asyncio.to_thread(at.slack.go_away)
    await until(lambda: not at.here.slack.is_connected)
    answer = await _get(at.here, "/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    assert answer.json()["slack"] not in ("ok", "off")


async def test_metrics_tell_of_the_connection(at: Door) -> None:
    """Connected, and how long ago Slack answered."""
    await until(lambda: at.here.slack.last_ping_at is not None)
    told = (await _get(at.here, "/metrics")).text
    assert "firebreak_slack_connected 1.0" in told
    assert "firebreak_slack_last_ping_seconds NaN" not in told
    await asyncio.to_thread(at.slack.go_away)
    await until(lambda: not at.here.slack.is_connected)
    assert "firebreak_slack_connected 0.0" in (await _get(at.here, "/metrics")).text


async def test_doctor_finds_nothing_wrong_where_all_is_well(slack: SlackServer) -> None:
    """Tokens, scopes, the socket and the channel."""
    assert await slack_faults(keys(slack), policy()) == ()
    assert await slack_faults(SlackKeys(), policy()) == ()


async def test_doctor_names_the_scope_that_is_missing(slack: SlackServer) -> None:
    """With what does not work without it."""
    slack.workspace.scopes -= {"users:read", "users:read.email"}
    given = policy(slack=SlackPolicy(channel=OPS, match_email=True))
    told = [fault.detail for fault in await slack_faults(keys(slack), given)]
    assert len(told) == 2
    assert "users:read, " in told[0]
    assert "users:read.email" in told[1]


async def test_doctor_names_each_channel_that_the_bot_is_not_in(slack: SlackServer) -> None:
    """Of the policy and of its services, once each."""
    slack.workspace.channels[0].members.discard(BOT_USER)
    slack.workspace.channels.append(Channel("C0OLD", "old", {BOT_USER}, archived=True))
    services = [
        policy().services[0].model_copy(update={"name": name, "channel": channel})
        for name, channel in (("a", OPS), ("b", "C0OLD"), ("c", "C0NONE"))
    ]
    given = policy(services=tuple(services))
    assert channels_of(given) == (OPS, "C0OLD", "C0NONE")
    faults = await slack_faults(keys(slack), given)
    told = " / ".join(fault.detail for fault in faults)
    assert f"not in the channel {OPS}" in told
    assert "C0OLD is archived" in told
    assert "C0NONE" in told
    assert any("/invite" in fault.fix for fault in faults)


async def test_doctor_says_what_to_do_about_a_bad_token(slack: SlackServer) -> None:
    """And never shows it."""
    slack.revoke("token_revoked")
    faults = await slack_faults(keys(slack), policy())
    assert "token_revoked" in faults[0].detail
    assert all(slack.bot_token not in f"{f.detail} {f.fix}" for f in faults)


async def test_doctor_knows_a_token_of_another_workspace(slack: SlackServer) -> None:
    """Everything else would look right."""
    given = policy(slack=SlackPolicy(channel=OPS, team="T0SECOND"))
    [fault] = await slack_faults(keys(slack), given)
    assert "T0MAIN" in fault.detail
    assert "T0SECOND" in fault.detail


async def test_doctor_tells_silence_from_a_refusal(slack: SlackServer) -> None:
    """Slack away is nobody's mistake."""
    await asyncio.to_thread(slack.go_away)
    [fault] = await slack_faults(keys(slack), policy())
    assert fault.away


async def test_doctor_says_that_nobody_hears_the_buttons(slack: SlackServer) -> None:
    """A bot's token alone posts messages, and hears nothing."""
    alone = keys(slack)._replace(app=None)
    [fault] = await slack_faults(alone, policy())
    assert "nobody hears" in fault.detail
