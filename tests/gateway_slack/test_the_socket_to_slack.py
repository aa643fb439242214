"""The socket to Slack: opened again by itself, given up only where a person must help, and told."""

import asyncio
from collections.abc import Callable

import pytest
from gateway_fakes import FakeTemporal, make_doors
from gateway_slack.slack_door import ANA, OPS, PING_SECONDS, Clock, Door, door, policy, until
from pydantic import SecretStr
from sqlalchemy import Engine

from contracts.errors import InvalidInput
from contracts.slack import ids
from gateway.slack.line import Line, SlackKeys
from gateway.slack.running import slack_running
from gateway.temporal import Update
from sandbox.slack import SlackServer

asynchronous = pytest.mark.asyncio(loop_scope="session")


def keys(slack: SlackServer, app: str = "") -> SlackKeys:
    """What a gateway with a socket is given."""
    token = SecretStr(app or slack.app_token)
    return SlackKeys(SecretStr(slack.bot_token), token, None, slack.api_url)


@asynchronous
async def test_a_change_of_connection_loses_no_click(at: Door) -> None:
    """The next connection is open before the last one is left."""
    workflow, ts = await at.ask()
    first = at.slack.sockets
    await asyncio.to_thread(at.slack.disconnect, "warning")
    await until(lambda: len(at.slack.sockets) == 2)
    assert at.slack.sockets[0] == first[0]
    heard = await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    assert heard.acked
    assert len(workflow.counted) == 1
    assert at.here.slack.told() == "ok"


@asynchronous
async def test_after_a_refresh_clicks_arrive_on_a_new_connection(at: Door) -> None:
    """Slack does this every few hours."""
    workflow, ts = await at.ask()
    first = at.slack.sockets
    await asyncio.to_thread(at.slack.disconnect, "refresh_requested")
    await until(lambda: bool(at.slack.sockets) and at.slack.sockets != first)
    heard = await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    assert heard.acked
    assert len(workflow.counted) == 1


@asynchronous
async def test_when_slack_was_away_the_gateway_comes_back_by_itself(at: Door) -> None:
    """It says that it is away meanwhile, and nothing is decided."""
    workflow, ts = await at.ask()
    await asyncio.to_thread(at.slack.go_away)
    await until(lambda: not at.here.slack.is_connected)
    assert at.here.slack.told() != "ok"
    await asyncio.to_thread(at.slack.come_back)
    await until(lambda: at.here.slack.is_connected)
    assert workflow.counted == []
    heard = await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    assert heard.acked
    assert len(workflow.counted) == 1


@asynchronous
async def test_a_gateway_starts_while_slack_is_away(
    engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> None:
    """Alerts and browsers need no Slack."""
    line = Line(keys(slack))
    await asyncio.to_thread(slack.go_away)
    here = make_doors(engine, fake, policy=policy(), clock=clock, slack=line)
    async with slack_running(here, PING_SECONDS):
        await until(lambda: "cannot be reached" in line.told())
        assert not line.fatal
        await asyncio.to_thread(slack.come_back)
        await until(lambda: line.told() == "ok")
    assert not slack.sockets


@asynchronous
@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda slack: slack.revoke("token_revoked"), "token_revoked"),
        (lambda slack: slack.revoke("account_inactive"), "account_inactive"),
        (lambda slack: slack.workspace.app_scopes.clear(), "missing_scope"),
        (lambda slack: slack.fail("apps.connections.open", None, "invalid_auth"), "invalid_auth"),
    ],
)
async def test_what_only_a_person_can_mend_is_told_and_not_tried_for_ever(
    engine: Engine,
    slack: SlackServer,
    fake: FakeTemporal,
    break_it: Callable[[SlackServer], object],
    reason: str,
) -> None:
    """One attempt, and the reason with what to do."""
    break_it(slack)
    line = Line(keys(slack))
    async with slack_running(make_doors(engine, fake, slack=line), PING_SECONDS):
        await until(lambda: line.fatal)
        assert reason in line.told()
        assert len(line.told()) > len(reason) + 30
    assert len(slack.calls("apps.connections.open")) == 1


@asynchronous
async def test_socket_mode_that_is_switched_off_ends_the_socket(at: Door) -> None:
    """Slack says so in its farewell."""
    calls = len(at.slack.calls("apps.connections.open"))
    await asyncio.to_thread(at.slack.disconnect, "link_disabled")
    await until(lambda: at.here.slack.fatal)
    assert "switch Socket Mode on" in at.here.slack.told()
    assert len(at.slack.calls("apps.connections.open")) == calls


@asynchronous
@pytest.mark.parametrize(
    "event",
    [{"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"bot": ["U0FIREBREAK"]}}],
)
async def test_an_app_that_was_thrown_out_says_so(at: Door, event: dict[str, object]) -> None:
    """Its socket may live on for a while."""
    assert at.here.slack.told() == "ok"
    await asyncio.to_thread(at.slack.event, event)
    await until(lambda: at.here.slack.fatal)
    assert "install" in at.here.slack.told()


@asynchronous
async def test_a_token_of_a_person_that_was_revoked_means_nothing_here(at: Door) -> None:
    """Only the bot's counts."""
    event = {"type": "tokens_revoked", "tokens": {"oauth": ["U0ANA"], "bot": []}}
    heard = await asyncio.to_thread(at.slack.event, event)
    assert heard.acked
    assert at.here.slack.told() == "ok"


@asynchronous
async def test_two_gateways_hold_a_socket_each(
    at: Door, engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> None:
    """When one ends, the other takes everything."""
    workflow, ts = await at.ask()
    async with door(engine, slack, fake, clock):
        assert len(slack.sockets) == 2
    await until(lambda: len(slack.sockets) == 1)
    heard = await asyncio.to_thread(slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    assert heard.acked
    assert len(workflow.counted) == 1


@asynchronous
async def test_what_was_begun_is_finished_before_the_end(
    engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> None:
    """A rollout of the gateway interrupts nobody's decision."""
    begun, release = asyncio.Event(), asyncio.Event()
    count = fake.update

    async def slow(workflow: str, update: Update, answer: type) -> object:
        begun.set()
        await release.wait()
        return await count(workflow, update, answer)

    fake.update = slow  # type: ignore[assignment,method-assign] # a fake may be slow
    async with door(engine, slack, fake, clock) as at:
        workflow, ts = await at.ask()
        await asyncio.to_thread(slack.click, ANA, OPS, ts, ids.APPROVE)
        await begun.wait()
        asyncio.get_running_loop().call_later(0.2, release.set)
    assert len(workflow.counted) == 1


@asynchronous
async def test_the_pings_that_slack_answers_are_noted(at: Door) -> None:
    """A connection that only seems to live is seen by its silence."""
    await until(lambda: at.here.slack.last_ping_at is not None)
    first = at.here.slack.last_ping_at
    await until(lambda: at.here.slack.last_ping_at != first)


def test_a_socket_and_http_at_once_are_refused() -> None:
    """Slack delivers over one of them, and the other would wait for ever."""
    secret = SecretStr("x")
    with pytest.raises(InvalidInput, match="both"):
        Line(SlackKeys(secret, secret, secret))


def test_a_bot_that_nobody_hears_says_so() -> None:
    """Its messages would have buttons that do nothing."""
    line = Line(SlackKeys(SecretStr("x")))
    assert (line.mode, line.is_connected) == ("deaf", False)
    assert "FIREBREAK_SLACK_APP_TOKEN" in line.told()
    assert Line().told() == "off"
