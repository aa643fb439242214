"""What Alertmanager left out of a message (`max_alerts`), fetched from it, or named as unseen.

One bounded question, only to the address that the policy gives for the source: never to one that
a message names. A message is taken with or without an answer, because its own alerts must not
wait for others.
"""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
from starlette.concurrency import run_in_threadpool

from contracts.alert import Alert
from contracts.errors import FirebreakError
from gateway.alertmanager import Message, Reader, Unreadable, read_alert
from gateway.strict_json import parse

logger = logging.getLogger(__name__)

FETCH_SECONDS = 3.0
FETCHED_MAX = 500
ANSWER_BYTES_MAX = 10_000_000
PATH = "/api/v2/alerts"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_ACTIVE = {"active": "true", "silenced": "false", "inhibited": "false", "unprocessed": "false"}


class _Unfetched(Exception):
    """Alertmanager gave no list."""


class _Rest(NamedTuple):
    """The alerts beyond those that were sent, and how many could not be read."""

    alerts: tuple[Alert, ...] = ()
    unreadable: int = 0


async def whole_group(
    message: Message, reader: Reader, transport: httpx.AsyncBaseTransport | None
) -> tuple[Alert, ...]:
    """The alerts of a message and what could be had of the rest. Where some stay unseen, every
    alert says so in `cut`; never raises for what another system does.
    """
    if not message.truncated:
        return message.accepted
    try:
        rest = await _fetched(message, reader, transport)
        why = ""
    except _Unfetched as err:
        rest, why = _Rest(), str(err)
    note = _note(message, rest, reader.source.name, why)
    extra = {"source": reader.source.name, "fetched": len(rest.alerts), "note": note}
    logger.warning("alerts were truncated", extra=extra)
    return tuple(_marked(alert, note) for alert in (*message.accepted, *rest.alerts))


def _note(message: Message, rest: _Rest, source: str, why: str) -> str:
    unseen = message.truncated - len(rest.alerts)
    left_out = f"{message.truncated} more alerts of this group were not sent by {source}"
    if unseen <= 0:
        return ""
    if why:
        return f"{left_out}, and cannot be seen here: {why}"
    known = f"{len(rest.alerts)} of them were fetched"
    bad = f", {rest.unreadable} could not be read" if rest.unreadable else ""
    return f"{left_out}; {known}{bad}, and {unseen} cannot be seen here (resolved, or too many)"


def _marked(alert: Alert, note: str) -> Alert:
    return alert.model_copy(update={"cut": (*alert.cut, note)}) if note else alert


async def _fetched(
    message: Message, reader: Reader, transport: httpx.AsyncBaseTransport | None
) -> _Rest:
    if not reader.source.api_url:
        raise _Unfetched(f"sources.{reader.source.name}.api_url is not set")
    try:
        async with (
            asyncio.timeout(FETCH_SECONDS),
            httpx.AsyncClient(transport=transport, timeout=FETCH_SECONDS) as http,
        ):
            body = await _answer(http, reader.source.api_url, message)
    except (TimeoutError, httpx.TimeoutException):
        raise _Unfetched(f"no answer within {FETCH_SECONDS:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as err:
        raise _Unfetched(f"its Alertmanager cannot be reached ({type(err).__name__})") from None
    return await run_in_threadpool(_read, body, message, reader)


async def _answer(http: httpx.AsyncClient, api_url: str, message: Message) -> bytes:
    url = api_url.rstrip("/") + PATH
    body = b""
    async with http.stream("GET", url, params=_question(message)) as response:
        if response.status_code != httpx.codes.OK:
            raise _Unfetched(f"its Alertmanager answers {response.status_code}")
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > ANSWER_BYTES_MAX:
                raise _Unfetched(f"the list is larger than {ANSWER_BYTES_MAX} bytes")
    return body


def _question(message: Message) -> tuple[tuple[str, str], ...]:
    """The group's alerts that fire; a few of a neighbouring group may come along and are welcome,
    because they are sent to us too. A label's value is quoted as JSON quotes it.
    """
    filters = [
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in message.group.items()
        if _NAME.fullmatch(name)
    ]
    return (*_ACTIVE.items(), *(("filter", text) for text in filters))


def _read(body: bytes, message: Message, reader: Reader) -> _Rest:
    try:
        listed = parse(body)
    except FirebreakError as err:
        raise _Unfetched("the answer is not JSON") from err
    if not isinstance(listed, list):
        raise _Unfetched("the answer is no list of alerts")
    sent = {alert.fingerprint for alert in message.accepted}
    found: dict[str, Alert] = {}
    unreadable = 0
    for raw in _of_receiver(listed, message.receiver):
        try:
            alert = read_alert(raw | {"status": "firing", "endsAt": None}, reader)
        except Unreadable:
            unreadable += 1
            continue
        if alert.fingerprint not in sent:
            found.setdefault(alert.fingerprint, alert)
        if len(found) >= FETCHED_MAX:
            break
    return _Rest(tuple(found.values()), unreadable)


def _of_receiver(listed: list[Any], receiver: str) -> Iterator[dict[str, Any]]:
    """Alerts that go to the same receiver; the API's own filter would be a regular expression."""
    for raw in listed:
        receivers = raw.get("receivers") if isinstance(raw, dict) else None
        named = [r.get("name") for r in _dicts(receivers)]
        if isinstance(raw, dict) and (not receiver or receiver in named):
            yield raw


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
