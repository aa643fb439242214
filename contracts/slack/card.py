"""One message as Slack takes it: blocks for people, one line for notifications. Never state."""

from collections.abc import Sequence
from typing import Any

from contracts.model import Contract, canonical_json, digest_of
from contracts.slack import limits
from contracts.slack.parts import Block, shortened
from contracts.slack.untrusted import size

# How long any text may be while all of it is too long, tried in turn.
_TEXT_CHARS = (1000, 500, 250, 120, 60)


class Card(Contract):
    """`text` and `blocks` of `chat.postMessage` and `chat.update`; always send both."""

    text: str
    blocks: list[dict[str, Any]]

    @property
    def digest(self) -> str:
        """Equal for equal cards, so that nothing is sent that is shown already."""
        return digest_of({"text": self.text, "blocks": self.blocks})


def card(key: str, text: str, blocks: Sequence[Block | None]) -> Card:
    """A card of the blocks that are there; `key` says whose, and `text` is escaped already."""
    kept = [block for block in blocks if block is not None]
    room = limits.MESSAGE_CHARS_MAX - size(text)
    return Card(text=text, blocks=identified(key, fitted(kept, room)))


def fitted(blocks: list[Block], chars_max: int) -> list[Block]:
    """The blocks that say anything, their longest texts cut as far as all of it needs it."""
    blocks = [block for block in blocks if block.get("elements") != []]
    # The ids come on top.
    room = chars_max - len(blocks) * limits.ID_CHARS_MAX // 4
    for longest in _TEXT_CHARS:
        if size(canonical_json(blocks)) <= room:
            break
        blocks = shortened(blocks, longest)
    return blocks


def identified(key: str, blocks: Sequence[Block]) -> list[Block]:
    """Blocks with ids that change with what is in them, as Slack asks for; ids given stay."""
    return [
        {"block_id": f"{key}:{place}:{digest_of(block)[7:19]}"} | block
        for place, block in enumerate(blocks)
    ]
