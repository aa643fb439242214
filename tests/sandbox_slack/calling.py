"""Calls of the fake Slack over plain HTTP, a clock of our own, and the smallest blocks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from sandbox.slack import SlackServer

JSON = dict[str, Any]


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """What time it is."""
        return self.now

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class Caller:
    """Calls methods as plain HTTP, so that nothing of a client stands in between."""

    def __init__(self, slack: SlackServer, http: httpx.Client) -> None:
        self.slack = slack
        self.http = http
        self.token = slack.bot_token

    def __call__(self, method: str, **args: Any) -> JSON:
        """The answer to a method, good or bad."""
        answer = self.raw(method, json=args)
        assert answer.status_code == 200
        return dict(answer.json())

    def raw(self, method: str, **request: Any) -> httpx.Response:
        """One request; the answer as it came."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.http.post(f"{self.slack.api_url}{method}", headers=headers, **request)

    def error(self, method: str, **args: Any) -> str:
        """The code of a refusal; empty when it went well."""
        return str(self(method, **args).get("error", ""))

    def post(self, text: str = "hello", **more: Any) -> str:
        """A message in #ops; its ts."""
        answer = self("chat.postMessage", channel="C0OPS", text=text, **more)
        assert answer["ok"], answer
        return str(answer["ts"])


def words(text: str) -> JSON:
    """A plain text object."""
    return {"type": "plain_text", "text": text}


def button(action_id: str = "go", **more: Any) -> JSON:
    """A button."""
    return {"type": "button", "action_id": action_id, "text": words("Go")} | more


def actions(*elements: JSON, block_id: str = "acts") -> JSON:
    """A row of buttons."""
    return {"type": "actions", "block_id": block_id, "elements": [*elements]}


def text_input(block_id: str = "reason", **more: Any) -> JSON:
    """An input for one line."""
    element = {"type": "plain_text_input", "action_id": "value"} | more
    return {"type": "input", "block_id": block_id, "label": words("Why"), "element": element}


def modal(*blocks: JSON, **more: Any) -> JSON:
    """A modal that can be sent."""
    shown = [*blocks] or [text_input()]
    named = {"type": "modal", "callback_id": "view.deny", "title": words("Deny")}
    return named | {"submit": words("Send"), "blocks": shown} | more
