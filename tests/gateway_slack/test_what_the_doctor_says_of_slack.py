"""What `firebreak doctor` says of Slack: whose bot it is, and everything that is wrong."""

import asyncio
from typing import Any

import pytest
from gateway_slack.slack_door import ANA, BEN, DAN, OPS, policy
from pydantic import SecretStr

from contracts.policy import SlackPolicy
from doctor import _slack
from gateway.slack import faults
from gateway.slack.faults import SlackFault, channels_of, slack_health
from gateway.slack.line import API_URL, SlackKeys
from sandbox.slack import Channel, SlackServer
from sandbox.slack.workspace import BOT_USER
from settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="session")


def keys(slack: SlackServer) -> SlackKeys:
    """What a gateway with a socket is given."""
    app = SecretStr(slack.app_token)
    return SlackKeys(SecretStr(slack.bot_token), app, None, slack.api_url)


async def slack_faults(given: SlackKeys, of: Any) -> tuple[SlackFault, ...]:
    """Everything that is wrong."""
    return (await slack_health(given, of)).faults


async def test_doctor_finds_nothing_wrong_where_all_is_well(slack: SlackServer) -> None:
    """Tokens, scopes, the socket and the channel."""
    assert await slack_faults(keys(slack), policy()) == ()
    assert await slack_faults(SlackKeys(), policy(slack=SlackPolicy())) == ()


async def test_a_channel_without_a_token_is_named(slack: SlackServer) -> None:
    """Nothing is posted there, and nothing else would say so; it asks Slack nothing."""
    [fault] = await slack_faults(SlackKeys(api_url=slack.api_url), policy())
    assert fault.detail.startswith("no bot's token is set here; ")
    assert fault.detail.endswith(f"nothing is posted to {OPS}")
    assert "FIREBREAK_SLACK_BOT_TOKEN" in fault.fix
    assert not fault.away


async def test_tokens_in_each_others_place_are_named(slack: SlackServer) -> None:
    """Slack itself would only say that their type is not allowed; neither is shown."""
    bot, app = SecretStr(slack.bot_token), SecretStr(slack.app_token)
    swapped = SlackKeys(app, bot, None, slack.api_url)
    first, second = await slack_faults(swapped, policy())
    assert first.detail == "FIREBREAK_SLACK_BOT_TOKEN holds an app-level token (xapp-…)"
    assert "xoxb-…" in first.fix
    assert second.detail == "FIREBREAK_SLACK_APP_TOKEN holds a bot's token (xoxb-…)"
    assert "xapp-…" in second.fix
    [only] = await slack_faults(SlackKeys(app, None, app, slack.api_url), policy())
    assert only == first


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
    assert channels_of(given) == {OPS: ("a",), "C0OLD": ("b",), "C0NONE": ("c",)}
    found = await slack_faults(keys(slack), given)
    told = " / ".join(fault.detail for fault in found)
    assert f"not in the channel #ops ({OPS}), where messages about a go" in told
    assert "#old (C0OLD) is archived" in told
    assert "does not see the channel C0NONE (channel_not_found)" in told
    assert all("/invite" in found[at].fix for at in (0, 2))
    assert "Correct the channel's id" in found[2].fix


async def test_doctor_says_what_to_do_about_a_bad_token(slack: SlackServer) -> None:
    """And never shows it."""
    slack.revoke("token_revoked")
    found = await slack_faults(keys(slack), policy())
    assert "token_revoked" in found[0].detail
    assert all(slack.bot_token not in f"{f.detail} {f.fix}" for f in found)


async def test_doctor_knows_a_token_of_another_workspace(slack: SlackServer) -> None:
    """Everything else would look right."""
    given = policy(slack=SlackPolicy(channel=OPS, team="T0SECOND"))
    [fault] = await slack_faults(keys(slack), given)
    assert "T0MAIN" in fault.detail
    assert "T0SECOND" in fault.detail


