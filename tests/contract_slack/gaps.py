"""Where the emulator is not like Slack: one table of questions with two answers each.

`slack` is what Slack answers, as its documentation says and our fake does; `emulator` is what
version 0.1.8 of the emulator answers. Both are asked, so a row that is out of date fails: when the
emulator learns to do it, the row goes and its test moves to those for both.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from contract_slack import gaps_of_acts as acts
from contract_slack.either_slack import ANA, BEN, BLOCKS, HOME, MODAL, OPS, Caller

METADATA = {"event_type": "firebreak_message", "event_payload": {"key": "inc-1/slack/card"}}
GHOST = "1700000000.000100"


class Gap(NamedTuple):
    """One question to either; `why` is where Slack's answer is from, or what it is good for."""

    name: str
    ask: Callable[[Caller], object]
    slack: object
    emulator: object
    why: str


def _metadata(call: Caller) -> object:
    call.post(metadata=METADATA)
    return call.history(include_all_metadata="true")[0].get("metadata")


def _oldest(call: Caller) -> object:
    call.post("before")
    last = float(call.post("after"))
    return len(call.history(oldest=f"{last - 0.00005:.6f}"))


def _pages(call: Caller) -> object:
    for text in ("one", "two", "three"):
        call.post(text)
    return len(call.history(limit="2"))


def _broadcast(call: Caller) -> object:
    call.post("loud", thread_ts=call.post("incident"), reply_broadcast=True)
    return [message["text"] for message in call.history()]


def _own_edit(call: Caller) -> object:
    ts = call.post("asked", blocks=BLOCKS)
    call("chat.update", channel=OPS, ts=ts, text="over", blocks=BLOCKS)
    return "edited" in call.history()[0]


def _ephemeral_in_history(call: Caller) -> object:
    call("chat.postEphemeral", channel=OPS, user=ANA, text="not you")
    return len(call.history())


def _block_ids(call: Caller) -> object:
    bare = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
    call.post(blocks=[bare])
    return "block_id" in call.history()[0]["blocks"][0]


def _home_id(call: Caller) -> object:
    ids = {call("views.publish", user_id=ANA, view=HOME)["view"]["id"] for _ in range(2)}
    return len(ids)


def _confirmed_email(call: Caller) -> object:
    return call.read("users.info", user=ANA)["user"].get("is_email_confirmed")


def _guests(call: Caller) -> object:
    user = call.read("users.info", user=ANA)["user"]
    return user.get("is_restricted"), user.get("is_ultra_restricted"), user.get("is_stranger")


def _error(method: str, token: str | None = None, **args: Any) -> Callable[[Caller], object]:
    return lambda call: call.error(method, token, **args)


def _read(method: str, **args: Any) -> Callable[[Caller], object]:
    return lambda call: str(call.read(method, **args).get("error", ""))


def _post(**args: Any) -> Callable[[Caller], object]:
    return _error("chat.postMessage", channel=OPS, **args)


def _with_bot_token(call: Caller) -> object:
    return call.error("apps.connections.open", call.slack.bot_token)


def _with_app_token(call: Caller) -> object:
    return call.error("chat.postMessage", call.slack.app_token, channel=OPS, text="x")


_TOKENS = "a revoked or mistyped token is told to whoever runs Firebreak"
_LIMITS = "a card that Slack would not take has to be seen before it does"
_CODES = "the code decides between a retry, another way, and giving up"
_MANY = [{"type": "divider"}] * 51
_LONG = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
_TWICE = [{"type": "divider", "block_id": "same"}] * 2
_BAD_HOME = {"type": "home", "blocks": [{"type": "nonsense"}]}
_MODAL_HOME = MODAL | {"callback_id": "x"}

