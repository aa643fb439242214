"""The address that comes with a click or a command: five answers within half an hour."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.slack.blocks import check_message_blocks, identified
from sandbox.slack.refusals import JSON, Refusal
from sandbox.slack.store import Store

USES_MAX = 5
LIFE_SECONDS = 30 * 60


@dataclass
class _Response:
    channel: str
    user: str
    ts: str
    until: float
    left: int = USES_MAX


class ResponseUrls:
    """All addresses that were given out. `base` is where the server answers them."""

    def __init__(self, store: Store, base: str = "") -> None:
        self.base = base
        self._store = store
        self._given: dict[str, _Response] = {}

    def new(self, channel: str, user: str, ts: str) -> str:
        """An address for one interaction; `ts` is the message that it may replace."""
        name = secrets.token_urlsafe(18)
        until = self._store.seconds() + LIFE_SECONDS
        self._given[name] = _Response(channel, user, ts, until)
        return f"{self.base}/response/{name}"

    async def handle(self, request: web.Request) -> web.Response:
        """Take one answer."""
        try:
            body = json.loads(await request.text())
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        found = self._given.get(request.match_info["name"])
        if found is None:
            return web.Response(status=404, text="invalid_url")
        if self._store.seconds() > found.until:
            return web.Response(status=404, text="expired_url")
        if found.left <= 0:
            return web.Response(status=404, text="used_url")
        found.left -= 1
        try:
            self._answer(found, body)
        except Refusal as refusal:
            return web.Response(status=400, text=refusal.code)
        return web.Response(text="ok")

    def _answer(self, to: _Response, body: Any) -> None:
        if not isinstance(body, dict):
            raise Refusal("invalid_payload")
        old = self._store.find(to.channel, to.ts)
        if body.get("delete_original") and old is not None:
            del self._store.messages[to.channel][to.ts]
            self._store.changes += 1
            return
        content = content_of(body)
        if body.get("replace_original") and old is not None:
            old.pop("blocks", None)
            old.update(content)
            self._store.changes += 1
        else:
            self.say(to.channel, to.user, content, body.get("response_type"))

    def say(self, channel: str, user: str, content: JSON, kind: str | None) -> None:
        """Show it to the person only, unless `kind` is `in_channel`."""
        message = self._store.by_app() | content
        if kind == "in_channel":
            self._store.add(channel, message)
        else:
            self._store.add_ephemeral(channel, user, message)


def content_of(body: JSON) -> JSON:
    """Text and blocks of an answer; raises Refusal when Slack would not take them."""
    blocks = body.get("blocks")
    if not body.get("text") and not blocks:
        raise Refusal("no_text")
    content: JSON = {"text": str(body.get("text") or "")}
    if blocks:
        if not isinstance(blocks, list):
            raise Refusal("invalid_blocks_format")
        check_message_blocks(blocks)
        content["blocks"] = identified(blocks)
    return content
