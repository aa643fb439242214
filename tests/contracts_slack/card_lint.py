"""What Slack refuses and its SDK's models let pass, and what this project never sends.

The numbers are written out here once more on purpose: a limit that is raised by mistake in
`contracts/slack/limits.py` must not raise itself in its own test.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.blocks import Block

MENTION = re.compile(r"<(?:@[UW]|!subteam\^S)[A-Z0-9]{2,20}>")
RAW_MARKUP = re.compile(r"[<>]|&(?!(?:amp|lt|gt);)")
UNSEEN = re.compile(r"[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202f]")
MOVING = re.compile(r"[\u202a-\u202e\u2066\u2067]")
KINDS = {"header", "rich_text", "context", "actions", "input"}
PIECES = {"text", "user", "usergroup", "date", "link"}
TEXT_MAX = {"header": 150, "button": 75, "option": 75, "title": 24, "submit": 24, "close": 24}


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in there."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def texts(shown: Any) -> list[str]:
    """Every text that a person reads in blocks."""
    return [node["text"] for node in nodes(shown) if isinstance(node.get("text"), str)]


def words(shown: Any) -> str:
    """All of it, one after the other."""
    return "".join(texts(shown["blocks"]))


def units(text: str) -> int:
    """The length in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def check(shown: dict[str, Any]) -> None:
    """Fail when Slack would refuse this message or view, or when text in it could be markup."""
    blocks = shown["blocks"]
    assert json.loads(json.dumps(shown)) == shown
    assert [parsed(block) for block in blocks] == blocks
    assert {block["type"] for block in blocks} <= KINDS
    ids = [block["block_id"] for block in blocks]
    assert len(set(ids)) == len(ids)
    assert all(len(name) <= 255 for name in ids)
    for block in blocks:
        check_block(block)
    for node in nodes(shown):
        check_node(node)
    (check_view if "type" in shown else check_message)(shown)


def parsed(block: dict[str, Any]) -> dict[str, Any]:
    """The block as the SDK's models read it and write it again."""
    model = Block.parse(block)
    assert model is not None
    return dict(model.to_dict())


def check_block(block: dict[str, Any]) -> None:
    """What only blocks have."""
    elements = block.get("elements", [])
    assert "elements" not in block or 1 <= len(elements) <= 25
    actions = [element["action_id"] for element in elements if "action_id" in element]
    assert len(set(actions)) == len(actions)
    if block["type"] == "actions":
        assert sum(element["type"] == "button" for element in elements) <= 3
    if block["type"] == "rich_text":
        assert {e["type"] for e in elements} <= {"rich_text_section", "rich_text_preformatted"}
        assert {p["type"] for e in elements for p in e["elements"]} <= PIECES


def check_node(node: dict[str, Any]) -> None:
    """What holds for any object."""
    assert node.get("type") not in ("mrkdwn", "markdown", "broadcast", "emoji")
    if isinstance(node.get("text"), str):
        assert node["text"]
        assert not MOVING.search(node["text"])
        assert not UNSEEN.search(node["text"])
    if node.get("type") == "plain_text":
        assert node["emoji"] is False
        assert "\n" not in node["text"]
    for key, most in TEXT_MAX.items():
        held = node if node.get("type") == key else None
        inner = held["text"] if held else node.get(key)
        if isinstance(inner, dict) and isinstance(inner.get("text"), str):
            assert units(inner["text"]) <= most, key
    check_actions(node)


def check_actions(node: dict[str, Any]) -> None:
    """Buttons, menus and the question before a click."""
    if node.get("type") == "button":
        assert re.fullmatch(r"[a-z]+|(apr|inc)-[a-z0-9-]+", node["value"])
    if isinstance(node.get("confirm"), dict) and "deny" in node["confirm"]:
        limits = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
        assert all(units(node["confirm"][key]["text"]) <= most for key, most in limits.items())
    if "options" in node:
        assert 1 <= len(node["options"]) <= (5 if node["type"] == "overflow" else 100)
        values = [option["value"] for option in node["options"]]
        assert len(set(values)) == len(values)
        assert all(0 < units(value) <= 150 for value in values)
        assert all(units(option["text"]["text"]) <= 75 for option in node["options"])
    if "url" in node:
        assert re.fullmatch(r"https?://[^\s<>|\"]{1,2990}", node["url"])


def check_message(shown: dict[str, Any]) -> None:
    """What only messages have."""
    assert 1 <= len(shown["blocks"]) <= 50
    text = shown["text"]
    whole = json.dumps(shown["blocks"], ensure_ascii=False, separators=(",", ":"))
    assert units(whole) + units(text) <= 12_000
    assert 0 < units(text) <= 4000
    assert "\n" not in text
    bare = MENTION.sub("", text)
    assert not RAW_MARKUP.search(bare)
    assert not re.search(r"[*~`]|://", bare)


def check_view(shown: dict[str, Any]) -> None:
    """What only views have."""
    assert 1 <= len(shown["blocks"]) <= 100
    assert len(json.dumps(shown).encode()) < 250_000
    assert len(shown.get("private_metadata", "")) <= 3000
    if any(block["type"] == "input" for block in shown["blocks"]):
        assert shown["submit"]
    assert shown["type"] == "home" or shown["title"]
