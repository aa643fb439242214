"""Who clicked: members of our own workspace whom the policy knows, and nobody else."""

import asyncio
import logging

import pytest
from gateway_fakes import APPROVAL, FakeTemporal, make_doors
from gateway_slack.slack_door import ANA, CLEO, DAN, OPS, Clock, Door, door, policy
from pydantic import SecretStr
from sqlalchemy import Engine

from contracts.errors import NotAllowed
from contracts.policy import SlackPolicy
from contracts.slack import ids
from gateway.slack import approving
from gateway.slack.api import web_client
from gateway.slack.clicks import Click
from gateway.slack.desk import Desk
from gateway.slack.line import Line, SlackKeys
from gateway.slack.people import KNOWN_SECONDS, People, app_of
from sandbox.slack import SlackServer

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"is_bot": True}, "is a bot"),
        ({"is_restricted": True}, "is a guest"),
        ({"is_ultra_restricted": True}, "is a guest"),
        ({"is_stranger": True}, "is of another organisation"),
        ({"team": "T0OTHER"}, "only members of our own workspace"),
    ],
)
async def test_outsiders_may_look_and_never_decide(
    at: Door, change: dict[str, object], why: str
) -> None:
    """Even with the id of somebody who may: what Slack says of the account counts."""
    workflow, ts = await at.ask()
    ana = at.slack.workspace.user(ANA)
    assert ana is not None
    for name, value in change.items():
        setattr(ana, name, value)
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    assert why in (await at.shown(ANA)).replace("Only", "only")
    assert workflow.counted == []


async def test_a_deactivated_account_is_refused(at: Door) -> None:
    """A click that was under way when somebody left the company."""
    ana = at.slack.workspace.user(ANA)
    assert ana is not None
    ana.deleted = True
    click = Click(kind="", user=ANA, team="T0MAIN", key="1")
    with pytest.raises(NotAllowed, match="is deactivated"):
        await People(policy(), at.client).person(click)


async def test_a_refused_attempt_leaves_a_trace(at: Door, caplog: pytest.LogCaptureFixture) -> None:
    """With the immutable ids of who tried what, and how it ended."""
    _, ts = await at.ask()
    caplog.set_level(logging.INFO, "gateway.slack.app")
    await asyncio.to_thread(at.slack.click, CLEO, OPS, ts, ids.APPROVE)
    await at.ended(1)
    told = next(r.__dict__ for r in caplog.records if r.message == "slack action")
    assert (told["slack_user"], told["slack_team"]) == (CLEO, "T0MAIN")
    assert (told["kind"], told["result"]) == (ids.APPROVE, "not_allowed")
    assert told["about"].startswith("apr-")
    assert at.results() == {"not_allowed": 1}


