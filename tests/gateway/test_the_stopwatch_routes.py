"""Work is measured over HTTP: started, stopped, and seen by the one who does it."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from gateway_fakes import NOW, FakeTemporal, bearer, make_doors
from sqlalchemy import Engine

from gateway.app import build_app
from toil.ledger import Ledger

pytestmark = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient

WORK = {"text": "drain a node", "service": "user-auth"}
AGAIN = {"Idempotency-Key": "the-same"}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """The time that was set."""
        return self.now


@pytest.fixture(name="clock")
def _clock() -> Clock:
    """Half past eight on a Saturday."""
    return Clock()


@pytest_asyncio.fixture(loop_scope="session", name="ana")
async def _ana(engine: Engine, fake: FakeTemporal, clock: Clock) -> AsyncIterator[Client]:
    """A responder's client of a gateway with that clock."""
    app = build_app(make_doors(engine, fake, clock=clock))
    transport = httpx.ASGITransport(app)
    async with Client(
        transport=transport, base_url="http://firebreak.test", headers=bearer("token-ana")
    ) as http:
        yield http


async def test_a_stopwatch_becomes_an_entry(ana: Client, clock: Clock, engine: Engine) -> None:
    """With the team of its service and the time between the two requests."""
    began = await ana.post("/toil/start", json=WORK)
    clock.now = NOW + timedelta(minutes=25)
    ended = await ana.post("/toil/stop")
    assert (began.status_code, ended.status_code) == (201, 201)
    assert began.json()["began_at"] == "2026-11-21T08:30:00Z"
    (entry,) = Ledger(engine).entries()
    assert entry.model_dump(mode="json") == ended.json()
    assert (entry.seconds, entry.person, entry.team) == (1500, "ana", "shop")
    assert (entry.method, entry.confidence) == ("log", "measured")


async def test_a_start_sent_again_answers_with_the_one_that_runs(ana: Client, clock: Clock) -> None:
    """200, and the first begin; other work is refused, and its refusal says what to do."""
    first = await ana.post("/toil/start", json=WORK)
    clock.now = NOW + timedelta(minutes=1)
    again = await ana.post("/toil/start", json=WORK)
    assert (again.status_code, again.json()) == (200, first.json())
    other = await ana.post("/toil/start", json={"text": "something else"})
    assert other.status_code == 422
    assert "since 2026-11-21 08:30 UTC" in other.json()["error"]["message"]
    assert "Stop it first" in other.json()["error"]["fix"]


async def test_a_stop_sent_again_posts_nothing(ana: Client, clock: Clock, engine: Engine) -> None:
    """200 with the same entry for the same key; 404 for another, because nothing runs."""
    await ana.post("/toil/start", json=WORK)
    clock.now = NOW + timedelta(minutes=5)
    first = await ana.post("/toil/stop", headers=AGAIN)
    again = await ana.post("/toil/stop", headers=AGAIN)
    other = await ana.post("/toil/stop")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 404)
    assert again.json() == first.json()
    assert len(Ledger(engine).entries()) == 1


async def test_a_forgotten_stopwatch_is_told_and_gone(
    ana: Client, clock: Clock, engine: Engine
) -> None:
    """Nothing is posted, and one's own page shows none."""
    await ana.post("/toil/start", json=WORK)
    clock.now = NOW + timedelta(hours=13)
    answer = await ana.post("/toil/stop")
    assert answer.status_code == 422
    assert "13 h, more than 12 h" in answer.json()["error"]["message"]
    assert (await ana.get("/toil/me")).json()["running"] is None
    assert Ledger(engine).entries() == ()


async def test_ones_own_page_shows_what_runs_and_the_week(ana: Client, clock: Clock) -> None:
    """And nobody else sees it; the keys of before are still there."""
    before = (await ana.get("/toil/me")).json()
    assert (before["running"], before["week"]["total_seconds"]) == (None, 0)
    await ana.post("/toil/start", json=WORK)
    await ana.post("/toil/entries", json={"seconds": 600, "text": "x"})
    clock.now = NOW + timedelta(seconds=1)
    mine = (await ana.get("/toil/me")).json()
    assert mine["running"]["text"] == "drain a node"
    assert mine["week"]["label"] == "2026-W47"
    assert mine["week"]["seconds"] == {"firefighting": 600}
    assert {"person", "from", "to", "observations", "sessions", "entries"} <= mine.keys()
    theirs = (await ana.get("/toil/me", headers=bearer("token-ben"))).json()
    assert (theirs["running"], theirs["week"]["total_seconds"]) == (None, 0)


@pytest.mark.parametrize(
    "body",
    [{}, {"text": ""}, {"text": "  "}, {"text": "x" * 501}, {"text": "x", "person": "ben"}],
)
async def test_a_start_that_says_nothing_is_refused(ana: Client, body: dict[str, str]) -> None:
    """And nobody starts a stopwatch for somebody else."""
    assert (await ana.post("/toil/start", json=body)).status_code == 422
    assert (await ana.get("/toil/me")).json()["running"] is None


@pytest.mark.parametrize("path", ["/toil/start", "/toil/stop"])
async def test_a_stranger_measures_nothing(ana: Client, path: str) -> None:
    """Without a token that is known."""
    answer = await ana.post(path, json=WORK, headers=bearer("token-of-nobody"))
    assert answer.status_code == 401
