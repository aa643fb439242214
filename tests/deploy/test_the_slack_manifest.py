"""The manifest asks Slack for what the code uses, and for nothing more.

What Slack takes in a manifest is known from its published JSON schema, version 2; only the parts
that ours has are written down here.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_sdk import WebClient

from contracts.slack import ids
from contracts.toil_text import parse_toil
from gateway.slack.faults import SCOPES
from gateway.slack.http import router
from gateway.slack.typed import parse

ROOT = Path(__file__).resolve().parents[2]
SOCKET = ROOT / "deploy" / "slack-manifest.yaml"
HTTP = ROOT / "deploy" / "slack-manifest-http.yaml"
BOTH = pytest.mark.parametrize("path", [SOCKET, HTTP], ids=lambda path: path.stem)

# The scopes of the bot's token that each method needs where Firebreak uses it.
NEEDS: dict[str, set[str]] = {
    "apps.connections.open": set(),
    "auth.test": set(),
    "chat.getPermalink": set(),
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.history": {"channels:history", "groups:history", "im:history"},
    "conversations.info": {"channels:read", "groups:read"},
    "conversations.open": {"im:write"},
    "conversations.replies": {"channels:history", "groups:history"},
    "files.completeUploadExternal": {"files:write"},
    "files.getUploadURLExternal": {"files:write"},
    "usergroups.users.list": {"usergroups:read"},
    "users.info": {"users:read"},
    "views.open": set(),
    "views.publish": set(),
    "views.update": set(),
}
# Not a method's, but that of commands and shortcuts.
COMMANDS = {"commands"}
# What the SDK makes of one call.
UPLOAD = {"files_upload_v2": ("files.getUploadURLExternal", "files.completeUploadExternal")}
METHOD = re.compile(r"[a-z]+(\.[a-zA-Z]+)+")

# By place in the manifest: which keys it may have, True where it must have one.
KEYS: dict[str, dict[str, bool]] = {
    "": {
        "_metadata": False,
        "display_information": True,
        "features": False,
        "oauth_config": False,
        "settings": False,
    },
    "_metadata": {"major_version": False, "minor_version": False},
    "display_information": {"name": True, "description": False, "background_color": False},
    "features": {"bot_user": False, "app_home": False, "slash_commands": False, "shortcuts": False},
    "features.bot_user": {"display_name": True, "always_online": False},
    "features.app_home": {
        "home_tab_enabled": False,
        "messages_tab_enabled": False,
        "messages_tab_read_only_enabled": False,
    },
    "features.slash_commands.": {
        "command": True,
        "description": True,
        "usage_hint": False,
        "should_escape": False,
        "url": False,
    },
    "features.shortcuts.": {"name": True, "type": True, "callback_id": True, "description": True},
    "oauth_config": {"scopes": False},
    "oauth_config.scopes": {"bot": False},
    "settings": {
        "interactivity": False,
        "event_subscriptions": False,
        "socket_mode_enabled": False,
        "org_deploy_enabled": False,
        "token_rotation_enabled": False,
    },
    "settings.interactivity": {"is_enabled": True, "request_url": False},
    "settings.event_subscriptions": {"bot_events": False, "request_url": False},
}
# What each text has to look like; a text that is not named may be anything.
TEXTS = {
    "display_information.name": r".{1,35}",
    "display_information.description": r".{1,140}",
    "display_information.background_color": r"#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?",
    "features.bot_user.display_name": r".{1,80}",
    "features.slash_commands..command": r"/.{1,31}",
    "features.slash_commands..description": r".{1,2000}",
    "features.slash_commands..usage_hint": r".{1,1000}",
    "features.slash_commands..url": r"https?://.{1,2990}",
    "features.shortcuts..name": r".{1,24}",
    "features.shortcuts..type": r"message|global",
    "features.shortcuts..callback_id": r".{1,255}",
    "features.shortcuts..description": r".{1,150}",
    "oauth_config.scopes.bot.": r".{1,50}",
    "settings.interactivity.request_url": r"https?://.{1,3490}",
    "settings.event_subscriptions.request_url": r"https?://.{1,3490}",
    "settings.event_subscriptions.bot_events.": r".{1,50}",
}
SWITCHES = re.compile(r"(is_enabled|always_online|should_escape|\w+_enabled)$")


def manifest(path: Path) -> dict[str, Any]:
    """A manifest as Slack reads it."""
    told = yaml.safe_load(path.read_text())
    assert isinstance(told, dict)
    return told


def problems(value: Any, place: str = "") -> Iterator[str]:
    """What Slack would refuse."""
    if isinstance(value, dict):
        known = KEYS.get(place)
        if known is None:
            yield f"{place} is no object"
            return
        yield from (f"{place}: unknown {key}" for key in value.keys() - known.keys())
        yield from (f"{place}: {key} is missing" for key, m in known.items() if m > (key in value))
        for key, inner in value.items():
            yield from problems(inner, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from problems(inner, f"{place}.")
    elif isinstance(value, bool) is not bool(SWITCHES.search(place)) or not _fits(value, place):
        yield f"{place} is {value!r}"


def _fits(value: Any, place: str) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(TEXTS.get(place, ".*"), value))


def used_methods() -> set[str]:
    """Every method of the Web API that the code calls, by the SDK's name or by Slack's."""
    found: set[str] = set()
    for folder in ("activities", "gateway"):
        for path in (ROOT / folder).rglob("*.py"):
            found.update(method for node in ast.walk(_tree(path)) for method in _methods(node))
    return found


def _tree(path: Path) -> ast.AST:
    return ast.parse(path.read_text())


def _methods(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        name = node.value
        is_one = METHOD.fullmatch(name) and hasattr(WebClient, name.replace(".", "_"))
        return (name,) if is_one else ()
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return ()
    name = node.func.attr
    plain = name.replace("_", ".")
    is_one = re.fullmatch(r"[a-z]+_\w+", name) and name != "api_call" and hasattr(WebClient, name)
    return UPLOAD.get(name, (plain,)) if is_one else ()


def listened_events() -> set[str]:
    """The events that the gateway has a handler for."""
    sources = (path.read_text() for path in (ROOT / "gateway" / "slack").glob("*.py"))
    return {name for text in sources for name in re.findall(r'\.event\("(\w+)"\)', text)}


def test_every_method_that_the_code_calls_has_its_scopes_written_down() -> None:
    """And no method stands here that is called no longer."""
    assert used_methods() == NEEDS.keys()


@BOTH
def test_the_scopes_are_those_of_the_methods(path: Path) -> None:
    """Each one once; none to write where nobody invited the app."""
    asked = manifest(path)["oauth_config"]["scopes"]["bot"]
    assert sorted(asked) == sorted(set().union(COMMANDS, *NEEDS.values()))


@BOTH
def test_what_the_doctor_wants_is_there(path: Path) -> None:
    """An app made from the manifest is healthy."""
    asked = manifest(path)["oauth_config"]["scopes"]["bot"]
    assert SCOPES.keys() <= set(asked)


@BOTH
def test_addresses_are_read_only_by_whoever_chose_so(path: Path) -> None:
    """The scope stands there as a comment, to be uncommented with `match_email`."""
    assert "users:read.email" not in manifest(path)["oauth_config"]["scopes"]["bot"]
    text = path.read_text().replace("# - users:read.email", "- users:read.email")
    chosen = yaml.safe_load(text)
    assert "users:read.email" in chosen["oauth_config"]["scopes"]["bot"]


def test_every_scope_says_what_it_is_for() -> None:
    """Whoever has to allow it reads why, above it or above the ones that it goes with."""
    _, _, scopes = SOCKET.read_text().partition("    bot:\n")
    scopes, _, _ = scopes.partition("\n\n")
    assert scopes.lstrip().startswith("#")
    alone = {"chat:write", "commands", "users:read", "usergroups:read", "im:write", "files:write"}
    explained = re.findall(r"# .*\n\s+- (\S+)", scopes)
    assert alone | {"channels:history", "channels:read"} == set(explained)


@BOTH
def test_slack_takes_it(path: Path) -> None:
    """By the rules of its schema."""
    assert list(problems(manifest(path))) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("display_information", {}),
        ("display_information", {"name": "x" * 36}),
        ("display_information", {"name": "x", "background_color": "red"}),
        ("features", {"shortcuts": [{"name": "x", "type": "menu", "callback_id": "x"}]}),
        ("features", {"slash_commands": [{"command": "toil", "description": "x"}]}),
        ("settings", {"interactivity": {"is_enabled": "yes"}}),
        ("settings", {"interactivity": {"request_url": "https://x.example"}}),
        ("settings", {"socket_mode": True}),
    ],
)
def test_a_manifest_that_slack_refuses_is_seen(place: str, value: dict[str, Any]) -> None:
    """The check above can fail."""
    assert list(problems(manifest(SOCKET) | {place: value}))


@BOTH
def test_what_people_can_do_has_a_handler(path: Path) -> None:
    """The names of commands, shortcuts and events are those that the gateway knows."""
    told = manifest(path)
    commands = [one["command"] for one in told["features"]["slash_commands"]]
    assert sorted(commands) == sorted((ids.FIREBREAK_COMMAND, ids.TOIL_COMMAND))
    (shortcut,) = told["features"]["shortcuts"]
    assert (shortcut["type"], shortcut["callback_id"]) == ("message", ids.LOG_SHORTCUT)
    assert set(told["settings"]["event_subscriptions"]["bot_events"]) == listened_events()
    assert told["settings"]["interactivity"]["is_enabled"]
    assert told["features"]["app_home"]["home_tab_enabled"]


@BOTH
def test_every_usage_hint_can_be_typed(path: Path) -> None:
    """As it stands there, with something in the place of the words in capitals."""
    hints = {c["command"]: c["usage_hint"] for c in manifest(path)["features"]["slash_commands"]}
    for typed in _filled(hints[ids.FIREBREAK_COMMAND]):
        assert parse(typed).word == typed.split()[0]
    words = [parse_toil(t, ["service"]).word for t in _filled(hints[ids.TOIL_COMMAND])[:-1]]
    assert words == ["log", "start", "stop", "me"]


def _filled(hint: str) -> list[str]:
    given = {"APPROVAL": "apr-1", "[SCOPE]": "namespace:shop", "REASON": "why"}
    for word, value in given.items():
        hint = hint.replace(word, value)
    return hint.split(" | ")


@BOTH
def test_a_service_reaches_the_parser_as_it_was_typed(path: Path) -> None:
    """Escaped, `@name` could become the id of a member of that name."""
    assert not any(one["should_escape"] for one in manifest(path)["features"]["slash_commands"])


def test_socket_mode_needs_no_address() -> None:
    """Nobody reaches the gateway from outside."""
    assert manifest(SOCKET)["settings"]["socket_mode_enabled"] is True
    assert "url:" not in SOCKET.read_text()


def test_http_is_the_same_app_with_the_gateways_address() -> None:
    """In all four places, and with the path that the gateway serves."""
    told = manifest(HTTP)
    calls = [*told["features"]["slash_commands"]]
    places = [(call, "url") for call in calls]
    places += [
        (told["settings"][n], "request_url") for n in ("interactivity", "event_subscriptions")
    ]
    addresses = {place.pop(key) for place, key in places}
    (route,) = router.routes
    assert addresses == {f"https://firebreak.example.com{getattr(route, 'path', '')}"}
    assert told["settings"].pop("socket_mode_enabled") is False
    socket = manifest(SOCKET)
    del socket["settings"]["socket_mode_enabled"]
    assert told == socket