async def test_an_account_of_two_people_is_nobodys(
    engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> None:
    """An id that stands twice in the policy proves neither."""
    twice = [p.model_copy(update={"slack": ANA}) for p in policy().people]
    given = policy(people=tuple(twice))
    async with door(engine, slack, fake, clock, policy=given) as at:
        workflow, ts = await at.ask()
        await asyncio.to_thread(slack.click, ANA, OPS, ts, ids.APPROVE)
        assert "stands for several people" in await at.shown(ANA)
        assert workflow.counted == []


@pytest.mark.parametrize("allowed", [True, False])
async def test_an_address_proves_somebody_only_where_the_policy_says_so(
    engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock, *, allowed: bool
) -> None:
    """Ben has no Slack id here, and a verified address."""
    people = tuple(p.model_copy(update={"slack": ""}) for p in policy().people)
    given = policy(people=people, slack=SlackPolicy(channel=OPS, match_email=allowed))
    async with door(engine, slack, fake, clock, policy=given) as at:
        workflow, ts = await at.ask()
        await asyncio.to_thread(slack.click, "U0BEN", OPS, ts, ids.APPROVE)
        await at.ended(1)
        assert [d.person for d in workflow.counted] == (["ben"] if allowed else [])


async def test_an_address_is_no_proof_of_somebody_with_another_account(
    engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> None:
    """Whoever takes Ana's address in Slack does not become Ana."""
    given = policy(slack=SlackPolicy(channel=OPS, match_email=True))
    cleo = slack.workspace.user(CLEO)
    assert cleo is not None
    cleo.email = "ana@example.com"
    async with door(engine, slack, fake, clock, policy=given) as at:
        workflow, ts = await at.ask()
        await asyncio.to_thread(slack.click, CLEO, OPS, ts, ids.APPROVE)
        assert "belongs to nobody" in await at.shown(CLEO)
        assert workflow.counted == []


async def test_when_slack_does_not_say_who_it_is_it_is_nobody(at: Door) -> None:
    """The click is not recorded, and the person hears it."""
    workflow, ts = await at.ask()
    at.slack.fail("users.info", None, "502")
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    assert "Slack does not serve now" in await at.shown(ANA)
    assert workflow.counted == []


async def test_who_somebody_is_is_asked_once_a_minute(at: Door) -> None:
    """A yes is remembered for so long; the clock is a counter that only goes forward."""
    now = [0.0]
    people = People(policy(), at.client, seconds=lambda: now[0])
    click = Click(kind="", user=ANA, team="T0MAIN", key="1")
    for at_second, calls in ((0.0, 1), (KNOWN_SECONDS - 1.0, 1), (KNOWN_SECONDS + 1.0, 2)):
        now[0] = at_second
        assert (await people.person(click)).id == "ana"
        assert len(at.slack.calls("users.info")) == calls


async def test_a_no_is_read_again_at_once(at: Door) -> None:
    """Who has just become a full member need not wait."""
    workflow, ts = await at.ask()
    ana = at.slack.workspace.user(ANA)
    assert ana is not None
    ana.is_restricted = True
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    ana.is_restricted = False
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(2)
    assert len(workflow.counted) == 1


async def test_the_workspace_of_the_policy_counts_more_than_the_tokens(
    engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> None:
    """A token of another workspace lets nobody in."""
    given = policy(slack=SlackPolicy(channel=OPS, team="T0SECOND"))
    async with door(engine, slack, fake, clock, policy=given) as at:
        workflow, ts = await at.ask()
        await asyncio.to_thread(slack.click, ANA, OPS, ts, ids.APPROVE)
        await at.ended(1)
        assert workflow.counted == []
        assert at.results() == {"not_allowed": 1}


async def test_a_click_of_another_app_counts_nothing(
    engine: Engine, slack: SlackServer, fake: FakeTemporal, clock: Clock
) -> None:
    """The app-level token names ours, and each payload the one that it came from."""
    token = SecretStr("xapp-1-A0MINE-7-abc")
    line = Line(SlackKeys(SecretStr(slack.bot_token), token, None, slack.api_url))
    here = make_doors(engine, fake, policy=policy(), clock=clock, slack=line)
    client = web_client(line.keys.bot, slack.api_url)
    desk = Desk(here, client, People(here.policy, client, app_of(token.get_secret_value())))
    at = Door(here, slack, fake, clock)
    workflow, _ = await at.ask()
    click = Click(kind="", user=ANA, team="T0MAIN", key="1", app="A0OTHER", value=APPROVAL)
    with pytest.raises(NotAllowed, match="another app"):
        await approving.approve(desk, click)
    assert workflow.counted == []
    await approving.approve(desk, click._replace(app="A0MINE"))
    assert len(workflow.counted) == 1


async def test_another_app_is_refused(at: Door) -> None:
    """Where the token says which app is ours."""
    people = People(policy(), at.client, app=app_of("xapp-1-A0MINE-7-abc"))
    click = Click(kind="", user=DAN, team="T0MAIN", key="1", app="A0OTHER")
    with pytest.raises(NotAllowed, match="another app"):
        await people.person(click)
    assert app_of("xoxb-1-A0MINE-7-abc") == ""
