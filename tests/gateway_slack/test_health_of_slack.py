"""What a gateway says of Slack: `/readyz` and `/metrics`."""

import asyncio
import math

import httpx
import pytest
from gateway_fakes import FakeTemporal, bearer, make_doors
from gateway_slack.slack_door import ANA, OPS, Door, until
from sqlalchemy import Engine

from contracts.slack import ids
from gateway.app import build_app
from gateway.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _get(here: Doors, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(build_app(here))
    async with httpx.AsyncClient(transport=transport, base_url="http://firebreak.test") as web:
        return await web.get(path, headers=bearer("token-ana"))


async def test_without_slack_it_is_off(engine: Engine, fake: FakeTemporal) -> None:
    """And nothing is missing."""
    answer = await _get(make_doors(engine, fake), "/readyz")
    assert answer.json() == {"ready": True, "temporal": "ok", "database": "ok", "slack": "off"}


async def test_a_gateway_is_ready_without_slack(at: Door) -> None:
    """Browser and command line work on; the reason is told."""
    assert (await _get(at.here, "/readyz")).json()["slack"] == "ok"
    await asyncio.to_thread(at.slack.go_away)
    await until(lambda: not at.here.slack.is_connected)
    answer = await _get(at.here, "/readyz")
    assert answer.status_code == 200
    assert answer.json()["ready"] is True
    assert "Slack" in answer.json()["slack"]
    assert answer.json()["slack"].endswith(f", since {at.clock():%Y-%m-%dT%H:%M:%SZ}")


async def _figures(here: Doors) -> dict[str, float]:
    rows = (await _get(here, "/metrics")).text.splitlines()
    told = (row.rpartition(" ") for row in rows if not row.startswith("#"))
    return {name: float(value) for name, _, value in told}


async def test_metrics_tell_of_the_connection(at: Door) -> None:
    """Whether people are heard and since when, and when Slack last answered a ping."""
    await until(lambda: at.here.slack.last_ping_at is not None)
    well = await _figures(at.here)
    assert well["firebreak_slack_connected"] == 1
    assert well["firebreak_slack_changed_timestamp_seconds"] == at.clock().timestamp()
    assert well["firebreak_slack_last_ping_timestamp_seconds"] > 0
    at.clock.move(60)
    await asyncio.to_thread(at.slack.go_away)
    await until(lambda: not at.here.slack.is_connected)
    away = await _figures(at.here)
    assert away["firebreak_slack_connected"] == 0
    assert away["firebreak_slack_changed_timestamp_seconds"] == at.clock().timestamp()
    at.clock.move(60)
    again = await _figures(at.here)
    assert again["firebreak_slack_changed_timestamp_seconds"] == at.clock().timestamp() - 60


async def test_without_slack_an_alert_on_the_connection_is_silent(
    engine: Engine, fake: FakeTemporal
) -> None:
    """`== 0` does not hold for what is not there."""
    told = await _figures(make_doors(engine, fake))
    assert math.isnan(told["firebreak_slack_connected"])
    assert math.isnan(told["firebreak_slack_changed_timestamp_seconds"])


async def test_what_people_do_is_counted_from_nought(at: Door) -> None:
    """So that the first one that is lost is seen in a rate."""
    before = await _figures(at.here)
    assert before['firebreak_slack_actions_total{result="not_recorded"}'] == 0
    assert math.isnan(before["firebreak_slack_last_action_timestamp_seconds"])
    _, ts = await at.ask()
    await asyncio.to_thread(at.slack.click, ANA, OPS, ts, ids.APPROVE)
    await at.ended(1)
    after = await _figures(at.here)
    assert after['firebreak_slack_actions_total{result="ok"}'] == 1
    assert after['firebreak_decisions_total{result="approve"}'] == 1
    assert after["firebreak_slack_last_action_timestamp_seconds"] == at.clock().timestamp()