async def test_doctor_tells_silence_from_a_refusal(slack: SlackServer) -> None:
    """It names the address, because a stand-in's own may be wrong, before Slack's status page."""
    await asyncio.to_thread(slack.go_away)
    [fault] = await slack_faults(keys(slack), policy())
    assert (fault.away, fault.detail) == (True, f"{slack.api_url} does not answer")
    assert "FIREBREAK_SLACK_API_URL" in fault.fix
    own = faults._away(API_URL)
    assert (own.away, own.detail) == (True, "https://slack.com/api/ does not answer")
    assert "firewall" in own.fix.partition("status page")[0]


async def test_doctor_says_that_nobody_hears_the_buttons(slack: SlackServer) -> None:
    """A bot's token alone posts messages, and hears nothing."""
    alone = keys(slack)._replace(app=None)
    [fault] = await slack_faults(alone, policy())
    assert "nobody hears" in fault.detail


async def test_without_the_scope_that_finds_a_message_again_it_says_so(slack: SlackServer) -> None:
    """Of the kind of channel that there is, and no other."""
    slack.workspace.scopes -= {"channels:history", "groups:history"}
    [public] = await slack_faults(keys(slack), policy())
    assert "channels:history" in public.detail
    slack.workspace.channels[0].private = True
    [private] = await slack_faults(keys(slack), policy())
    assert "groups:history" in private.detail


async def test_user_groups_want_their_scope_only_where_one_may_approve(slack: SlackServer) -> None:
    """An app without them need not ask for it."""
    slack.workspace.scopes -= {"usergroups:read"}
    assert await slack_faults(keys(slack), policy()) == ()
    services = policy().services[0].model_copy(update={"approvers": ("usergroup:S0ONCALL",)})
    [fault] = await slack_faults(keys(slack), policy(services=(services,)))
    assert "usergroups:read" in fault.detail
    assert "OAuth & Permissions" in fault.fix


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"id": "U0GONE"}, "is not known to Slack"),
        ({"deleted": True}, "is deactivated"),
        ({"is_restricted": True}, "is a guest"),
        ({"is_bot": True}, "is a bot"),
        ({"team": "T0OTHER"}, "is of another workspace (T0OTHER)"),
    ],
)
async def test_an_account_that_could_never_answer_is_named(
    slack: SlackServer, change: dict[str, Any], why: str
) -> None:
    """With the key of the file, since there it is mended."""
    ben = slack.workspace.user(BEN)
    assert ben is not None
    for name, value in change.items():
        setattr(ben, name, value)
    [fault] = await slack_faults(keys(slack), policy())
    assert fault.detail == f"people.ben.slack: {BEN} {why}, so ben cannot answer there"
    assert "member id" in fault.fix


async def test_without_any_channel_nothing_is_posted_and_it_says_so(slack: SlackServer) -> None:
    """The bot alone is not enough."""
    [fault] = await slack_faults(keys(slack), policy(slack=SlackPolicy()))
    assert "no channel is named" in fault.detail


async def test_the_doctors_line_names_the_bot_and_its_workspace(slack: SlackServer) -> None:
    """And each fault stands below it, in a line of its own."""
    settings = Settings(
        slack_bot_token=SecretStr(slack.bot_token),
        slack_app_token=SecretStr(slack.app_token),
        slack_api_url=slack.api_url,
    )
    [well] = await _slack(settings, policy())
    assert well.ok
    assert well.detail == (
        "@firebreak in Example (T0MAIN), Socket Mode; 1 channel; 3 of 4 people with a Slack id"
    )
    slack.workspace.users = [u for u in slack.workspace.users if u.id not in (ANA, DAN)]
    known, *wrong = await _slack(settings, policy())
    assert known.ok
    assert [f.ok for f in wrong] == [False, False]
    await asyncio.to_thread(slack.go_away)
    assert [(f.ok, f.away) for f in await _slack(settings, policy())] == [(False, True)]
    assert [f.ok for f in await _slack(Settings(), policy())] == [False]
    assert await _slack(Settings(), policy(slack=SlackPolicy())) == []
