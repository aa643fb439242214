"""Alertmanager cuts long groups: the rest is asked for, once and bounded, or named as unseen."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from gateway_fakes import POLICY, FakeTemporal, alert, bearer, hashed, notification

from contracts.alert import Alert
from contracts.policy import Source
from gateway import truncation
from gateway.app import build_app
from gateway.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="session")
URL = "http://alertmanager.test/am"
Answer = Callable[[httpx.Request], httpx.Response]


def listed(number: int, receiver: str = "firebreak", **changed: Any) -> dict[str, Any]:
    """One alert as Alertmanager's API lists it."""
    return alert(fingerprint=f"{number:016x}") | {
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []},
        "receivers": [{"name": receiver}],
        "endsAt": "2026-11-21T09:00:00.000Z",
        "updatedAt": "2026-11-21T08:26:00.000Z",
    } | changed  # fmt: skip


class Sender:
    """An Alertmanager that answers as it is told, and remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.asked.append(request)
        return self.answer(request)


def doors_with(here: Doors, sender: Sender | httpx.AsyncBaseTransport, url: str = URL) -> Doors:
    """The doors, with an Alertmanager behind the source."""
    known = Source(
        name="alerts", kind="alertmanager", token_sha256=hashed("token-alerts"), api_url=url
    )
    transport = httpx.MockTransport(sender) if isinstance(sender, Sender) else sender
    policy = POLICY.model_copy(update={"sources": (known,)})
    return replace(here, policy=policy, transport=transport)


async def post(here: Doors, **changed: Any) -> httpx.Response:
    """Send one alert of a longer group."""
    message = notification(alert(), **({"truncatedAlerts": 3} | changed))
    transport = httpx.ASGITransport(build_app(here))
    async with httpx.AsyncClient(transport=transport, base_url="http://firebreak.test") as http:
        return await http.post("/alerts/alertmanager", json=message, headers=bearer("token-alerts"))


def opened(fake: FakeTemporal) -> list[Alert]:
    """What Temporal was given."""
    return [envelope.open() for _, envelope in fake.signals]


def json_of(*alerts: Any) -> Answer:
    """An answer with this list."""
    return lambda _: httpx.Response(200, json=list(alerts))


async def test_the_rest_is_fetched_and_handed_on(here: Doors, fake: FakeTemporal) -> None:
    """One GET to the configured address, for this group; what was sent already is not repeated."""
    sender = Sender(json_of(alert() | listed(0, fingerprint=alert()["fingerprint"]),
                            listed(1), listed(2), listed(2), listed(3)))  # fmt: skip
    group = {"alertname": 'Kube"Pod"Größe', "not a name": "x"}
    answer = await post(doors_with(here, sender), groupLabels=group)
    assert answer.status_code == 202
    prints = [found.fingerprint for found in opened(fake)]
    assert sorted(prints) == sorted(["57c6d9296de2ad39", *(f"{n:016x}" for n in (1, 2, 3))])
    assert {entry["fingerprint"] for entry in answer.json()["accepted"]} == set(prints)
    assert {found.status for found in opened(fake)} == {"firing"}
    assert all(found.cut == () for found in opened(fake))
    (asked,) = sender.asked
    assert asked.method == "GET"
    assert str(asked.url).startswith(f"{URL}/api/v2/alerts?")
    assert asked.url.params.get_list("filter") == ['alertname="Kube\\"Pod\\"Größe"']
    assert asked.url.params["silenced"] == "false"


async def test_what_still_cannot_be_seen_is_counted(here: Doors, fake: FakeTemporal) -> None:
    """Resolved alerts are in no list; unreadable ones and those of other receivers do not count."""
    sender = Sender(json_of(listed(1), listed(2, labels={"a": 1}), listed(3, "pager"), "x", None))
    await post(doors_with(here, sender))
    (note,) = {found.cut[-1] for found in opened(fake)}
    assert note == (
        "3 more alerts of this group were not sent by alerts; 1 of them were fetched, "
        "1 could not be read, and 2 cannot be seen here (resolved, or too many)"
    )
    assert len(opened(fake)) == 2


async def test_no_group_is_fetched_without_end(
    here: Doors, fake: FakeTemporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storm of one group stays a bounded one."""
    monkeypatch.setattr(truncation, "FETCHED_MAX", 2)
    sender = Sender(json_of(*(listed(n) for n in range(1, 50))))
    await post(doors_with(here, sender))
    assert len(opened(fake)) == 3


