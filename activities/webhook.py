"""The outgoing webhook: one POST for each revision of an incident.

The address may itself be a secret, so it never shows in an error or a log; only its host does.
Redirects are not followed: what is sent here goes where the settings say, and nowhere else.
"""

import time
from collections.abc import Callable

import httpx
from pydantic import SecretStr

from contracts.errors import Rejected, Unavailable
from contracts.message import MessageView, render_webhook

TIMEOUT_SECONDS = 10.0
RETRY_AFTER_SECONDS_MAX = 300.0
_LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS)


class WebhookChannel:
    """`client` is shared and closed by whoever made it; `token` goes out as a bearer token. A
    receiver that wants to be spared is spared, by whichever incident; `seconds` is a clock that
    only goes on.
    """

    def __init__(
        self,
        url: SecretStr,
        token: SecretStr | None,
        client: httpx.Client,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = httpx.URL(url.get_secret_value())
        self._headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        self._client = client
        self._seconds = seconds
        self._spared_until = 0.0

    def send(self, view: MessageView, idempotency_key: str) -> str:
        """Post the view; returns the idempotency key, which is the receiver's id of it too.

        Raises:
            Rejected: the receiver answered 3xx or 4xx.
            Unavailable: no answer, 5xx, or "later" (408, 425, 429), or it is still to be spared.

        """
        self._spare()
        headers = {**self._headers, "Idempotency-Key": idempotency_key}
        try:
            response = self._client.post(
                self._url,
                json=render_webhook(view),
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                follow_redirects=False,
            )
        except httpx.TransportError as err:
            raise Unavailable(f"{self._url.host}: {type(err).__name__}") from None
        self._check(response)
        return idempotency_key

    def _spare(self) -> None:
        left_seconds = self._spared_until - self._seconds()
        if left_seconds > 0:
            spared = Unavailable(f"{self._url.host} wants to be spared")
            spared.after_seconds = left_seconds
            raise spared

    def _check(self, response: httpx.Response) -> None:
        status, host = response.status_code, self._url.host
        if response.is_server_error or status in _LATER:
            later = Unavailable(f"{host} answered {status}")
            later.after_seconds = _after_seconds(response)
            self._spared_until = self._seconds() + (later.after_seconds or 0.0)
            raise later
        if not response.is_success:
            fix = "Check webhook_url and webhook_token with the receiver."
            raise Rejected(f"{host} answered {status}", fix)


def _after_seconds(response: httpx.Response) -> float | None:
    """The pause the receiver asks for, if it is a number of seconds; dates are not read."""
    text = response.headers.get("Retry-After", "")
    return min(float(text), RETRY_AFTER_SECONDS_MAX) if text.isascii() and text.isdigit() else None
