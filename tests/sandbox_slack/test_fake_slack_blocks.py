"""Block Kit as Slack judges it: one row for each limit, each just kept and just broken."""

from typing import Any

import pytest
from sandbox_slack.calling import JSON, Caller, actions, button, text_input, words


def mrkdwn(text: str) -> JSON:
    """A text object that Slack parses."""
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> JSON:
    """A section of text."""
    return {"type": "section", "text": mrkdwn(text)} | more


def option(value: str = "1", text: str = "One") -> JSON:
    """An option of a menu."""
    return {"text": words(text), "value": value}


def overflow(count: int) -> JSON:
    """A menu of three dots."""
    return {
        "type": "overflow",
        "action_id": "more",
        "options": [option(str(n)) for n in range(count)],
    }


def select(**more: Any) -> JSON:
    """A menu with one option."""
    return {"type": "static_select", "action_id": "pick", "options": [option()]} | more


def confirm(**more: Any) -> JSON:
    """A question before a click counts."""
    asked = {"title": words("Sure?"), "text": words("x"), "confirm": words("Y")}
    return asked | {"deny": words("N")} | more


def rich(*elements: JSON) -> JSON:
    """A block of rich text."""
    return {"type": "rich_text", "elements": [*elements]}


def code(*elements: JSON) -> JSON:
    """A preformatted part of rich text."""
    return {"type": "rich_text_preformatted", "elements": [*elements]}


GOOD = {
    "50 blocks": [{"type": "divider"}] * 50,
    "a section of 3000": [section("x" * 3_000)],
    "10 fields of 2000": [{"type": "section", "fields": [words("x" * 800)] * 10}],
    "a header of 150": [{"type": "header", "text": words("x" * 150)}],
    "10 in a context": [{"type": "context", "elements": [mrkdwn("x")] * 10}],
    "25 buttons": [actions(*(button(f"a{n}") for n in range(25)))],
    "a value of 2000": [actions(button(value="x" * 2_000))],
    "a question": [actions(button(confirm=confirm(text=mrkdwn("x" * 300))))],
    "5 in an overflow": [section(accessory=overflow(5))],
    "a select with its choice": [actions(select(initial_option=option()))],
    "code": [rich(code({"type": "text", "text": "kubectl rollout undo"}))],
    "a list": [
        rich(
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [{"type": "user", "user_id": "U1"}],
                    }
                ],
            }
        )
    ],
    "the same action in two rows": [
        actions(button(), block_id="1"),
        actions(button(), block_id="2"),
    ],
    "markdown": [{"type": "markdown", "text": "# x"}],
}