GAPS: Sequence[Gap] = (
    Gap("metadata", _metadata, METADATA, None, "a post whose answer was lost is found by it"),
    Gap("history from a time on", _oldest, 1, 2, "a search is bounded"),
    Gap("history by pages", _pages, 2, 3, "a busy channel is read in part"),
    Gap("broadcast", _broadcast, ["loud", "incident"], ["incident"], "a high risk is seen by all"),
    Gap("edits with blocks carry no mark", _own_edit, False, True, "slack.md: measured by others"),
    Gap("ephemerals are in no history", _ephemeral_in_history, 0, 1, "chat.postEphemeral"),
    Gap("ids of blocks", _block_ids, True, False, "a payload names the block of its button"),
    Gap("one Home a person", _home_id, 1, 2, "an id lasts over views.publish"),
    Gap("confirmed addresses", _confirmed_email, True, None, "no match by an unproved address"),
    Gap(
        "guests and strangers",
        _guests,
        (False, False, False),
        (None, None, None),
        "they may look, and never decide",
    ),
    Gap("user groups", _read("usergroups.users.list", usergroup="S0ONCALL"), "",
        "unknown_method", "approvers may be a group"),
    Gap("no token", _error("auth.test", ""), "not_authed", "", _TOKENS),
    Gap("a wrong token", _error("auth.test", "xoxb-wrong"), "invalid_auth", "", _TOKENS),
    Gap("sockets by the bot", _with_bot_token, "not_allowed_token_type", "", _TOKENS),
    Gap("messages by the app's token", _with_app_token, "not_allowed_token_type", "", _TOKENS),
    Gap("nothing to say", _post(), "no_text", "", _LIMITS),
    Gap("too many blocks", _post(text="x", blocks=_MANY), "invalid_blocks", "", _LIMITS),
    Gap("too long a text", _post(text="x", blocks=_LONG), "invalid_blocks", "", _LIMITS),
    Gap("a block id twice", _post(text="x", blocks=_TWICE), "invalid_blocks", "", _LIMITS),
    Gap("blocks that are no list", _post(text="x", blocks={}),
        "invalid_blocks_format", "", _LIMITS),
    Gap("metadata without a type", _post(text="x", metadata={"event_payload": {}}),
        "invalid_metadata_schema", "", _LIMITS),
    Gap("a thread that is not there", _post(text="x", thread_ts=GHOST),
        "cannot_reply_to_message", "", _CODES),
    Gap("answers of no message", _read("conversations.replies", channel=OPS, ts=GHOST),
        "thread_not_found", "", _CODES),
    Gap("history of no channel", _read("conversations.history", channel="C0NONE"),
        "channel_not_found", "", _CODES),
    Gap("an edit in no channel", _error("chat.update", channel="C0NONE", ts=GHOST, text="x"),
        "channel_not_found", "message_not_found", _CODES),
    Gap("an ephemeral in no channel",
        _error("chat.postEphemeral", channel="C0NONE", user=BEN, text="x"),
        "channel_not_found", "", _CODES),
    Gap("an ephemeral for a stranger",
        _error("chat.postEphemeral", channel=OPS, user="U0NONE", text="x"),
        "user_not_in_channel", "", _CODES),
    Gap("a conversation with nobody", _error("conversations.open", users="U0NONE"),
        "user_not_found", "", _CODES),
    Gap("a window that is not open", _error("views.update", view_id="V0NONE", view=MODAL),
        "not_found", "", _CODES),
    Gap("a Home for nobody", _error("views.publish", user_id="U0NONE", view=HOME),
        "invalid_arguments", "", _CODES),
    Gap("a Home that is a window", _error("views.publish", user_id=ANA, view=_MODAL_HOME),
        "invalid_arguments", "", _LIMITS),
    Gap("a Home of nonsense", _error("views.publish", user_id=ANA, view=_BAD_HOME),
        "invalid_arguments", "", _LIMITS),
    Gap("a trigger twice", acts.used_trigger, "exchanged_trigger_id", "", "one click, one window"),
    Gap("a window that cannot be sent", acts.window_without_a_button,
        "invalid_arguments", "", _LIMITS),
    Gap("a window's id lasts", acts.id_of_a_window, True, False, "it is updated more than once"),
    Gap("a window is one person's", acts.owner_of_a_window, 0, 1, "each has their own screen"),
    Gap("one connection a payload", acts.deliveries, 1, 2, "two gateways share the clicks"),
    Gap("names in commands", acts.names_in_commands,
        "25m with <@U0BEN|ben>", "25m with @ben", "should_escape of the manifest"),
    Gap("the thread of a click", acts.thread_of_a_click, True, False, "container.thread_ts"),
    Gap("shortcuts of messages", acts.shortcut_of_a_message, True, False, "Log as toil"),
    Gap("buttons of Home", acts.view_of_a_button_of_home, True, False, "Home tells its hash"),
    Gap("limits of rates", acts.limit_of_posts, "ratelimited", "", "one message a second"),
)  # fmt: skip
