"""The Alertmanager door, over HTTP."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from gateway_fakes import (
    WORKFLOW,
    FakeTemporal,
    alert,
    basic,
    bearer,
    down,
    make_doors,
    notification,
    raw,
)

from contracts.errors import Unavailable
from gateway import alerts
from gateway.app import build_app
from gateway.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient
DOOR = "/alerts/alertmanager"
SENDER = bearer("token-alerts")
JSON = {"Content-Type": "application/json"}


async def test_an_alert_with_a_workload_starts_its_incident(
    http: Client, fake: FakeTemporal
) -> None:
    """202 with the workflow, and one signal that holds the alert."""
    response = await http.post(DOOR, json=notification(alert()), headers=SENDER)
    assert response.status_code == 202
    fingerprint = "57c6d9296de2ad39"
    assert response.json() == {
        "accepted": [{"fingerprint": fingerprint, "workflow": WORKFLOW}],
        "rejected": [],
    }
    assert [start.workflow for start in fake.started] == ["Incident"]
    assert [w for w, _ in fake.signals] == [WORKFLOW]
    assert fake.signals[0][1].open().fingerprint == fingerprint


async def test_a_pod_goes_to_triage(http: Client, fake: FakeTemporal) -> None:
    """The door never follows a pod to its owner itself."""
    labels = {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": "user-auth-6-x"}
    message = notification(alert() | {"labels": labels})
    response = await http.post(DOOR, json=message, headers=SENDER)
    assert response.json()["accepted"][0]["workflow"] == "triage/alerts/57c6d9296de2ad39"
    assert fake.started[0].workflow == "Triage"
    subject = fake.signals[0][1].open().subject
    assert subject is not None
    assert subject.name == "user-auth-6-x"


async def test_a_resolve_that_nobody_waits_for_is_accepted(
    http: Client, fake: FakeTemporal
) -> None:
    """It starts nothing: there is nothing to heal."""
    message = notification(alert(status="resolved", endsAt="2026-11-21T08:29:00Z"))
    response = await http.post(DOOR, json=message, headers=SENDER)
    assert response.status_code == 202
    assert len(response.json()["accepted"]) == 1
    assert fake.started == []
    assert fake.signals == []


async def test_a_hundred_deliveries_start_one_workflow(http: Client, fake: FakeTemporal) -> None:
    """Also when they arrive at once."""
    message = raw(alert())
    posts = [http.post(DOOR, content=message, headers=SENDER | JSON) for _ in range(100)]
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {202}
    assert len(fake.started) == 1


async def test_repeats_inside_one_message_are_signalled_once(
    http: Client, fake: FakeTemporal
) -> None:
    """Every one of them is listed as accepted."""
    response = await http.post(DOOR, json=notification(*[alert()] * 50), headers=SENDER)
    assert len(response.json()["accepted"]) == 50
    assert len(fake.signals) == 1


async def test_a_bad_alert_is_quarantined_beside_good_ones(http: Client, here: Doors) -> None:
    """Still 202, because a 4xx would bring the whole group back every five minutes."""
    message = notification(alert(), alert(status="FIRING"), "nonsense")  # type: ignore[arg-type]
    response = await http.post(DOOR, json=message, headers=SENDER)
    assert response.status_code == 202
    assert [r["index"] for r in response.json()["rejected"]] == [1, 2]
    kept = here.journal.quarantined()
    assert sorted(q.index for q in kept) == [1, 2]
    assert "crash-loops" not in " ".join(q.excerpt for q in kept)


async def test_temporal_away_means_send_again(http: Client, fake: FakeTemporal) -> None:
    """503, and Retry-After for senders that read it."""
    fake.failure = Unavailable("Temporal cannot be reached")
    response = await http.post(DOOR, json=notification(alert()), headers=SENDER)
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "unavailable"
    assert response.headers["Retry-After"] == "5"


async def test_a_temporal_that_hangs_is_given_up(
    http: Client, fake: FakeTemporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender is answered within the request's bound."""
    monkeypatch.setattr("gateway.handover.HANDOVER_SECONDS", 0.05)

    async def hang(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(fake, "signal_with_start", hang)
    response = await http.post(DOOR, json=notification(alert()), headers=SENDER)
    assert response.status_code == 503


async def test_at_most_sixteen_starts_run_at_once(
    http: Client, fake: FakeTemporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storm is worked off, not thrown at Temporal."""
    now, most = 0, 0

    async def count(*_: Any) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    monkeypatch.setattr(fake, "signal_with_start", count)
    storm = [alert(fingerprint=f"{n:016x}") for n in range(100)]
    response = await http.post(DOOR, json=notification(*storm), headers=SENDER)
    assert len(response.json()["accepted"]) == 100
    assert most == 16


async def test_a_database_that_is_away_stops_only_quarantine(
    http: Client, fake: FakeTemporal, here: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good alerts need no database; a bad one cannot be forgotten, so it comes again."""
    monkeypatch.setattr(here.journal, "quarantine", lambda *_, **__: down())
    good = await http.post(DOOR, json=notification(alert()), headers=SENDER)
    assert good.status_code == 202
    bad = await http.post(DOOR, json=notification(alert(), alert(labels={"a": 1})), headers=SENDER)
    assert bad.status_code == 503
    assert len(fake.signals) == 2


@pytest.mark.parametrize("sent", [{}, bearer("wrong"), bearer(""), bearer("token-ana"), basic("")])
async def test_a_stranger_is_told_to_authenticate(http: Client, sent: dict[str, str]) -> None:
    """A person's token is no sender's."""
    response = await http.post(DOOR, json=notification(alert()), headers=sent)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["error"]["fix"]


async def test_basic_authentication_takes_the_token_as_password(http: Client) -> None:
    """Old Alertmanagers know no bearer token."""
    response = await http.post(DOOR, json=notification(alert()), headers=basic("token-alerts"))
    assert response.status_code == 202


async def test_the_token_of_another_door_is_refused(http: Client) -> None:
    """The answer names the door it belongs to."""
    response = await http.post(DOOR, json=notification(alert()), headers=bearer("token-duty"))
    assert response.status_code == 403
    assert "pagerduty" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b"[" * 100_000, 400),
        (b'{"alerts": [NaN]}', 400),
        (b'{"alerts": [1e999]}', 400),
        (b'{"alerts": [' + b"1" * 5000 + b"]}", 400),
        (b'{"alerts": [], "alerts": []}', 400),
        (b"\xff\xfe", 400),
        (b"\xef\xbb\xbf{}", 400),
        (json.dumps(notification()).encode("utf-16-le"), 400),
        (b"[]", 422),
        (b"null", 422),
        (b"{}", 422),
        (b'{"alerts": null}', 422),
        (b'{"alerts": {}}', 422),
        (b'{"version": "1", "alerts": []}', 422),
        (b'{"version": 4, "alerts": []}', 422),
        (b'{"version": "4", "alerts": []}', 202),
        (b'{"alerts": [], "truncatedAlerts": -1}', 202),
        (b'{"alerts": [], "truncatedAlerts": "3"}', 202),
    ],
)
async def test_hostile_bodies_get_a_clear_answer(http: Client, body: bytes, status: int) -> None:
    """A refusal has a code, a message and a fix."""
    response = await http.post(DOOR, content=body, headers=SENDER | JSON)
    assert response.status_code == status
    if status != 202:
        assert all(response.json()["error"][part] for part in ("code", "message", "fix"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_other_types_and_compression_are_unsupported(
    http: Client, headers: dict[str, str]
) -> None:
    """No sender here compresses; 97 kB of gzip may hold 100 MB."""
    body = gzip.compress(raw(alert()))
    response = await http.post(DOOR, content=body, headers=SENDER | headers)
    assert response.status_code == 415


async def test_too_large_a_body_is_refused_by_what_it_announces(http: Client) -> None:
    """Nothing of it is read."""
    large = b" " * 10_000_001
    response = await http.post(DOOR, content=large, headers=SENDER | JSON)
    assert response.status_code == 413


async def test_too_large_a_body_is_refused_while_it_arrives(http: Client) -> None:
    """A chunked body announces nothing."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 1_000_000

    response = await http.post(DOOR, content=chunks(), headers=SENDER | JSON)
    assert response.status_code == 413


async def test_a_slow_body_is_given_up(http: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, so that a sender on a bad line tries again."""
    monkeypatch.setattr(alerts, "BODY_SECONDS", 0.05)

    async def trickle() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    response = await http.post(DOOR, content=trickle(), headers=SENDER | JSON)
    assert response.status_code == 503


async def test_other_methods_are_refused_as_json(http: Client) -> None:
    """405 in the one shape of errors."""
    response = await http.put(DOOR, json={}, headers=SENDER)
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"


async def test_truncation_is_written_on_every_alert(http: Client, fake: FakeTemporal) -> None:
    """People must see that there is something they cannot see."""
    message = notification(alert(), truncatedAlerts=3)
    await http.post(DOOR, json=message, headers=SENDER)
    assert "3 more alerts" in fake.signals[0][1].open().cut[-1]


@pytest.mark.parametrize(
    ("door", "token"), [("/alerts/pagerduty", "token-duty"), ("/alerts/grafana", "token-alerts")]
)
async def test_doors_that_are_not_built_say_so(http: Client, door: str, token: str) -> None:
    """501 to its own sender, 403 to another."""
    response = await http.post(door, json={}, headers=bearer(token))
    assert response.status_code == (501 if token == "token-duty" else 403)
    assert response.json()["error"]["fix"]


async def test_figures_are_counted_by_source(http: Client, ana: Client) -> None:
    """Received, accepted, rejected and seen before."""
    message = notification(alert(), alert(status="odd"))
    for _ in range(2):
        await http.post(DOOR, json=message, headers=SENDER)
    text = (await ana.get("/metrics")).text
    assert 'firebreak_alerts_received_total{source="alerts"} 4.0' in text
    assert 'firebreak_alerts_accepted_total{source="alerts"} 2.0' in text
    assert 'firebreak_alerts_rejected_total{source="alerts"} 2.0' in text
    assert 'firebreak_alerts_duplicates_total{source="alerts"} 1.0' in text
    assert 'firebreak_door_seconds_count{source="alerts",status="202"} 2.0' in text


async def test_two_apps_share_no_counter(app: FastAPI, here: Doors, fake: FakeTemporal) -> None:
    """Each has a registry of its own."""
    other = build_app(make_doors(here.journal._engine, fake))
    assert other.state.doors.metrics.registry is not app.state.doors.metrics.registry
