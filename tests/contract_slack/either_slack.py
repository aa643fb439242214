"""What a test may ask of a Slack, whoever wrote it: the part of `SlackServer` that both have."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import httpx

from sandbox.slack import Channel, User, Workspace
from sandbox.slack.delivery import Delivery
from sandbox.slack.screen import Typed
from sandbox.slack.workspace import BOT_USER

JSON = dict[str, Any]
ANA, BEN, CLEO, DAN = "U0ANA", "U0BEN", "U0CLEO", "U0DAN"
OPS, SHOP = "C0OPS", "C0SHOP"
CALL_SECONDS = 10
BLOCKS = [{"type": "section", "block_id": "s", "text": {"type": "mrkdwn", "text": "*web*"}}]
HOME = {"type": "home", "blocks": BLOCKS}
MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "Details"}, "blocks": BLOCKS}


class EitherSlack(Protocol):
    """One workspace with one app; `sandbox.slack.SlackServer` says what each of these does."""

    bot_token: str
    app_token: str

    @property
    def api_url(self) -> str:
        """The base address of the methods."""
        ...

    @property
    def ephemerals(self) -> list[JSON]:
        """What one person was shown; `to` is who."""
        ...

    @property
    def dms(self) -> dict[str, list[JSON]]:
        """By person: their conversation with the app."""
        ...

    def messages(self, channel: str) -> list[JSON]:
        """All messages of a channel, oldest first."""
        ...

    def views_of(self, user: str) -> list[JSON]:
        """The open modals; `errors` are what stands beside their inputs."""
        ...

    def home_of(self, user: str) -> JSON | None:
        """The published Home."""
        ...

    def calls(self, method: str) -> Sequence[object]:
        """The calls of one method."""
        ...

    def click(
        self, user: str, channel: str, ts: str, action_id: str, value: str | None = None
    ) -> Delivery:
        """Press a button of a message."""
        ...

    def choose(self, user: str, channel: str, ts: str, action_id: str, value: Typed) -> Delivery:
        """Choose from a menu of a message."""
        ...

    def click_home(self, user: str, action_id: str) -> Delivery:
        """Press a button of Home."""
        ...

    def shortcut(self, user: str, callback_id: str, channel: str = "", ts: str = "") -> Delivery:
        """Use a shortcut, of a message where one is named."""
        ...

    def submit(self, user: str, values: Mapping[str, Typed] | None = None) -> Delivery:
        """Send the topmost modal."""
        ...

    def command(self, user: str, channel: str, name: str, text: str = "") -> Delivery:
        """Send a slash command."""
        ...

    def open_home(self, user: str) -> Delivery:
        """Open the app's Home."""
        ...

    def say(self, user: str, channel: str, text: str, thread_ts: str = "") -> JSON:
        """Write as a person; the message."""
        ...


def workspace() -> Workspace:
    """The same people and channels for both."""
    made = Workspace()
    made.users.append(User(DAN, "dan", "dan@example.com"))
    made.channels[0].members.add(DAN)
    made.channels.append(Channel(SHOP, "shop", {ANA, BEN, CLEO, DAN, BOT_USER}))
    return made


class Caller:
    """Calls methods as plain HTTP: nothing of a client stands between, and nothing is judged."""

    def __init__(self, slack: EitherSlack, http: httpx.Client) -> None:
        self.slack = slack
        self.http = http

    def __call__(self, method: str, token: str | None = None, **args: Any) -> JSON:
        """The answer to a method that reads JSON."""
        return self._told(method, token, json=args)

    def read(self, method: str, **args: Any) -> JSON:
        """The answer to a method that takes a form only."""
        return self._told(method, None, data=args)

    def _told(self, method: str, token: str | None, **request: Any) -> JSON:
        bearer = self.slack.bot_token if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        answer = self.http.post(f"{self.slack.api_url}{method}", headers=headers, **request)
        return dict(answer.json())

    def error(self, method: str, token: str | None = None, **args: Any) -> str:
        """The code of a refusal; empty when it went well."""
        return str(self(method, token, **args).get("error", ""))

    def post(self, text: str = "hello", channel: str = OPS, **more: Any) -> str:
        """A message; its ts."""
        told = self("chat.postMessage", channel=channel, text=text, **more)
        assert told["ok"], told
        return str(told["ts"])

    def history(self, channel: str = OPS, **more: Any) -> list[JSON]:
        """What conversations.history gives."""
        told = self.read("conversations.history", channel=channel, **more)
        assert told["ok"], told
        return [dict(message) for message in told["messages"]]

    def replies(self, ts: str, channel: str = OPS) -> list[JSON]:
        """What conversations.replies gives."""
        told = self.read("conversations.replies", channel=channel, ts=ts)
        assert told["ok"], told
        return [dict(message) for message in told["messages"]]
