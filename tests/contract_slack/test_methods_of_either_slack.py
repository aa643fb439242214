"""The methods that we call answer alike at our fake and at the emulator: shapes, order, codes."""

import json

import pytest
import websocket
from contract_slack.either_slack import (
    ANA,
    BLOCKS,
    CALL_SECONDS,
    HOME,
    JSON,
    MODAL,
    OPS,
    SHOP,
    Caller,
    EitherSlack,
)
from pydantic import SecretStr

from activities.slack.client import SlackApi, SlackRefusal, open_bot

APP = ("user", "bot_id", "app_id")


def test_a_posted_message_is_the_apps_and_can_be_read(call: Caller) -> None:
    """The answer names its channel and its ts, and the history has it."""
    told = call("chat.postMessage", channel=OPS, text="hello", blocks=BLOCKS)
    found = call.history()
    assert (told["ok"], told["channel"], told["message"]["text"]) == (True, OPS, "hello")
    assert [(m["ts"], m["text"], m["type"]) for m in found] == [(told["ts"], "hello", "message")]
    assert found[0]["blocks"] == BLOCKS
    assert all(found[0][key] == told["message"][key] for key in APP)
    assert float(told["ts"]) > 1e9


def test_history_is_newest_first(call: Caller) -> None:
    """A reader stops at what it knows."""
    sent = [call.post(text) for text in ("one", "two", "three")]
    assert [m["ts"] for m in call.history()] == sent[::-1]


def test_an_edit_changes_the_message_in_its_place(call: Caller) -> None:
    """Text and blocks; the ts stays."""
    ts = call.post("asked", blocks=BLOCKS)
    told = call("chat.update", channel=OPS, ts=ts, text="approved", blocks=BLOCKS[:1])
    assert (told["ok"], told["ts"], told["text"]) == (True, ts, "approved")
    assert [(m["ts"], m["text"]) for m in call.history()] == [(ts, "approved")]


def test_an_edit_with_text_alone_removes_the_blocks(call: Caller) -> None:
    """And the buttons in them: both have to be sent each time."""
    ts = call.post("asked", blocks=BLOCKS)
    call("chat.update", channel=OPS, ts=ts, text="over")
    assert call.history()[0].get("blocks") is None


def test_an_answer_is_in_its_thread_and_not_in_the_history(call: Caller) -> None:
    """The parent comes first, and counts its answers."""
    parent = call.post("incident")
    answers = [call.post(text, thread_ts=parent) for text in ("question", "reminder")]
    assert [m["ts"] for m in call.replies(parent)] == [parent, *answers]
    (root,) = call.history()
    assert (root["reply_count"], root["latest_reply"]) == (2, answers[-1])
    assert {m["thread_ts"] for m in call.replies(parent)} == {parent}


def test_a_thread_is_only_of_its_parent(call: Caller) -> None:
    """Two incidents in a channel do not mix."""
    one, two = call.post("one"), call.post("two")
    call.post("of one", thread_ts=one)
    assert [m["text"] for m in call.replies(two)] == ["two"]


def test_a_person_is_told_in_the_conversation_that_was_opened(
    call: Caller, slack: EitherSlack
) -> None:
    """It is the same each time, also when their id stands for it."""
    opened = call("conversations.open", users=ANA)["channel"]["id"]
    assert opened[0] == "D"
    assert call("conversations.open", users=ANA)["channel"]["id"] == opened
    assert call("chat.postMessage", channel=ANA, text="by id")["channel"] == opened
    call.post("by conversation", channel=opened)
    assert [m["text"] for m in slack.dms[ANA]] == ["by id", "by conversation"]


def test_only_one_person_is_shown_what_is_for_them(call: Caller, slack: EitherSlack) -> None:
    """The answer has a ts of its own."""
    told = call("chat.postEphemeral", channel=OPS, user=ANA, text="not you", blocks=BLOCKS)
    (shown,) = slack.ephemerals
    assert (shown["to"], shown["channel"], shown["text"]) == (ANA, OPS, "not you")
    assert shown["ts"] == told["message_ts"]


def test_a_link_leads_to_the_message(call: Caller) -> None:
    """Its ts without the dot, behind its channel."""
    ts = call.post()
    told = call.read("chat.getPermalink", channel=OPS, message_ts=ts)
    assert told["permalink"].endswith(f"/archives/{OPS}/p{ts.replace('.', '')}")


def test_a_person_is_who_they_are(call: Caller) -> None:
    """By id and by address: what we look at before somebody may decide."""
    user = call.read("users.info", user=ANA)["user"]
    found = (user["id"], user["name"], user["team_id"], user["deleted"], user["is_bot"])
    assert found == (ANA, "ana", "T0MAIN", False, False)
    assert user["profile"]["email"] == "ana@example.com"
    assert call.read("users.lookupByEmail", email="ana@example.com")["user"]["id"] == ANA


