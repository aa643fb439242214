"""How Firebreak and Slack stand, for `firebreak doctor`: the bot, its scopes, its channels, and the
accounts of the people. What is wrong is said with what to do.

It only reads, each call is bounded, and no token ever stands in what it says.
"""

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from contracts.errors import Unavailable
from contracts.groups import USERGROUP
from contracts.policy import Person, Policy
from contracts.slack.fates import Fate
from contracts.words import counted, listed
from gateway.slack.api import CALL_SECONDS, SlackRefusal, call, error_of, web_client
from gateway.slack.line import API_URL, Line, SlackKeys
from gateway.slack.people import UNKNOWN, fault_of
from gateway.slack.socket import FATAL

CHANNELS_MAX = 50
PEOPLE_MAX = 50
# What each scope of the bot is for; without it that does not work.
SCOPES = {
    "chat:write": "messages are posted",
    "commands": "/firebreak, /toil and the shortcut work",
    "users:read": "who clicked is looked up, so without it nobody may",
    "im:write": "one person is told in private",
    "im:history": "a private message is found again when a connection broke, and not posted twice",
}
_FOUND_AGAIN = "a message is found again when a connection broke, and not posted twice"
_HISTORY = {False: "channels:history", True: "groups:history"}
# How each kind of token begins, and where it belongs.
_BOT, _APP = "xoxb-", "xapp-"
_INVITE = "Write /invite @firebreak in that channel."
_REINSTALL = "Add it under OAuth & Permissions, and install the app again."


class SlackFault(NamedTuple):
    """One thing that is wrong, and what to do; `away` when Slack did not answer at all."""

    detail: str
    fix: str
    away: bool = False


class SlackHealth(NamedTuple):
    """What was found: `detail` says which bot this is and where, and `faults` everything that is
    wrong, in the order in which a person would mend it. Both are empty where nobody wants Slack.
    """

    detail: str = ""
    faults: tuple[SlackFault, ...] = ()


class _Bot(NamedTuple):
    """Whose token it is, and what it may."""

    client: AsyncWebClient
    name: str
    team: str
    workspace: str
    scopes: frozenset[str]


async def slack_health(keys: SlackKeys, policy: Policy) -> SlackHealth:
    """Look at everything; raises InvalidInput if the keys contradict each other."""
    line = Line(keys)
    if line.mode == "off":
        return SlackHealth(faults=tuple(_unwanted(policy)))
    if mixed := tuple(_mixed_up(keys)):
        return SlackHealth(faults=mixed)
    found = [SlackFault(line.told(), "Set one of them.")] if line.mode == "deaf" else []
    detail = ""
    try:
        bot = await _bot_of(keys)
        detail = _told(bot, line, policy)
        found += _bot_faults(bot, policy)
        found += await _socket_faults(keys) if line.mode == "socket" else []
        found += await _channels_faults(bot, policy)
        found += await _people_faults(bot, policy)
    except SlackRefusal as err:
        fix = "Install the app again, and set FIREBREAK_SLACK_BOT_TOKEN to its new token."
        found.append(SlackFault(f"the bot's token is refused ({err.reason})", fix))
    except Unavailable:
        found.append(_away(keys.api_url))
    return SlackHealth(detail, tuple(found))


def _unwanted(policy: Policy) -> Iterator[SlackFault]:
    """No token, although the policy says where messages go."""
    if channels := [*channels_of(policy)]:
        told = listed(channels[:5])
        detail = f"no bot's token is set here; with none in the worker nothing is posted to {told}"
        fix = "Set FIREBREAK_SLACK_BOT_TOKEN for worker and gateway, or name no channel."
        yield SlackFault(detail, fix)


def _mixed_up(keys: SlackKeys) -> Iterator[SlackFault]:
    """Tokens that stand where the other kind belongs; Slack would only call them invalid."""
    bot, app = (key.get_secret_value() if key else "" for key in (keys.bot, keys.app))
    if bot.startswith(_APP):
        detail = f"FIREBREAK_SLACK_BOT_TOKEN holds an app-level token ({_APP}…)"
        yield SlackFault(detail, f"Put the bot's token there, {_BOT}…, from OAuth & Permissions.")
    if app.startswith(_BOT):
        detail = f"FIREBREAK_SLACK_APP_TOKEN holds a bot's token ({_BOT}…)"
        fix = f"Put the app-level token there, {_APP}…, from Basic Information."
        yield SlackFault(detail, fix)


def _away(api_url: str) -> SlackFault:
    if api_url == API_URL:
        fix = "Let this machine out to it (firewall, proxy, DNS); then look at Slack's status page."
    else:
        fix = "Correct FIREBREAK_SLACK_API_URL, or unset it: it is for stand-ins only."
    return SlackFault(f"{api_url} does not answer", fix, away=True)


async def _bot_of(keys: SlackKeys) -> _Bot:
    client = web_client(keys.bot, keys.api_url)
    try:
        async with asyncio.timeout(CALL_SECONDS):
            answer = await client.auth_test()
    except SlackApiError as err:
        raise SlackRefusal("auth.test", error_of(err)) from err
    except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as err:
        raise Unavailable("Slack does not answer") from err
    headers = {name.lower(): value for name, value in answer.headers.items()}
    given = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",")}
    name, team, workspace = (str(answer.get(key) or "") for key in ("user", "team_id", "team"))
    return _Bot(client, name, team, workspace, frozenset(given))


