"""One bounded GET. An address may itself be a secret, so only its host shows in an error."""

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

from contracts.errors import Rejected, Unavailable

# All of it: who waits for the answer waits for a judgement.
WHOLE_SECONDS = 4.0
CONNECT_SECONDS = 3.0
BODY_BYTES_MAX = 2 * 1024 * 1024
_LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS)


class Asked(NamedTuple):
    """Where to ask, and with what; `fix` says what a person does about a refusal."""

    url: str
    fix: str
    headers: Mapping[str, str] = {}
    params: tuple[tuple[str, str], ...] = ()


def fetch(client: httpx.Client, asked: Asked) -> bytes:
    """The body of a 200. Redirects are not followed: the policy says whom to believe.

    Raises:
        Rejected: any other answer, or one that is too long.
        Unavailable: no whole answer in time, 5xx, or "later".

    """
    host = httpx.URL(asked.url).host
    try:
        return _whole(client, asked, host)
    except httpx.HTTPError as err:
        raise Unavailable(f"{host}: no answer ({type(err).__name__})") from None


def fetch_json(client: httpx.Client, asked: Asked) -> dict[str, Any]:
    """The same as an object of JSON; anything else is Rejected."""
    body = fetch(client, asked)
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise Rejected(f"{httpx.URL(asked.url).host} did not answer with a JSON object", asked.fix)
    return answer


def _whole(client: httpx.Client, asked: Asked, host: str) -> bytes:
    until, body = time.monotonic() + WHOLE_SECONDS, b""
    options: dict[str, Any] = {
        # What is not packed cannot grow beyond what was counted.
        "headers": {**asked.headers, "Accept-Encoding": "identity"},
        # An empty list would take away what the address itself asks.
        "params": asked.params or None,
        "timeout": httpx.Timeout(WHOLE_SECONDS, connect=CONNECT_SECONDS),
        "follow_redirects": False,
    }
    with client.stream("GET", asked.url, **options) as response:
        _check(response, host, asked.fix)
        for part in response.iter_bytes():
            body += part
            if len(body) > BODY_BYTES_MAX:
                said = f"{host}: the answer is larger than {BODY_BYTES_MAX} bytes"
                raise Rejected(said, asked.fix)
            if time.monotonic() > until:
                raise Unavailable(f"{host}: no whole answer within {WHOLE_SECONDS:.0f} s")
    return body


def _check(response: httpx.Response, host: str, fix: str) -> None:
    status = response.status_code
    if response.is_server_error or status in _LATER:
        raise Unavailable(f"{host} answered {status}")
    if status != httpx.codes.OK:
        raise Rejected(f"{host} answered {status}", fix)
