"""How this gateway hears Slack, and whether it does: off, a socket of its own, or HTTP.

A value that the connection writes and health reads. It opens nothing and must never hold what
somebody clicked.
"""

from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp

from contracts.errors import InvalidInput

Mode = Literal["off", "deaf", "socket", "http"]
API_URL = "https://slack.com/api/"
_DEAF = (
    "messages are posted, but nobody hears their buttons: set FIREBREAK_SLACK_APP_TOKEN for Socket "
    "Mode, or FIREBREAK_SLACK_SIGNING_SECRET for HTTP"
)


class SlackKeys(NamedTuple):
    """What Slack gave this app; `bot` None is a Firebreak without Slack."""

    bot: SecretStr | None = None
    app: SecretStr | None = None
    signing: SecretStr | None = None
    api_url: str = API_URL


class Line:
    """The state of the connection. `fault` says why it does not work; `fatal` that nobody tries
    any more. `bolt` takes requests of `/slack/events` while it runs.

    Raises:
        InvalidInput: the keys are for a socket and for HTTP: Slack delivers to one of them only.

    """

    def __init__(self, keys: SlackKeys | None = None) -> None:
        self.keys = keys or SlackKeys()
        self.mode = _mode_of(self.keys)
        self.since: datetime | None = None
        self.last_ping_at: datetime | None = None
        self.fault = ""
        self.fatal = False
        self.bolt: AsyncApp | None = None

    @property
    def is_connected(self) -> bool:
        """Whether what people do in Slack arrives here."""
        return self.since is not None and not self.fatal

    def up(self, at: datetime) -> None:
        """A connection works since `at`; one that had worked before goes on."""
        self.since = self.since or at
        if not self.fatal:
            self.fault = ""

    def away(self, why: str) -> None:
        """The connection is gone, and is tried again."""
        self.since = None
        if not self.fatal:
            self.fault = why

    def end(self, why: str) -> None:
        """It will not work again before somebody mends it."""
        self.since, self.fault, self.fatal = None, why, True

    def told(self) -> str:
        """`off`, `ok`, or what is wrong, for `/readyz`."""
        if self.mode == "off":
            return "off"
        if self.mode == "deaf":
            return _DEAF
        return "ok" if self.is_connected else self.fault or "not connected yet"

    def ping_seconds(self, now: datetime) -> float:
        """How long ago Slack last answered a ping; NaN where there is no socket."""
        last = self.last_ping_at
        return max(0.0, (now - last).total_seconds()) if last else float("nan")


def _mode_of(keys: SlackKeys) -> Mode:
    if keys.bot is None:
        return "off"
    if keys.app and keys.signing:
        raise InvalidInput(
            "both FIREBREAK_SLACK_APP_TOKEN and FIREBREAK_SLACK_SIGNING_SECRET are set",
            "Slack delivers over one of them: keep the first for Socket Mode, the other for HTTP.",
        )
    if keys.app:
        return "socket"
    return "http" if keys.signing else "deaf"
