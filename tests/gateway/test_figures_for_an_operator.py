"""`/metrics`: the figures that an operator writes alerts on."""

import math
import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from gateway_fakes import (
    INCIDENT,
    NOW,
    POLICY,
    FakeTemporal,
    approval,
    bearer,
    make_doors,
    open_incident,
)
from sqlalchemy import Engine

from contracts.errors import Unavailable
from contracts.journal import IncidentChange, Record
from contracts.policy import OnCall
from gateway.app import build_app
from gateway.doors import Doors
from toil.deliveries import Deliveries
from toil.messages import Messages

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"
SCHEDULES = (
    OnCall(name="primary", kind="static", people=("ana",)),
    OnCall(name="night", kind="static", people=("ben",)),
)
asynchronous = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(name="doors")
def _doors(engine: Engine, fake: FakeTemporal) -> Doors:
    """Doors of a policy with two schedules."""
    return make_doors(engine, fake, policy=POLICY.model_copy(update={"oncall": SCHEDULES}))


async def _text(here: Doors) -> str:
    transport = httpx.ASGITransport(build_app(here))
    async with httpx.AsyncClient(transport=transport, base_url="http://firebreak.test") as web:
        return (await web.get("/metrics", headers=bearer("token-ana"))).text


async def _figures(here: Doors) -> dict[str, float]:
    rows = (row.rpartition(" ") for row in (await _text(here)).splitlines() if row[0] != "#")
    return {name: float(value) for name, _, value in rows}


@asynchronous
async def test_what_waits_for_people_is_counted(doors: Doors) -> None:
    """Incidents, and the questions among them."""
    open_incident(doors.journal, asked=approval())
    told = await _figures(doors)
    assert told["firebreak_open_incidents"] == 1
    assert told["firebreak_open_approvals"] == 1
    doors.journal.record(Record(incident=INCIDENT, approval=approval("approved")))
    assert (await _figures(doors))["firebreak_open_approvals"] == 0


@asynchronous
async def test_each_group_tells_when_it_was_read(doors: Doors) -> None:
    """One that nobody ever read is there too, or an alert on its age would be silent."""
    doors.memberships.keep("oncall:primary", ["ana"], NOW)
    doors.memberships.keep("oncall:forgotten", ["ana"], NOW)
    told = await _figures(doors)
    name = "firebreak_group_read_timestamp_seconds"
    assert {k: v for k, v in told.items() if k.startswith(name)} == {
        f'{name}{{group="oncall:primary"}}': NOW.timestamp(),
        f'{name}{{group="oncall:night"}}': 0,
    }


@asynchronous
async def test_a_channel_that_lags_or_refuses_is_seen(doors: Doors, engine: Engine) -> None:
    """By its name; a message of its own within the incident is no channel."""
    open_incident(doors.journal)
    books = Messages(engine)
    books.delivered(INCIDENT, "slack", 1, "rejected: not_in_channel", NOW)
    books.delivered(INCIDENT, "slack/card", 0, "C0OPS", NOW)
    books.delivered(INCIDENT, "webhook", 99, "", NOW)
    told = await _figures(doors)
    for name, slack, webhook in (
        ("behind", 0, 0),
        ("refused", 1, 0),
        ("delivered_timestamp_seconds", 0, NOW.timestamp()),
    ):
        assert told[f'firebreak_channel_{name}{{channel="slack"}}'] == slack
        assert told[f'firebreak_channel_{name}{{channel="webhook"}}'] == webhook
    assert not [name for name in told if "card" in name]
    doors.journal.record(Record(incident=INCIDENT, change=IncidentChange(status="escalated")))
    assert (await _figures(doors))['firebreak_channel_behind{channel="slack"}'] == 1


def test_what_is_a_week_old_counts_no_more(doors: Doors, engine: Engine) -> None:
    """An alert about it would never end."""
    open_incident(doors.journal)
    Messages(engine).delivered(INCIDENT, "slack", 0, "", NOW)
    [found] = Deliveries(engine).by_channel(NOW)
    assert (found.name, found.behind, found.delivered_at) == ("slack", 1, NOW)
    assert Deliveries(engine).by_channel(NOW + timedelta(days=8)) == ()


@asynchronous
async def test_without_the_database_nothing_old_is_told(
    engine: Engine, fake: FakeTemporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A figure that stands still would look like calm."""
    doors = make_doors(engine, fake)
    open_incident(doors.journal)
    Messages(engine).delivered(INCIDENT, "slack", 0, "", NOW)
    assert (await _figures(doors))["firebreak_open_incidents"] == 1

    def away(*_: object) -> None:
        raise Unavailable("the database cannot be reached")

    monkeypatch.setattr(doors.deliveries, "by_channel", away)
    told = await _figures(doors)
    assert math.isnan(told["firebreak_open_incidents"])
    assert not [name for name in told if name.startswith("firebreak_channel")]


@asynchronous
async def test_every_figure_is_in_the_reference(doors: Doors) -> None:
    """With its labels and its kind, and nothing else stands there."""
    told = re.findall(r"^# TYPE (firebreak_\w+) (\w+)$", await _text(doors), re.MULTILINE)
    real = {(name, kind) for name, kind in told if not name.endswith("_created")}
    rows = re.findall(r"^\| `(firebreak_\w+)[^`]*` \| (\w+) \|", DOCS.read_text(), re.MULTILINE)
    assert set(rows) == real
    alerted = {
        re.sub(r"_bucket$", "", n) for n in re.findall(r"expr:.*?(firebreak_\w+)", DOCS.read_text())
    }
    assert alerted <= {name for name, _ in real}
