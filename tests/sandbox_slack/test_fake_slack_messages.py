"""What the app says: where it may, what is kept, what an update leaves of it."""

import pytest
from sandbox_slack.calling import JSON, Caller, actions, button

from sandbox.slack import SlackServer

METADATA = {"event_type": "firebreak_message", "event_payload": {"key": "inc-1/slack/card"}}


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ("C0NONE", "channel_not_found"),
        ("ops", "channel_not_found"),
        ("C0SECRET", "channel_not_found"),
        ("C0ELSE", "not_in_channel"),
        ("C0OLD", "is_archived"),
        ("U0NOBODY", "channel_not_found"),
    ],
)
def test_the_app_posts_only_where_it_was_invited(call: Caller, channel: str, code: str) -> None:
    """A channel that it cannot see is not there; one that it was not invited to is closed."""
    assert call.error("chat.postMessage", channel=channel, text="x") == code


def test_a_public_channel_opens_with_the_scope_for_it(call: Caller) -> None:
    """chat:write.public is an invitation to every public channel."""
    call.slack.workspace.scopes.add("chat:write.public")
    assert call.error("chat.postMessage", channel="C0ELSE", text="x") == ""
    assert call.error("chat.postMessage", channel="C0SECRET", text="x") == "channel_not_found"


def test_a_message_says_something(call: Caller) -> None:
    """Neither text nor blocks is nothing; text alone has a limit, a lower one for an update."""
    assert call.error("chat.postMessage", channel="C0OPS") == "no_text"
    assert call.error("chat.postMessage", text="x") == "invalid_arguments"
    assert call.error("chat.postMessage", channel="C0OPS", text="x" * 40_001) == "msg_too_long"
    ts = call.post("x" * 4_001)
    long = {"channel": "C0OPS", "ts": ts, "text": "x" * 4_001}
    assert call.error("chat.update", **long) == "msg_too_long"


def test_two_messages_of_one_moment_have_two_identities(call: Caller) -> None:
    """The clock stands still here; a ts is unique all the same, and grows."""
    first, second = call.post(), call.post()
    assert float(first) < float(second)


def test_an_update_with_text_alone_removes_the_buttons(slack: SlackServer, call: Caller) -> None:
    """That is how buttons get lost: the fake does it as Slack does."""
    ts = call.post(blocks=[actions(button())], metadata=METADATA)
    call("chat.update", channel="C0OPS", ts=ts, text="new", blocks=[actions(button("other"))])
    message = slack.message("C0OPS", ts)
    assert message["blocks"][0]["elements"][0]["action_id"] == "other"
    assert "edited" not in message
    call("chat.update", channel="C0OPS", ts=ts, text="newer")
    message = slack.message("C0OPS", ts)
    assert "blocks" not in message
    assert message["edited"]["user"] == "U0FIREBREAK"
    assert message["metadata"] == METADATA


def test_only_the_app_that_wrote_a_message_changes_it(slack: SlackServer, call: Caller) -> None:
    """People's words are theirs; a message that is gone cannot be changed either."""
    said = slack.say("U0ANA", "C0OPS", "I restarted web")
    change = {"channel": "C0OPS", "ts": said["ts"], "text": "x"}
    assert call.error("chat.update", **change) == "cant_update_message"
    assert call.error("chat.delete", **change) == "cant_delete_message"
    assert call.error("chat.update", **(change | {"ts": "1.000000"})) == "message_not_found"
    assert slack.message("C0OPS", said["ts"])["text"] == "I restarted web"


def test_nothing_changes_in_an_archived_channel(slack: SlackServer, call: Caller) -> None:
    """Slack has another word for it when the message is already there."""
    ts = call.post()
    channel = slack.workspace.channel("C0OPS")
    assert channel is not None
    channel.archived = True
    assert call.error("chat.update", channel="C0OPS", ts=ts, text="x") == "is_inactive"


def test_answers_are_in_the_thread_and_not_in_the_history(call: Caller) -> None:
    """An answer to an answer is in the same thread; a broadcast is in both."""
    root = call.post("root")
    answer = call.post("answer", thread_ts=root)
    call.post("deeper", thread_ts=answer)
    call.post("loud", thread_ts=root, reply_broadcast=True)
    history = call("conversations.history", channel="C0OPS")["messages"]
    assert [m["text"] for m in history] == ["loud", "root"]
    asked = {"channel": "C0OPS", "ts": answer}
    replies = call.raw("conversations.replies", data=asked).json()["messages"]
    assert [m["text"] for m in replies] == ["root", "answer", "deeper", "loud"]
    assert (replies[0]["reply_count"], replies[0]["latest_reply"]) == (3, replies[-1]["ts"])


