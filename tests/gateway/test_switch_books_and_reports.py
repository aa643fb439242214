"""The kill switch, the books, the report, and what tells that the gateway serves."""

import json
from typing import Any

import httpx
import pytest
from gateway_fakes import FakeTemporal, bearer, down

from contracts.errors import Unavailable
from gateway.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient
MIA = bearer("token-mia")


async def test_the_kill_switch_is_switched_and_listed(ana: Client) -> None:
    """By whom, why and since when."""
    answer = await ana.put("/pause", json={"scope": "namespace:shop", "reason": "deploy"})
    item = {"scope": "namespace:shop", "reason": "deploy", "person": "ana"}
    assert answer.json() == {"items": [item | {"at": "2026-11-21T08:30:00Z"}]}
    assert (await ana.delete("/pause", params={"scope": "namespace:shop"})).json() == {"items": []}
    assert (await ana.delete("/pause", params={"scope": "all"})).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"scope": "everything", "reason": "x"},
        {"scope": "namespace:", "reason": "x"},
        {"scope": "cluster:elsewhere", "reason": "x"},
        {"scope": "all"},
        {"scope": "all", "reason": "  "},
    ],
)
async def test_a_switch_that_would_stop_nothing_is_refused(
    ana: Client, here: Doors, body: dict[str, str]
) -> None:
    """A typing error must not look like a pause."""
    assert (await ana.put("/pause", json=body)).status_code == 422
    assert here.pauses.all() == ()


@pytest.mark.parametrize("scope", ["everything", "namespace:", "shop", "namespace: shop", ""])
async def test_a_scope_that_is_none_is_answered_with_examples(ana: Client, scope: str) -> None:
    """In words, when it is switched on and off; nobody reads a pattern at night."""
    on = await ana.put("/pause", json={"scope": scope, "reason": "x"})
    off = await ana.delete("/pause", params={"scope": scope})
    for answer in (on, off):
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert error["message"] == f"'{scope}' is nothing that can be paused"
        assert "namespace:shop" in error["fix"]
    told = (await ana.put("/pause", json={"scope": "all", "reason": " "})).json()["error"]
    assert told["message"].startswith("reason: say in a few words why")


async def test_a_manager_does_not_pause(http: Client, here: Doors) -> None:
    """But sees what is paused."""
    body = {"scope": "all", "reason": "x"}
    assert (await http.put("/pause", json=body, headers=MIA)).status_code == 403
    assert (await http.get("/pause", headers=MIA)).status_code == 200
    assert here.pauses.all() == ()


async def test_work_is_logged_once_for_one_key(ana: Client, here: Doors) -> None:
    """201, then 200 with the same entry."""
    body = {"seconds": 1500, "text": "restarted user-auth by hand", "service": "user-auth"}
    first = await ana.post("/toil/entries", json=body, headers={"Idempotency-Key": "a"})
    again = await ana.post("/toil/entries", json=body, headers={"Idempotency-Key": "a"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    entry = here.ledger.entries()[0]
    assert (entry.person, entry.team, entry.category) == ("ana", "shop", "firefighting")
    assert len(here.ledger.entries()) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": 0},
        {"seconds": -5},
        {"seconds": 90_000},
        {"seconds": 1.5},
        {"text": ""},
        {"category": "fun"},
        {"occurred_at": "2027-01-01T00:00:00Z"},
        {"occurred_at": "2020-01-01T00:00:00Z"},
        {"occurred_at": "2026-11-20T10:00:00"},
        {"person": "ben"},
    ],
)
async def test_an_entry_that_cannot_be_true_is_refused(
    ana: Client, here: Doors, changed: dict[str, object]
) -> None:
    """And nobody logs for somebody else."""
    answer = await ana.post("/toil/entries", json={"seconds": 60, "text": "x"} | changed)
    assert answer.status_code == 422
    assert here.ledger.entries() == ()


async def test_a_person_sees_their_own_rows_only(ana: Client, http: Client) -> None:
    """Whatever their role."""
    await ana.post("/toil/entries", json={"seconds": 60, "text": "secret of ana"})
    mine = (await ana.get("/toil/me")).json()
    assert [entry["text"] for entry in mine["entries"]] == ["secret of ana"]
    assert {"observations", "sessions"} <= mine.keys()
    theirs = await http.get("/toil/me", headers=MIA)
    assert theirs.json()["entries"] == []
    early = await ana.get("/toil/me", params={"to": "2026-11-01T00:00:00Z"})
    assert early.json()["entries"] == []


async def test_the_report_comes_in_four_forms(http: Client) -> None:
    """The same figures each time."""
    body = (await http.get("/reports/toil.json?weeks=4", headers=MIA)).json()
    assert (body["team"], len(body["weeks"])) == ("shop", 4)
    assert {"from", "to", "zone"} == body["period"].keys()
    assert (await http.get("/reports/toil?weeks=4", headers=MIA)).json() == body
    svg = await http.get("/reports/toil.svg?weeks=4", headers=MIA)
    assert svg.headers["content-type"] == "image/svg+xml"
    csv = await http.get("/reports/toil.csv?weeks=4", headers=MIA)
    assert len(csv.text.splitlines()) == 5


@pytest.mark.parametrize("until", ["2026-W46", "2026-11-15", "2026-11-16T00:00:00Z"])
async def test_until_is_a_week_a_day_or_a_time(http: Client, until: str) -> None:
    """All three end with the same week."""
    url = f"/reports/toil.json?weeks=2&until={until}"
    body = (await http.get(url, headers=MIA)).json()
    assert [week["week"] for week in body["weeks"]] == ["2026-W45", "2026-W46"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("team=none", 404), ("weeks=0", 422), ("until=soon", 422), ("until=2026-W60", 422)],
)
async def test_a_report_that_cannot_be_made_says_why(http: Client, query: str, status: int) -> None:
    """With the teams there are, or how to write a time."""
    answer = await http.get(f"/reports/toil.json?{query}", headers=MIA)
    assert answer.status_code == status
    assert answer.json()["error"]["fix"]


async def test_readiness_names_what_is_away(http: Client, fake: FakeTemporal) -> None:
    """Life does not depend on it."""
    well = {"ready": True, "temporal": "ok", "database": "ok", "slack": "off"}
    assert (await http.get("/readyz")).json() == well
    fake.failure = Unavailable("Temporal cannot be reached")
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["temporal"] == "Temporal cannot be reached"
    assert answer.json()["database"] == "ok"
    assert (await http.get("/healthz")).status_code == 200


async def test_a_database_that_is_away_is_a_clear_503(
    ana: Client, here: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every route that reads it."""
    monkeypatch.setattr(here.journal, "incidents", lambda _: down())
    answer = await ana.get("/incidents")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
    assert "firebreak_open_incidents NaN" in (await ana.get("/metrics")).text


async def test_unknown_addresses_are_404_in_the_one_shape(ana: Client) -> None:
    """JSON by default."""
    answer = await ana.get("/nothing")
    assert json.loads(answer.text)["error"]["code"] == "not_found"


async def test_a_bug_shows_nothing_of_the_inside(
    here: Doors, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500 with the headers of every answer."""

    def broken(_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(here.journal, "incidents", broken)
    quiet = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with Client(transport=quiet, base_url="http://firebreak.test") as http_quiet:
        answer = await http_quiet.get("/incidents", headers=bearer("token-ana"))
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