BAD = {
    "51 blocks": ([{"type": "divider"}] * 51, "/blocks"),
    "an unknown type": ([{"type": "banner"}], "/blocks/0/type"),
    "no type": ([{"text": words("x")}], "/blocks/0/type"),
    "a key of another time": ([{"type": "divider", "colour": "red"}], "/blocks/0"),
    "a section of 3001": ([section("x" * 3_001)], "/blocks/0/text/text"),
    "an empty section": ([section("")], "/blocks/0/text/text"),
    "a section of nothing": ([{"type": "section"}], "/blocks/0"),
    "11 fields": ([{"type": "section", "fields": [words("x")] * 11}], "/blocks/0/fields"),
    "a field of 2001": (
        [{"type": "section", "fields": [words("x" * 2_001)]}],
        "/blocks/0/fields/0/text",
    ),
    "a header of 151": ([{"type": "header", "text": words("x" * 151)}], "/blocks/0/text/text"),
    "a header in mrkdwn": ([{"type": "header", "text": mrkdwn("x")}], "/blocks/0/text/type"),
    "emoji in mrkdwn": ([section() | {"text": mrkdwn("x") | {"emoji": True}}], "/blocks/0/text"),
    "11 in a context": (
        [{"type": "context", "elements": [words("x")] * 11}],
        "/blocks/0/elements",
    ),
    "a button in a context": (
        [{"type": "context", "elements": [button()]}],
        "/blocks/0/elements/0/type",
    ),
    "26 buttons": ([actions(*(button(f"a{n}") for n in range(26)))], "/blocks/0/elements"),
    "no buttons": ([actions()], "/blocks/0/elements"),
    "a button of 76": ([actions(button(text=words("x" * 76)))], "/blocks/0/elements/0/text/text"),
    "a value of 2001": ([actions(button(value="x" * 2_001))], "/blocks/0/elements/0/value"),
    "a third style": ([actions(button(style="warning"))], "/blocks/0/elements/0/style"),
    "an address of a program": (
        [actions(button(url="javascript:alert(1)"))],
        "/blocks/0/elements/0/url",
    ),
    "an address of 3001": (
        [actions(button(url="https://x/" + "x" * 2_991))],
        "/blocks/0/elements/0/url",
    ),
    "an action id of 256": ([actions(button("x" * 256))], "/blocks/0/elements/0/action_id"),
    "two actions of one name": ([actions(button(), button())], "/blocks/0"),
    "two blocks of one name": (
        [section(block_id="a"), section(block_id="a")],
        "/blocks/1",
    ),
    "a question without an answer": (
        [actions(button(confirm={"title": words("x"), "text": words("x")}))],
        "/blocks/0/elements/0/confirm",
    ),
    "a question of 301": (
        [actions(button(confirm=confirm(text=words("x" * 301))))],
        "/blocks/0/elements/0/confirm/text/text",
    ),
    "a title of 101": (
        [actions(button(confirm=confirm(title=words("x" * 101))))],
        "/blocks/0/elements/0/confirm/title/text",
    ),
    "an answer of 31": (
        [actions(button(confirm=confirm(deny=words("x" * 31))))],
        "/blocks/0/elements/0/confirm/deny/text",
    ),
    "6 in an overflow": ([section(accessory=overflow(6))], "/blocks/0/accessory/options"),
    "0 in an overflow": ([section(accessory=overflow(0))], "/blocks/0/accessory/options"),
    "101 options": (
        [actions(select(options=[option(str(n)) for n in range(101)]))],
        "/blocks/0/elements/0/options",
    ),
    "an option of 76": (
        [actions(select(options=[option(text="x" * 76)]))],
        "/blocks/0/elements/0/options/0/text/text",
    ),
    "an option's value of 151": (
        [actions(select(options=[option("x" * 151)]))],
        "/blocks/0/elements/0/options/0/value",
    ),
    "one value twice": (
        [actions(select(options=[option(), option()]))],
        "/blocks/0/elements/0",
    ),
    "a choice that is none": (
        [actions(select(initial_option=option("2")))],
        "/blocks/0/elements/0",
    ),
    "a typed line among buttons": (
        [actions({"type": "plain_text_input", "action_id": "x"})],
        "/blocks/0/elements/0/type",
    ),
    "bold code in mrkdwn": (
        [rich(code({"type": "mrkdwn", "text": "x"}))],
        "/blocks/0/elements/0/elements/0/type",
    ),
    "a mention in code": (
        [rich(code({"type": "user", "user_id": "U1"}))],
        "/blocks/0/elements/0/elements/0/type",
    ),
    "an empty word": (
        [rich(code({"type": "text", "text": ""}))],
        "/blocks/0/elements/0/elements/0/text",
    ),
    "rich text of plain text": ([rich(words("x"))], "/blocks/0/elements/0/type"),
    "a colour of letters": (
        [
            rich(
                {
                    "type": "rich_text_section",
                    "elements": [{"type": "text", "text": "x", "style": {"red": True}}],
                }
            )
        ],
        "/blocks/0/elements/0/elements/0/style",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_keeps_the_limits_is_taken(call: Caller, name: str) -> None:
    """Exactly at the limit is within it."""
    answer = call("chat.postMessage", channel="C0OPS", text="x", blocks=GOOD[name])
    assert answer["ok"], answer


@pytest.mark.parametrize("name", BAD)
def test_what_breaks_a_limit_is_refused_with_its_place(call: Caller, name: str) -> None:
    """One over the limit is too much; the answer says where, and nothing is posted."""
    blocks, place = BAD[name]
    answer = call("chat.postMessage", channel="C0OPS", text="x", blocks=blocks)
    assert answer["error"] == "invalid_blocks"
    assert any(f"[json-pointer:{place}]" in told for told in answer["errors"]), answer
    assert answer["response_metadata"]["messages"][0].startswith("[ERROR] ")
    assert call.slack.messages("C0OPS") == []


@pytest.mark.parametrize("blocks", ["x", {"type": "divider"}, ["divider"], "[{"])
def test_blocks_are_a_list_of_objects(call: Caller, blocks: object) -> None:
    """Anything else has no place to point at."""
    args = {"channel": "C0OPS", "text": "x", "blocks": blocks}
    assert call.error("chat.postMessage", **args) == "invalid_blocks_format"


def test_all_texts_together_have_a_limit_too(call: Caller) -> None:
    """13 200 characters; no document tells it."""
    few = [section("x" * 3_000)] * 4
    assert call.error("chat.postMessage", channel="C0OPS", text="x", blocks=few) == ""
    many = [section("x" * 3_000)] * 5
    args = {"channel": "C0OPS", "text": "x", "blocks": many}
    assert call.error("chat.postMessage", **args) == "msg_blocks_too_long"


def test_slack_names_what_the_app_left_without_a_name(call: Caller) -> None:
    """Every block and every element can be spoken of afterwards."""
    nameless = {"type": "button", "text": words("Go")}
    call.post(blocks=[{"type": "actions", "elements": [nameless]}])
    block = call.slack.messages("C0OPS")[0]["blocks"][0]
    assert block["block_id"]
    assert block["elements"][0]["action_id"]


def test_an_update_is_judged_like_a_post(call: Caller) -> None:
    """And leaves the message as it was."""
    ts = call.post()
    args = {"channel": "C0OPS", "ts": ts, "text": "y", "blocks": [section("")]}
    assert call.error("chat.update", **args) == "invalid_blocks"
    assert call.slack.message("C0OPS", ts)["text"] == "hello"


def test_a_message_may_hold_inputs(call: Caller) -> None:
    """Since they may stand outside of modals."""
    call.post(blocks=[text_input()])
