"""Blocks of Block Kit, judged as Slack judges them: known types, bounded texts, ids given once."""

import copy
import secrets
from collections.abc import Iterator
from typing import Any

from sandbox.slack import limits
from sandbox.slack.elements import ACCESSORY, ACTION, ELEMENTS, INPUT, plain, text
from sandbox.slack.refusals import JSON, Refusal, refused
from sandbox.slack.rich_text import RICH_TEXT
from sandbox.slack.shapes import Check, Shape, fault, flag, list_of, string, url, variant

_BLOCK_ID: dict[str, Check] = {"block_id": string(limits.ID_MAX)}


def _has_text_or_fields(value: Any, at: str) -> Iterator[str]:
    if "text" not in value and "fields" not in value:
        yield fault("must have text or fields", at)


_CONTEXT_ELEMENT = variant(
    {
        "image": ELEMENTS["image"],
        "plain_text": text(limits.FIELD_TEXT_MAX),
        "mrkdwn": text(limits.FIELD_TEXT_MAX),
    }
)

BLOCKS: dict[str, Check] = {
    "section": Shape(
        {},
        _BLOCK_ID
        | {
            "text": text(limits.SECTION_TEXT_MAX),
            "fields": list_of(text(limits.FIELD_TEXT_MAX), limits.FIELDS_MAX),
            "accessory": ACCESSORY,
            "expand": flag,
        },
        (_has_text_or_fields,),
    ),
    "header": Shape({"text": plain(limits.HEADER_TEXT_MAX)}, _BLOCK_ID),
    "divider": Shape({}, _BLOCK_ID),
    "context": Shape(
        {"elements": list_of(_CONTEXT_ELEMENT, limits.CONTEXT_ELEMENTS_MAX)}, _BLOCK_ID
    ),
    "actions": Shape({"elements": list_of(ACTION, limits.ACTIONS_ELEMENTS_MAX)}, _BLOCK_ID),
    "input": Shape(
        {"label": plain(limits.LABEL_MAX), "element": INPUT},
        _BLOCK_ID | {"hint": plain(limits.LABEL_MAX), "optional": flag, "dispatch_action": flag},
    ),
    "image": Shape(
        {"image_url": url(limits.URL_MAX), "alt_text": string(limits.ALT_TEXT_MAX)},
        _BLOCK_ID | {"title": plain(limits.ALT_TEXT_MAX)},
    ),
    "rich_text": RICH_TEXT,
    "markdown": Shape({"text": string(limits.MARKDOWN_TEXT_MAX)}, _BLOCK_ID),
}
_IN_VIEWS = tuple(name for name in BLOCKS if name != "markdown")

_MESSAGE = list_of(variant(BLOCKS), limits.MESSAGE_BLOCKS_MAX, 0)
_VIEW = list_of(variant(BLOCKS, *_IN_VIEWS), limits.VIEW_BLOCKS_MAX, 0)


def view_block_faults(blocks: Any, at: str) -> Iterator[str]:
    """What is wrong with the blocks of a modal or a Home."""
    yield from _VIEW(blocks, at)
    yield from _ids_given_twice(blocks, at)


def check_message_blocks(blocks: list[Any]) -> None:
    """Raise the Refusal that Slack would answer to a message with these blocks."""
    if any(not isinstance(block, dict) for block in blocks):
        raise Refusal("invalid_blocks_format")
    faults = [*_MESSAGE(blocks, "/blocks"), *_ids_given_twice(blocks, "/blocks")]
    if faults:
        raise refused("invalid_blocks", *faults)
    if letters(blocks) > limits.BLOCKS_TEXT_MAX:
        raise Refusal("msg_blocks_too_long")
    if letters([b for b in blocks if b["type"] == "markdown"]) > limits.MARKDOWN_TEXT_MAX:
        raise Refusal("msg_blocks_too_long")


def letters(value: Any) -> int:
    """Characters of all texts in there: what `text` holds, and nothing else."""
    if isinstance(value, dict):
        own = value.get("text")
        rest = sum(letters(v) for v in value.values() if isinstance(v, dict | list))
        return rest + (len(own) if isinstance(own, str) else 0)
    return sum(map(letters, value)) if isinstance(value, list) else 0


def elements_of(block: JSON) -> list[JSON]:
    """What can be touched in a block, wherever it stands there."""
    listed = block.get("elements", []) if block.get("type") == "actions" else []
    single = [block.get("accessory"), block.get("element")]
    return [one for one in [*listed, *single] if isinstance(one, dict)]


def _ids_given_twice(blocks: Any, at: str) -> Iterator[str]:
    if not isinstance(blocks, list):
        return
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        name = block.get("block_id")
        if isinstance(name, str) and name in seen:
            yield fault(f'`block_id` "{name}" already exists for another block', f"{at}/{number}")
        seen.add(str(name))
        yield from _actions_given_twice(block, f"{at}/{number}")


def _actions_given_twice(block: JSON, at: str) -> Iterator[str]:
    elements = block.get("elements")
    if block.get("type") != "actions" or not isinstance(elements, list):
        return
    names = [e["action_id"] for e in elements if isinstance(e, dict) and "action_id" in e]
    for name in sorted({str(n) for n in names if names.count(n) > 1}):
        yield fault(f'`action_id` "{name}" already exists for another action', at)


def identified(blocks: list[JSON]) -> list[JSON]:
    """A copy in which everything has an id: Slack makes up those that the app leaves out."""
    made = copy.deepcopy(blocks)
    for block in made:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        for element in elements_of(block):
            if element["type"] != "image":
                element.setdefault("action_id", secrets.token_urlsafe(4))
    return made