def test_a_thread_that_is_not_there_is_refused(slack: SlackServer, call: Caller) -> None:
    """A deleted message with answers leaves a tombstone, and its thread goes on."""
    assert (
        call.error("chat.postMessage", channel="C0OPS", text="x", thread_ts="1.000000")
        == "cannot_reply_to_message"
    )
    root = call.post("root")
    call.post("answer", thread_ts=root)
    slack.delete("C0OPS", root)
    assert slack.message("C0OPS", root)["subtype"] == "tombstone"
    call.post("still here", thread_ts=root)
    assert call.error("chat.update", channel="C0OPS", ts=root, text="x") == "message_not_found"


def test_metadata_is_kept_and_shown_only_to_who_asks(call: Caller) -> None:
    """It is how a message is found again after its answer was lost."""
    ts = call.post(metadata=METADATA)
    plain = call("conversations.history", channel="C0OPS")["messages"][0]
    assert (plain["ts"], "metadata" in plain) == (ts, False)
    full = call("conversations.history", channel="C0OPS", include_all_metadata=True)
    assert full["messages"][0]["metadata"] == METADATA
    call("chat.update", channel="C0OPS", ts=ts, text="x", metadata={})
    full = call("conversations.history", channel="C0OPS", include_all_metadata=True)
    assert full["messages"][0]["metadata"] == {}


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ("{", "invalid_metadata_format"),
        ({"event_type": "x"}, "invalid_metadata_schema"),
        ({"event_type": "", "event_payload": {}}, "invalid_metadata_schema"),
        ({"event_type": "x", "event_payload": {"a": "b" * 16_000}}, "metadata_too_large"),
    ],
)
def test_metadata_has_a_shape(call: Caller, metadata: object, code: str) -> None:
    """A type, a payload, and a size."""
    asked = {"channel": "C0OPS", "text": "x", "metadata": metadata}
    assert call.error("chat.postMessage", **asked) == code


def test_history_is_a_window_on_pages(call: Caller) -> None:
    """The ends of the window count only when asked; a page names the next."""
    first, second, third = call.post("1"), call.post("2"), call.post("3")

    def history(**args: object) -> list[str]:
        answer = call("conversations.history", channel="C0OPS", **args)
        return [m["text"] for m in answer["messages"]]

    assert history(oldest=first, latest=third) == ["2"]
    assert history(oldest=second, inclusive=True) == ["3", "2"]
    page = call("conversations.history", channel="C0OPS", limit=2)
    assert (page["has_more"], len(page["messages"])) == (True, 2)
    assert history(limit=2, cursor=page["response_metadata"]["next_cursor"]) == ["1"]
    assert call.error("conversations.history", channel="C0ELSE") == "not_in_channel"
    assert call.error("conversations.history", channel="C0OPS", cursor="99") == "invalid_cursor"


def test_an_ephemeral_is_for_one_member_and_in_no_history(slack: SlackServer, call: Caller) -> None:
    """Somebody outside the channel cannot be told that way."""
    args = {"channel": "C0OPS", "text": "only you", "user": "U0ANA"}
    assert call.error("chat.postEphemeral", **args) == ""
    assert [(e["to"], e["text"]) for e in slack.ephemerals] == [("U0ANA", "only you")]
    assert slack.messages("C0OPS") == []
    args["user"] = "U0GONE"
    assert call.error("chat.postEphemeral", **args) == "user_not_in_channel"


def test_a_message_has_an_address(slack: SlackServer, call: Caller) -> None:
    """Only one that is there."""
    ts = call.post()
    asked = {"channel": "C0OPS", "message_ts": ts}
    link = call.raw("chat.getPermalink", data=asked).json()["permalink"]
    assert link == f"{slack.url}/archives/C0OPS/p{ts.replace('.', '')}"
    asked["message_ts"] = "1.0"
    assert call.raw("chat.getPermalink", data=asked).json()["error"] == "message_not_found"


def test_a_file_is_shared_in_three_steps(slack: SlackServer, call: Caller) -> None:
    """Its size is held to what was said; it is shared as a message in the thread."""
    root = call.post()
    asked = {"filename": "plan.txt", "length": "5"}
    begun = call.raw("files.getUploadURLExternal", data=asked).json()
    done: JSON = {"files": [{"id": begun["file_id"], "title": "Plan"}]}
    done |= {"channel_id": "C0OPS", "thread_ts": root}
    assert call.error("files.completeUploadExternal", **done) == "file_not_found"
    assert call.http.post(begun["upload_url"], content=b"toolong").status_code == 400
    assert call.http.post(begun["upload_url"], content=b"hello").text == "OK - 5"
    assert call.error("files.completeUploadExternal", **done) == ""
    assert slack.messages("C0OPS")[-1]["files"][0]["title"] == "Plan"
    assert slack.messages("C0OPS")[-1]["thread_ts"] == root
    assert slack.files[0]["content"] == "hello"
    empty = call.raw("files.getUploadURLExternal", data={"filename": "x", "length": "0"})
    assert empty.json()["error"] == "missing_argument"
