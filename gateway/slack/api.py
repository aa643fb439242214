"""Slack's methods, each bounded, with its errors in our words.

What went wrong ends here: a handler sees `SlackRefusal` with Slack's own code, or `Unavailable`.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from contracts.errors import Rejected, Unavailable

CALL_SECONDS = 2.0
_TRANSIENT = (
    "ratelimited",
    "service_unavailable",
    "internal_error",
    "fatal_error",
    "team_added_to_org",
)
_SERVER_ERROR = 500


class SlackRefusal(Rejected):
    """Slack said no; `reason` is its code, such as `missing_scope`."""

    code = "slack_refused"

    def __init__(self, reason: str, fix: str | None = None) -> None:
        super().__init__(f"Slack refused: {reason}", fix)
        self.reason = reason


def web_client(
    token: SecretStr | None, api_url: str, session: aiohttp.ClientSession | None = None
) -> AsyncWebClient:
    """A client that repeats nothing by itself: who clicked is waiting, and may click again."""
    return AsyncWebClient(
        token=token.get_secret_value() if token else None,
        base_url=api_url,
        timeout=10,
        session=session,
        retry_handlers=[],
    )


async def call(
    asked: Awaitable[AsyncSlackResponse], seconds: float = CALL_SECONDS
) -> dict[str, Any]:
    """The answer of one method, within `seconds`.

    Raises:
        SlackRefusal: Slack's own error.
        Unavailable: no answer, or one that may pass by itself.

    """
    try:
        async with asyncio.timeout(seconds):
            answer = await asked
    except SlackApiError as err:
        raise _refusal(err) from err
    except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as err:
        raise Unavailable("Slack does not answer") from err
    data = answer.data
    return data if isinstance(data, dict) else {}


def _refusal(err: SlackApiError) -> SlackRefusal | Unavailable:
    reason = error_of(err)
    if reason in _TRANSIENT or err.response.status_code >= _SERVER_ERROR:
        return Unavailable(f"Slack does not serve now ({reason})")
    return SlackRefusal(reason)


def error_of(err: SlackApiError) -> str:
    """Slack's code; a proxy's page has none."""
    data = err.response.data
    code = data.get("error") if isinstance(data, dict) else None
    return str(code or f"HTTP {err.response.status_code}")
