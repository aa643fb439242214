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
    any more. `changed_at` is when it last began or ceased to work, and `last_act_at` when somebody
    last did something that arrived. `bolt` takes requests of `/slack/events` while it runs.

    Raises:
        InvalidInput: the keys are for a socket and for HTTP: Slack delivers to one of them only.

    """

    def __init__(self, keys: SlackKeys | None = None) -> None:
        self.keys = keys or SlackKeys()
        self.mode = _mode_of(self.keys)
        self.since: datetime | None = None
        self.changed_at: datetime | None = None
        self.last_ping_at: datetime | None = None
        self.last_act_at: datetime | None = None
        self.fault = ""
        self.fatal = False
        self.bolt: AsyncApp | None = None

    @property
    def is_connected(self) -> bool:
        """Whether what people do in Slack arrives here."""
        return self.since is not None and not self.fatal

    def up(self, at: datetime) -> None:
        """A connection works since `at`; one that had worked before goes on."""
        if self.fatal:
            return
        if not self.is_connected:
            self.changed_at = at
        self.since, self.fault = self.since or at, ""

    def away(self, why: str, at: datetime) -> None:
        """The connection is gone, and is tried again."""
        self._ceased(at)
        if not self.fatal:
            self.fault = why

    def end(self, why: str, at: datetime) -> None:
        """It will not work again before somebody mends it."""
        self._ceased(at)
        self.fault, self.fatal = why, True

    def _ceased(self, at: datetime) -> None:
        if self.is_connected or self.changed_at is None:
            self.changed_at = at
        self.since = None

    def told(self) -> str:
        """`off`, `ok`, or what is wrong and since when, for `/readyz`."""
        if self.mode == "off":
            return "off"
        if self.mode == "deaf":
            return _DEAF
        if self.is_connected:
            return "ok"
        since = f", since {self.changed_at:%Y-%m-%dT%H:%M:%SZ}" if self.changed_at else ""
        return f"{self.fault or 'not connected yet'}{since}"


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
