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
from contracts.slack.fates import MAYBE_DONE, Fate, fate_of, fix_of

CALL_SECONDS = 2.0
_TOO_MANY = 429
_SERVER_ERROR = 500
# Slack opens a window for a click during three seconds, and once.
_TOO_LATE = ("expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id")


class SlackRefusal(Rejected):
    """Slack said no to `method`; `reason` is its code, such as `missing_scope`, and `fate` what
    that means there.
    """

    code = "slack_refused"

    def __init__(self, method: str, reason: str) -> None:
        late = "It came too late: click once more." if reason in _TOO_LATE else None
        super().__init__(f"Slack refused: {reason}", late or fix_of(reason))
        self.reason = reason
        self.fate = fate_of(method, reason)


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
    reason, status = error_of(err), err.response.status_code
    refusal = SlackRefusal(str(err.response.api_url).rpartition("/")[2], reason)
    busy = status == _TOO_MANY or status >= _SERVER_ERROR or reason in MAYBE_DONE
    if busy or refusal.fate is Fate.RETRY:
        return Unavailable(f"Slack does not serve now ({reason})")
    return refusal


def error_of(err: SlackApiError) -> str:
    """Slack's code; a proxy's page has none."""
    data = err.response.data
    code = str(data.get("error") or "") if isinstance(data, dict) else ""
    return code if code.isidentifier() else f"HTTP {err.response.status_code}"
