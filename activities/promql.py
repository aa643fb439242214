"""Prometheus' HTTP API, as far as instant queries go: one question, one bounded answer.

What the server says about the question (a syntax error, too many samples) is final; what it says
about itself (overloaded, starting, away) is tried again. Neither its address nor its token shows
in an error: only its host.
"""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from contracts.errors import Rejected, Unavailable
from contracts.redact import redact

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 15.0
SERVER_SECONDS = 10
WHOLE_SECONDS = 30.0
ANSWER_BYTES_MAX = 1_048_576
SAID_CHARS_MAX = 300

NOT_SERVED_FIX = "Give the base URL of its Prometheus under [prometheus] in firebreak.toml."
_ADDRESS_FIX = "Check the cluster's URL under [prometheus] in firebreak.toml."
_ACCESS_FIX = "Check the bearer token that the worker uses for this Prometheus."
_QUERY_FIX = "Correct the query; try it on the Prometheus' own page."
_SIZE_FIX = "Aggregate the query, for example with sum by (namespace) or topk(10, …)."
_LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY, httpx.codes.TOO_MANY_REQUESTS)
_FORBIDDEN = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
_OF_THE_QUERY = (httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY)


@dataclass(frozen=True)
class Series:
    """One series of an answer. `text` is its value as the server wrote it; `number` is None for
    what no JSON number can be: NaN, infinities, histograms.
    """

    labels: Mapping[str, str]
    text: str

    @property
    def number(self) -> float | None:
        """The value, finite."""
        try:
            value = float(self.text)
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    def __str__(self) -> str:
        """`up{job="node"} 1`; a scalar is its value alone."""
        name = self.labels.get("__name__", "")
        pairs = ((key, value) for key, value in self.labels.items() if key != "__name__")
        told = ", ".join(f'{key}="{value}"' for key, value in pairs)
        return f"{name}{{{told}}} {self.text}" if self.labels else self.text


@dataclass(frozen=True)
class Answer:
    """The series in the server's order; `warnings` say that something may be missing."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()


class Prometheus:
    """The Prometheus of each cluster, by its base URL. `client` is shared and closed by whoever
    made it; `token` goes to all of them as a bearer token. A cluster without a URL has none.
    """

    def __init__(
        self, urls: Mapping[str, str], client: httpx.Client, token: SecretStr | None = None
    ) -> None:
        self._urls = {cluster: httpx.URL(url.rstrip("/")) for cluster, url in urls.items() if url}
        # What is not packed cannot grow beyond what was counted.
        self._headers = {"Accept-Encoding": "identity"}
        if token:
            self._headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        self._client = client

    def ask(self, cluster: str, query: str) -> Answer | None:
        """The answer to an instant query now, or None for a cluster without Prometheus.

        Raises:
            Rejected: the query, the address or the token is wrong, or the answer too large.
            Unavailable: no answer, or "later".

        """
        url = self._urls.get(cluster)
        if url is None:
            return None
        try:
            status, body = self._post(url, query)
        except httpx.HTTPError as err:
            raise Unavailable(f"{url.host}: no answer ({type(err).__name__})") from None
        return _read(url.host, status, body)

    def _post(self, url: httpx.URL, query: str) -> tuple[int, bytes]:
        """The status and the body, which is not read further than it may be long."""
        to = url.copy_with(path=f"{url.path.rstrip('/')}/api/v1/query")
        request = {"data": {"query": query, "timeout": f"{SERVER_SECONDS}s"}}
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        options: dict[str, Any] = {"timeout": timeout, "follow_redirects": False, **request}
        with self._client.stream("POST", to, headers=self._headers, **options) as response:
            return response.status_code, _body(url.host, response)


def _body(host: str, response: httpx.Response) -> bytes:
    """The whole body; one that is too long, or that only drips, is given up."""
    body, until = b"", time.monotonic() + WHOLE_SECONDS
    for part in response.iter_bytes():
        body += part
        if len(body) > ANSWER_BYTES_MAX:
            said = f"{host}: the answer is larger than {ANSWER_BYTES_MAX} bytes"
            raise Rejected(said, _SIZE_FIX)
        if time.monotonic() > until:
            raise Unavailable(f"{host}: no whole answer within {WHOLE_SECONDS:.0f} s")
    return body


def _read(host: str, status: int, body: bytes) -> Answer:
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status in _LATER:
        raise Unavailable(f"{host} answered {status} {_said(body)}".rstrip())
    if status in _OF_THE_QUERY:
        raise Rejected(f"{host} refused the query: {_said(body)}", _QUERY_FIX)
    if status != httpx.codes.OK:
        fix = _ACCESS_FIX if status in _FORBIDDEN else _ADDRESS_FIX
        raise Rejected(f"{host} answered {status}", fix)
    answer = _json(body)
    data = answer.get("data")
    if answer.get("status") != "success" or not isinstance(data, dict):
        raise Rejected(f"{host} did not answer as a Prometheus does", _ADDRESS_FIX)
    warnings = answer.get("warnings")
    told = tuple(str(text) for text in warnings) if isinstance(warnings, list) else ()
    return Answer(_series(host, data), told)


def _series(host: str, data: dict[str, Any]) -> tuple[Series, ...]:
    kind, result = data.get("resultType"), data.get("result")
    if kind not in ("vector", "scalar"):
        said = f"{host}: the query gives a {kind}, not an instant vector or a scalar"
        raise Rejected(said, _QUERY_FIX)
    if not isinstance(result, list):
        raise Rejected(f"{host} did not answer as a Prometheus does", _ADDRESS_FIX)
    if kind == "scalar":
        return (Series({}, _value(result)),)
    return tuple(_one(item) for item in result if isinstance(item, dict))


def _one(item: dict[str, Any]) -> Series:
    metric = item.get("metric")
    labels = metric if isinstance(metric, dict) else {}
    return Series({str(k): str(v) for k, v in labels.items()}, _value(item.get("value")))


def _value(pair: Any) -> str:
    """The value of `[time, "value"]`; a histogram has none."""
    return str(pair[1]) if isinstance(pair, list) and len(pair) > 1 else "no number"


def _said(body: bytes) -> str:
    """The server's own sentence, redacted and short."""
    return redact(str(_json(body).get("error") or ""))[:SAID_CHARS_MAX]


def _json(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