def test_the_app_knows_itself(call: Caller) -> None:
    """A bot is told from a person."""
    told = call("auth.test")
    assert told["team_id"] == "T0MAIN"
    assert told["url"].endswith("/")
    user = call.read("users.info", user=told["user_id"])["user"]
    assert user["is_bot"]
    assert told["bot_id"][0] == "B"


def test_a_home_is_shown_until_another_is_published(call: Caller, slack: EitherSlack) -> None:
    """The answer is the view, with an id and a hash."""
    assert slack.home_of(ANA) is None
    told = call("views.publish", user_id=ANA, view=HOME)
    call("views.publish", user_id=ANA, view=HOME | {"private_metadata": "second"})
    shown = slack.home_of(ANA)
    assert shown is not None
    assert (shown["private_metadata"], shown["blocks"]) == ("second", BLOCKS)
    assert told["view"]["id"][0] == "V"
    assert told["view"]["hash"]


def test_a_file_lies_in_the_thread(call: Caller, slack: EitherSlack) -> None:
    """By the three steps of the library: announced, sent, shared."""
    api = SlackApi(open_bot(SecretStr(slack.bot_token), slack.api_url))
    parent = call.post("incident")
    api.upload((OPS, parent), "apr-1.txt", "Back-off restarting failed container\n", "All")
    shared = call.replies(parent)[1]
    assert shared["thread_ts"] == parent
    assert [(f["name"], f["title"], f["size"]) for f in shared["files"]] == [
        ("apr-1.txt", "apr-1.txt", 37)
    ]


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("chat.postMessage", {"channel": "C0NONE", "text": "x"}, "channel_not_found"),
        ("chat.update", {"channel": OPS, "ts": "1.000000", "text": "x"}, "message_not_found"),
        ("chat.delete", {"channel": OPS, "ts": "1.000000"}, "message_not_found"),
        ("views.open", {"trigger_id": "1.T0MAIN.x", "view": MODAL}, "invalid_trigger_id"),
        ("files.completeUploadExternal", {"files": [{"id": "F0NONE"}]}, "file_not_found"),
        ("files.completeUploadExternal", {"files": []}, "invalid_arguments"),
        ("chat.postCarrierPigeon", {}, "unknown_method"),
    ],
)
def test_a_bad_call_is_refused_with_its_code(
    call: Caller, method: str, arguments: JSON, code: str
) -> None:
    """With status 200, as Slack refuses."""
    told = call(method, **arguments)
    assert (told["ok"], told["error"]) == (False, code)


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("users.info", {"user": "U0NONE"}, "user_not_found"),
        ("users.lookupByEmail", {"email": "x@example.com"}, "users_not_found"),
        ("conversations.info", {"channel": "C0NONE"}, "channel_not_found"),
        ("chat.getPermalink", {"channel": OPS, "message_ts": "1.000000"}, "message_not_found"),
        ("chat.getPermalink", {"channel": "C0NONE", "message_ts": "1.0"}, "channel_not_found"),
    ],
)
def test_a_bad_question_is_refused_with_its_code(
    call: Caller, method: str, arguments: JSON, code: str
) -> None:
    """The methods that take a form."""
    told = call.read(method, **arguments)
    assert (told["ok"], told["error"]) == (False, code)


def test_our_client_names_the_refusal(slack: EitherSlack) -> None:
    """The code is what our own retries and fallbacks go by."""
    api = SlackApi(open_bot(SecretStr(slack.bot_token), slack.api_url))
    with pytest.raises(SlackRefusal) as refusal:
        api.call("chat.postMessage", channel="C0NONE", text="x")
    assert refusal.value.error == "channel_not_found"


def _hello(url: str) -> JSON:
    socket = websocket.create_connection(url, timeout=CALL_SECONDS)
    try:
        return dict(json.loads(socket.recv() or "{}"))
    finally:
        # `close` would leave the connection open that the other side has closed.
        socket.shutdown()  # type: ignore[no-untyped-call]  # the library's


def test_a_socket_greets_with_the_app_and_its_address_is_good_once(
    call: Caller, slack: EitherSlack
) -> None:
    """Each connection needs an address of its own."""
    url = call("apps.connections.open", slack.app_token)["url"]
    hello = _hello(url)
    assert (hello["type"], hello["connection_info"]) == ("hello", {"app_id": "A0FIREBREAK"})
    assert hello["num_connections"] >= 1
    try:
        again = _hello(url)
    except websocket.WebSocketException:
        again = {}
    assert again == {}


def test_channels_do_not_mix(call: Caller) -> None:
    """What is said in one is not in the other."""
    call.post("here", channel=SHOP)
    assert call.history() == []
