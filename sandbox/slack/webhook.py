"""Slack over HTTP: everything goes, signed, to one address of the app.

Only events are tried again; what a person did is sent once, as Slack does it.
"""

import asyncio
import hashlib
import hmac
import json
from urllib.parse import urlencode

import aiohttp

from sandbox.slack.delivery import ACK_SECONDS, Delivery, Retry
from sandbox.slack.refusals import JSON
from sandbox.slack.store import Store
from sandbox.slack.wire import written

_FORM = "application/x-www-form-urlencoded"
_OK = range(200, 300)


def signature(secret: str, timestamp: str, body: str) -> str:
    """Slack's proof that the request is its own, version 0."""
    base = f"v0:{timestamp}:{body}".encode()
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class Webhook:
    """Posts to `url`. `skew_seconds` shifts its clock, to see old requests refused."""

    def __init__(self, url: str, secret: str, store: Store) -> None:
        self.url = url
        self.secret = secret
        self.skew_seconds = 0
        self._store = store

    async def deliver(self, kind: str, payload: JSON, retry: Retry) -> Delivery:
        """One request; 2xx within three seconds is an answer."""
        body, content_type = _body(kind, payload)
        timestamp = str(int(self._store.seconds()) + self.skew_seconds)
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self.secret, timestamp, body),
        }
        if retry.number:
            headers["X-Slack-Retry-Num"] = str(retry.number)
            headers["X-Slack-Retry-Reason"] = retry.reason
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            status, text = await self._post(body, headers)
        except (TimeoutError, aiohttp.ClientError):
            status, text = 0, ""
        answer = _answer(text) if status in _OK else {}
        took = loop.time() - started
        return Delivery(kind, payload, status in _OK, answer, "http", status, took)

    async def _post(self, body: str, headers: dict[str, str]) -> tuple[int, str]:
        timeout = aiohttp.ClientTimeout(total=ACK_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(self.url, data=body.encode(), headers=headers) as response,
        ):
            return response.status, await response.text()


def _body(kind: str, payload: JSON) -> tuple[str, str]:
    if kind == "events_api":
        return written(payload), "application/json"
    if kind == "slash_commands":
        return urlencode(payload), _FORM
    return urlencode({"payload": written(payload)}), _FORM


def _answer(text: str) -> JSON:
    """JSON, or plain text as the answer to a command."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"text": text}
