"""Slack's Web API with errors that say what to do next.

Nothing is tried twice in here: a call that Slack accepted before the line broke would be a second
message, and a pause in here would outlive the sender's lease. Temporal tries again, and the rows of
`toil.messages` know what may have happened. A method that Slack wants to be spared is spared, by
whichever incident. The token never shows in an error.
"""

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from pydantic import SecretStr
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from contracts.errors import OutcomeUnknown, Rejected, Unavailable
from contracts.slack.fates import MAYBE_DONE, Fate, fate_of, fix_of

TIMEOUT_SECONDS = 10
RETRY_AFTER_SECONDS_MAX = 300.0
_TOO_MANY = 429
_OK = 200
_CODES = 100

# Nothing has left this machine.
_UNSENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)


class SlackRefusal(Rejected):
    """Slack refused one call; `error` is its code, `fate` what that means for this method."""

    def __init__(self, method: str, error: str, needed: str = "") -> None:
        scope = f" (scope {needed})" if needed else ""
        super().__init__(f"Slack refused {method}: {error}{scope}", fix_of(error))
        self.error = error
        self.fate = fate_of(method, error)


def open_client(
    token: SecretStr, api_url: str, *, timeout_seconds: int = TIMEOUT_SECONDS
) -> WebClient:
    """A client of the bot; `api_url` ends with a slash."""
    return WebClient(
        token=token.get_secret_value(),
        base_url=api_url,
        timeout=timeout_seconds,
        retry_handlers=[],
    )


class SlackApi:
    """One method, one request. It may be used by many threads; `seconds` is a clock that only
    goes on.
    """

    def __init__(self, client: WebClient, seconds: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._seconds = seconds
        self._spared_until: dict[str, float] = {}

    def call(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """Slack's answer.

        Raises:
            SlackRefusal: Slack said no, and it will say so again.
            Unavailable: nothing was done; `after_seconds` is how long Slack wants to be left alone.
            OutcomeUnknown: it may have been done.

        """
        given = {name: value for name, value in arguments.items() if value is not None}
        return self._asked(method, lambda: self._client.api_call(method, json=given))

    def read(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """The same for the methods that take a form only."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return self._asked(method, lambda: self._client.api_call(method, params=given))

    def upload(self, channel: str, thread: str, name: str, text: str) -> None:
        """Put a text file into a thread; raises as `call` does."""
        self._asked(
            "files.completeUploadExternal",
            lambda: self._client.files_upload_v2(
                filename=name, content=text, title=name, channel=channel, thread_ts=thread
            ),
        )

    def _asked(self, method: str, ask: Callable[[], SlackResponse]) -> Mapping[str, Any]:
        self._spare(method)
        try:
            data = ask().data
        except SlackApiError as err:
            raise self._noted(method, _refused(method, err.response)) from None
        except SlackClientError as err:
            raise OutcomeUnknown(f"Slack, {method}: {type(err).__name__}") from None
        except (OSError, HTTPException) as err:
            raise _broken(method, err) from None
        return data if isinstance(data, dict) else {}

    def _spare(self, method: str) -> None:
        left_seconds = self._spared_until.get(method, 0.0) - self._seconds()
        if left_seconds > 0:
            spared = Unavailable(f"Slack wants no {method} yet")
            spared.after_seconds = left_seconds
            raise spared

    def _noted(
        self, method: str, err: Rejected | Unavailable | OutcomeUnknown
    ) -> Rejected | Unavailable | OutcomeUnknown:
        if isinstance(err, Unavailable) and err.after_seconds is not None:
            self._spared_until[method] = self._seconds() + err.after_seconds
        return err


def _refused(method: str, response: SlackResponse) -> Rejected | Unavailable | OutcomeUnknown:
    data: Mapping[str, Any] = response.data if isinstance(response.data, dict) else {}
    error = str(data.get("error", ""))[:_CODES]
    if response.status_code == _TOO_MANY or error in ("ratelimited", "rate_limited"):
        return _later(f"Slack answered {method}: too many calls", response)
    if response.status_code != _OK or error in MAYBE_DONE:
        return OutcomeUnknown(f"Slack answered {method} with {response.status_code}")
    if fate_of(method, error) is Fate.RETRY:
        return _later(f"Slack answered {method}: {error}", response)
    return SlackRefusal(method, error, str(data.get("needed", ""))[:_CODES])


def _later(message: str, response: SlackResponse) -> Unavailable:
    later = Unavailable(message)
    given = {name.lower(): str(value) for name, value in (response.headers or {}).items()}
    text = given.get("retry-after", "")
    if text.isascii() and text.isdigit():
        later.after_seconds = min(float(text), RETRY_AFTER_SECONDS_MAX)
    return later


def _broken(method: str, err: OSError | HTTPException) -> Unavailable | OutcomeUnknown:
    cause = err.reason if isinstance(err, URLError) else err
    kind = type(cause).__name__
    if isinstance(cause, _UNSENT):
        return Unavailable(f"Slack cannot be reached for {method}: {kind}")
    return OutcomeUnknown(f"the line to Slack broke during {method}: {kind}")