def _told(bot: _Bot, line: Line, policy: Policy) -> str:
    how = {"socket": "Socket Mode", "http": "HTTP"}.get(line.mode, "nothing is heard")
    channels, known = len(channels_of(policy)), sum(bool(p.slack) for p in policy.people)
    everybody = counted(len(policy.people), "person", "people")
    parts = (
        f"@{bot.name} in {bot.workspace} ({bot.team}), {how}",
        counted(channels, "channel") + _looked_at(channels, CHANNELS_MAX),
        f"{known} of {everybody} with a Slack id" + _looked_at(known, PEOPLE_MAX),
    )
    return "; ".join(parts)


def _looked_at(number: int, most: int) -> str:
    return f" (the first {most} were looked at)" if number > most else ""


def _bot_faults(bot: _Bot, policy: Policy) -> Iterator[SlackFault]:
    """The workspace that it belongs to, and its scopes."""
    if policy.slack.team not in ("", bot.team):
        detail = f"the bot's token is of workspace {bot.team}"
        fix = "Correct slack.team, or install the app there."
        yield SlackFault(f"{detail}, and slack.team says {policy.slack.team}", fix)
    wanted = dict(SCOPES)
    if policy.slack.match_email:
        wanted["users:read.email"] = "people are known by their e-mail address"
    if any(group.startswith(USERGROUP) for group in policy.groups()):
        wanted["usergroups:read"] = "user groups may approve"
    yield from (
        _lacking(scope, works) for scope, works in wanted.items() if scope not in bot.scopes
    )


def _lacking(scope: str, works: str) -> SlackFault:
    return SlackFault(f"the bot lacks the scope {scope}, with which {works}", _REINSTALL)


async def _socket_faults(keys: SlackKeys) -> list[SlackFault]:
    token = keys.app.get_secret_value() if keys.app else ""
    try:
        await call(web_client(keys.app, keys.api_url).apps_connections_open(app_token=token))
    except SlackRefusal as err:
        fix = FATAL.get(err.reason, "Look at Socket Mode in the app's settings.")
        detail = f"no socket is given for the app-level token ({err.reason})"
        return [SlackFault(detail, f"{fix[0].upper()}{fix[1:]}.")]
    return []


def channels_of(policy: Policy) -> dict[str, tuple[str, ...]]:
    """Every channel that messages may go to, with the services whose messages these are."""
    found: dict[str, tuple[str, ...]] = {}
    if policy.slack.channel:
        found[policy.slack.channel] = ()
    for service in policy.services:
        channel = service.channel or policy.slack.channel
        if channel:
            found[channel] = (*found.get(channel, ()), service.name)
    return found


async def _channels_faults(bot: _Bot, policy: Policy) -> list[SlackFault]:
    channels = channels_of(policy)
    found, kinds = [], set()
    if not channels:
        fix = "Name one: slack.channel, or `channel` of a service."
        return [SlackFault("no channel is named, so no message is posted", fix)]
    for channel in [*channels][:CHANNELS_MAX]:
        told, faults = await _channel(bot, channel, channels[channel])
        found += faults
        kinds |= {bool(told.get("is_private"))} if told else set()
    lacking = (_HISTORY[kind] for kind in sorted(kinds) if _HISTORY[kind] not in bot.scopes)
    return [*found, *(_lacking(scope, _FOUND_AGAIN) for scope in lacking)]


async def _channel(
    bot: _Bot, channel: str, services: tuple[str, ...]
) -> tuple[dict[str, Any], list[SlackFault]]:
    """What Slack says of a channel, empty if nothing, and what is wrong with it."""
    whose = f", where messages about {listed([*services[:5]])} go" if services else ""
    try:
        told = (await call(bot.client.conversations_info(channel=channel))).get("channel", {})
    except SlackRefusal as err:
        if err.reason == "missing_scope":
            fix = "Add channels:read and groups:read, and install the app again."
            return {}, [SlackFault(f"whether the bot is in {channel} cannot be read", fix)]
        detail = f"the bot does not see the channel {channel} ({err.reason}){whose}"
        return {}, [SlackFault(detail, err.fix)]
    name = f"#{told['name']} ({channel})" if told.get("name") else channel
    if told.get("is_archived"):
        detail = f"the channel {name} is archived{whose}"
        return told, [SlackFault(detail, "Name another in firebreak.toml.")]
    if not told.get("is_member"):
        return told, [SlackFault(f"the bot is not in the channel {name}{whose}", _INVITE)]
    return told, []


async def _people_faults(bot: _Bot, policy: Policy) -> list[SlackFault]:
    """The people whose account could never answer, though the policy names it."""
    if "users:read" not in bot.scopes:
        return []
    known = [person for person in policy.people if person.slack]
    return [fault for p in known[:PEOPLE_MAX] if (fault := await _person_fault(bot, p))]


async def _person_fault(bot: _Bot, person: Person) -> SlackFault | None:
    try:
        told = await call(bot.client.users_info(user=person.slack))
    except SlackRefusal as err:
        why = UNKNOWN if err.fate is Fate.FALL_BACK else f"cannot be read ({err.reason})"
    else:
        why = fault_of(told) or _elsewhere(told, bot.team)
    if not why:
        return None
    detail = f"people.{person.id}.slack: {person.slack} {why}, so {person.id} cannot answer there"
    return SlackFault(detail, "Write the person's own member id, or take it away.")


def _elsewhere(told: dict[str, Any], team: str) -> str:
    own = (told.get("user") or {}).get("team_id")
    return "" if own in (None, team) else f"is of another workspace ({own})"