def refused(_: httpx.Request) -> httpx.Response:
    """Nobody listens."""
    raise httpx.ConnectError("connection refused: password=hunter2")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda _: httpx.Response(500, text="x"), "its Alertmanager answers 500"),
        (lambda _: httpx.Response(302, headers={"Location": "http://other/"}), "answers 302"),
        (lambda _: httpx.Response(200, text="<html>"), "the answer is not JSON"),
        (lambda _: httpx.Response(200, json={"data": []}), "the answer is no list of alerts"),
        (refused, "cannot be reached (ConnectError)"),
    ],
)
async def test_a_failed_question_is_said_and_costs_no_alert(
    here: Doors, fake: FakeTemporal, answer: Answer, why: str
) -> None:
    """202 all the same, and every alert says what is missing; redirects are not followed."""
    sender = Sender(answer)
    assert (await post(doors_with(here, sender))).status_code == 202
    (found,) = opened(fake)
    assert found.cut[-1].startswith("3 more alerts of this group were not sent by alerts, and")
    assert why in found.cut[-1]
    assert "hunter2" not in found.cut[-1]
    assert len(sender.asked) == 1


class Endless(httpx.AsyncByteStream):
    """A body that never ends."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Send a little, for ever."""
        while True:
            await asyncio.sleep(0)
            yield b" " * 1000


async def test_an_answer_without_end_is_given_up(
    here: Doors, fake: FakeTemporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its size."""
    monkeypatch.setattr(truncation, "ANSWER_BYTES_MAX", 100_000)
    sender = Sender(lambda _: httpx.Response(200, stream=Endless()))
    await post(doors_with(here, sender))
    assert "larger than 100000 bytes" in opened(fake)[0].cut[-1]


class Hanging(httpx.AsyncBaseTransport):
    """Never answers."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for nothing."""
        await asyncio.Event().wait()
        raise httpx.ConnectError(str(request.url))


async def test_a_silent_alertmanager_is_given_up(
    here: Doors, fake: FakeTemporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender's own message must not wait for it."""
    monkeypatch.setattr(truncation, "FETCH_SECONDS", 0.05)
    await post(doors_with(here, Hanging()))
    assert "no answer within 0.05 s" in opened(fake)[0].cut[-1]


async def test_nothing_is_asked_without_a_configured_address(
    here: Doors, fake: FakeTemporal
) -> None:
    """Never the address that the message itself names."""
    sender = Sender(json_of(listed(1)))
    await post(doors_with(here, sender, url=""), externalURL="http://elsewhere.test")
    assert sender.asked == []
    assert "sources.alerts.api_url is not set" in opened(fake)[0].cut[-1]


async def test_a_whole_group_asks_nothing(here: Doors) -> None:
    """Only truncation is worth a question."""
    sender = Sender(json_of(listed(1)))
    await post(doors_with(here, sender), truncatedAlerts=0)
    assert sender.asked == []


async def test_fetched_alerts_are_redacted_too(here: Doors, fake: FakeTemporal) -> None:
    """They come in by another way, and pass the same door."""
    secret = listed(1, annotations={"summary": "password=hunter2"})
    await post(doors_with(here, Sender(json_of(secret))))
    assert "hunter2" not in json.dumps([found.model_dump(mode="json") for found in opened(fake)])
