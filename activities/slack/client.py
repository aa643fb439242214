"""Slack's Web API with errors that say what to do next.

Nothing is tried twice in here: a call that Slack accepted before the line broke would be a second
message, and a pause in here would outlive the sender's lease. Temporal tries again, and the rows of
`toil.messages` know what may have happened. A method that Slack wants to be spared is spared, by
whichever incident. The token never shows in an error.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import aiohttp
from pydantic import SecretStr
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from contracts.errors import OutcomeUnknown, Rejected, Unavailable
from contracts.slack.fates import MAYBE_DONE, MENDABLE, Fate, fate_of, fix_of

# All of one call, from the name of the host to the last byte of the answer.
CALL_SECONDS = 6
RETRY_AFTER_SECONDS_MAX = 300.0
_TOO_MANY = 429
_OK = 200
_CODES = 100

# Nothing has left this machine.
_UNSENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)

T = TypeVar("T")


class SlackRefusal(Rejected):
    """Slack refused one call; `error` is its code, `fate` what that means for this method."""

    def __init__(self, method: str, error: str, needed: str = "") -> None:
        scope = f" (scope {needed})" if needed else ""
        super().__init__(f"Slack refused {method}: {error}{scope}", fix_of(error))
        self.error = error
        self.fate = fate_of(method, error)
        self.is_mendable = error in MENDABLE


def open_client(token: SecretStr, api_url: str, *, timeout_seconds: int) -> WebClient:
    """A client of the bot for what is only read; `api_url` ends with a slash. The bound is for
    each silence, not for the whole call.
    """
    return WebClient(
        token=token.get_secret_value(),
        base_url=api_url,
        timeout=timeout_seconds,
        retry_handlers=[],
    )


def open_bot(token: SecretStr, api_url: str) -> AsyncWebClient:
    """A client of the bot for `SlackApi`; `api_url` ends with a slash."""
    return AsyncWebClient(
        token=token.get_secret_value(), base_url=api_url, timeout=CALL_SECONDS, retry_handlers=[]
    )


class SlackApi:
    """One method, one request, `call_seconds` at most: what is given up then is cut off, so that
    it cannot be sent later. It may be used by many threads, none of which runs an event loop;
    `seconds` is a clock that only goes on.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        seconds: Callable[[], float] = time.monotonic,
        *,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._client = client
        self._seconds = seconds
        self._call_seconds = call_seconds
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

    def upload(self, place: tuple[str, str], name: str, text: str, said: str) -> None:
        """Put a text file into a thread, a channel's id and a message's timestamp, with what is
        `said` of it, which Slack parses; raises as `call` does.
        """
        channel, thread = place
        self._asked(
            "files.completeUploadExternal",
            lambda: self._client.files_upload_v2(
                filename=name,
                content=text,
                title=name,
                channel=channel,
                thread_ts=thread,
                initial_comment=said,
            ),
        )

    def _asked(
        self, method: str, ask: Callable[[], Coroutine[Any, Any, AsyncSlackResponse]]
    ) -> Mapping[str, Any]:
        self._spare(method)
        try:
            data = _within(self._call_seconds, ask).data
        except SlackApiError as err:
            raise self._noted(method, _refused(method, err.response)) from None
        except (OSError, aiohttp.ClientError) as err:
            raise _broken(method, err) from None
        except (SlackClientError, AttributeError, ValueError) as err:
            # The library meets an answer that is none of Slack's, e.g. a page or a list.
            raise OutcomeUnknown(f"Slack, {method}: {type(err).__name__}") from None
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


def _within(seconds: float, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What `ask` answers, or TimeoutError; its connection is closed in either case.

    A loop of its own is closed without waiting for the thread that may still look up a name.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asyncio.wait_for(ask(), seconds))
    finally:
        loop.close()


def _refused(method: str, response: Any) -> Rejected | Unavailable | OutcomeUnknown:
    """`response` is the library's, or that of its HTTP client where nothing could be read."""
    data = getattr(response, "data", None)
    data = data if isinstance(data, dict) else {}
    status = int(getattr(response, "status_code", None) or response.status)
    error = str(data.get("error", ""))
    if status == _TOO_MANY or error in ("ratelimited", "rate_limited"):
        return _later(f"Slack answered {method}: too many calls", response)
    # What is no code is no answer of Slack's: a proxy's page, or half an answer.
    if status != _OK or error in MAYBE_DONE or not error[:_CODES].isidentifier():
        return OutcomeUnknown(f"Slack answered {method} with {status}")
    if fate_of(method, error) is Fate.RETRY:
        return _later(f"Slack answered {method}: {error}", response)
    return SlackRefusal(method, error[:_CODES], str(data.get("needed", ""))[:_CODES])


def _later(message: str, response: Any) -> Unavailable:
    later = Unavailable(message)
    given = {name.lower(): str(value) for name, value in (response.headers or {}).items()}
    text = given.get("retry-after", "")
    if text.isascii() and text.isdigit():
        later.after_seconds = min(float(text), RETRY_AFTER_SECONDS_MAX)
    return later


def _broken(method: str, err: OSError | aiohttp.ClientError) -> Unavailable | OutcomeUnknown:
    cause = err.os_error if isinstance(err, aiohttp.ClientConnectorError) else err
    kind = type(cause).__name__
    if isinstance(err, aiohttp.ClientConnectorError) or isinstance(cause, _UNSENT):
        return Unavailable(f"Slack cannot be reached for {method}: {kind}")
    return OutcomeUnknown(f"the line to Slack broke during {method}: {kind}")
