"""What is wrong between Firebreak and Slack, for `firebreak doctor`: tokens, scopes, channels.

It only reads, each call is bounded, and no token ever stands in what it says.
"""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from contracts.errors import Unavailable
from contracts.groups import USERGROUP
from contracts.policy import Policy
from gateway.slack.api import CALL_SECONDS, SlackRefusal, call, error_of, web_client
from gateway.slack.line import Line, SlackKeys
from gateway.slack.socket import FATAL

CHANNELS_MAX = 50
# What each scope of the bot is for; without it that does not work.
SCOPES = {
    "chat:write": "messages are posted",
    "commands": "/firebreak, /toil and the shortcut work",
    "users:read": "who clicked is looked up, so without it nobody may",
}
_INVITE = "Write /invite @firebreak in that channel."


class SlackFault(NamedTuple):
    """One thing that is wrong, and what to do; `away` when Slack did not answer at all."""

    detail: str
    fix: str
    away: bool = False


async def slack_faults(keys: SlackKeys, policy: Policy) -> tuple[SlackFault, ...]:
    """Everything that is wrong, in the order in which a person would mend it; empty without Slack
    and when all is well.

    Raises:
        InvalidInput: the keys contradict each other.

    """
    line = Line(keys)
    if line.mode == "off":
        return ()
    found = [SlackFault(line.told(), "Set one of them.")] if line.mode == "deaf" else []
    bot = web_client(keys.bot, keys.api_url)
    try:
        found += await _bot_faults(bot, policy)
        found += await _socket_faults(keys) if line.mode == "socket" else []
        for channel in channels_of(policy)[:CHANNELS_MAX]:
            found += await _channel_faults(bot, channel)
    except Unavailable as err:
        found.append(SlackFault(err.message, "Look at Slack's status page.", away=True))
    return tuple(found)


async def _bot_faults(bot: AsyncWebClient, policy: Policy) -> list[SlackFault]:
    """The token itself, the workspace it belongs to, and its scopes."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            answer = await bot.auth_test()
    except SlackApiError as err:
        fix = "Install the app again, and set FIREBREAK_SLACK_BOT_TOKEN to its new token."
        return [SlackFault(f"the bot's token is refused ({error_of(err)})", fix)]
    except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as err:
        raise Unavailable("Slack does not answer") from err
    found = []
    team = str(answer.get("team_id"))
    if policy.slack.team not in ("", team):
        detail = f"the bot's token is of workspace {team}, and slack.team says {policy.slack.team}"
        found.append(SlackFault(detail, "Correct slack.team, or install the app there."))
    headers = {name.lower(): value for name, value in answer.headers.items()}
    given = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",")}
    return [*found, *_scope_faults(given, policy)]


def _scope_faults(given: set[str], policy: Policy) -> Iterator[SlackFault]:
    """A scope that is missing, and what does not work without it."""
    wanted = dict(SCOPES)
    if policy.slack.match_email:
        wanted["users:read.email"] = "people are known by their e-mail address"
    if any(a.startswith(USERGROUP) for s in policy.services for a in s.approvers):
        wanted["usergroups:read"] = "user groups may approve"
    fix = "Add it under OAuth & Permissions, and install the app again."
    for scope, works in wanted.items():
        if scope not in given:
            yield SlackFault(f"the bot lacks the scope {scope}, with which {works}", fix)


async def _socket_faults(keys: SlackKeys) -> list[SlackFault]:
    token = keys.app.get_secret_value() if keys.app else ""
    try:
        await call(web_client(keys.app, keys.api_url).apps_connections_open(app_token=token))
    except SlackRefusal as err:
        fix = FATAL.get(err.reason, "Look at Socket Mode in the app's settings.")
        detail = f"no socket is given for the app-level token ({err.reason})"
        return [SlackFault(detail, f"{fix[0].upper()}{fix[1:]}.")]
    return []


def channels_of(policy: Policy) -> tuple[str, ...]:
    """Every channel that messages may go to, once."""
    named = (policy.slack.channel, *(service.channel for service in policy.services))
    return tuple(dict.fromkeys(channel for channel in named if channel))


async def _channel_faults(bot: AsyncWebClient, channel: str) -> list[SlackFault]:
    try:
        told = (await call(bot.conversations_info(channel=channel))).get("channel", {})
    except SlackRefusal as err:
        if err.reason == "missing_scope":
            fix = "Add channels:read and groups:read, and install the app again."
            return [SlackFault(f"whether the bot is in {channel} cannot be read", fix)]
        return [SlackFault(f"the bot does not see the channel {channel} ({err.reason})", _INVITE)]
    if told.get("is_archived"):
        return [SlackFault(f"the channel {channel} is archived", "Name another in firebreak.toml.")]
    if not told.get("is_member"):
        return [SlackFault(f"the bot is not in the channel {channel}", _INVITE)]
    return []
