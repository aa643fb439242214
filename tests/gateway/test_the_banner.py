"""The kill switch is seen on every page, also by who came before it was switched on."""

import re
from datetime import timedelta

import httpx
import pytest
from gateway_fakes import APPROVAL, INCIDENT, NOW, approval, bearer, down, open_incident

from contracts.journal import Event
from gateway import switches
from gateway.doors import Doors
from toil.storms import StormView

pytestmark = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient
HTML = {"Accept": "text/html"}
PAGES = [
    "/incidents", f"/incidents/{INCIDENT}", "/approvals", f"/approvals/{APPROVAL}", "/pause",
    "/reports/toil", "/incidents/none", "/nowhere",
]  # fmt: skip


def plain(text: str) -> str:
    """What a reader reads."""
    return " ".join(re.sub(r"<[^>]+>", "", text).split())


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_says_that_the_switch_is_on(ana: Client, here: Doors, path: str) -> None:
    """Scope, reason, who, and since when."""
    open_incident(here.journal, asked=approval())
    assert 'class="banner"' not in (await ana.get(path, headers=HTML)).text
    here.pauses.put("namespace:shop", "checkout is <released>", "ben", NOW)
    text = (await ana.get(path, headers=HTML)).text
    banner = text.partition('<div class="banner">')[2].partition("</div>")[0]
    assert "namespace:shop: checkout is &lt;released&gt; (by Ben (ben), since 2026-11-21" in plain(
        banner
    )
    assert 'datetime="2026-11-21T08:30:00+00:00"' in banner
    assert 'href="/pause"' in banner


async def test_a_page_that_is_open_learns_of_it(ana: Client, here: Doors) -> None:
    """It asks by itself; 204 while nothing changed."""
    page = (await ana.get("/incidents", headers=HTML)).text
    found = re.search(r'hx-get="(/pause/banner[^"]+)" hx-trigger="every 10s"', page)
    assert found is not None
    ask = {"HX-Request": "true"}
    assert (await ana.get(found[1], headers=ask)).status_code == 204
    here.pauses.put("all", "release", "ben", NOW)
    answer = await ana.get(found[1], headers=ask)
    assert "Kill switch on" in answer.text
    assert "<html" not in answer.text
    here.pauses.put("all", "another reason", "ben", NOW)
    again = re.search(r'hx-get="([^"]+)"', answer.text)
    assert again is not None
    assert "another reason" in (await ana.get(again[1], headers=ask)).text


async def test_a_manager_is_told_and_not_offered_to_resume(http: Client, here: Doors) -> None:
    """Reading needs no role to act."""
    here.pauses.put("all", "release", "ben", NOW)
    text = (await http.get("/reports/toil", headers=bearer("token-mia") | HTML)).text
    assert "Kill switch on" in text
    assert "Look at it" in text
    assert "Look, or resume" not in text


async def test_a_stranger_is_told_nothing(http: Client, here: Doors) -> None:
    """The reason may name what others must not know."""
    here.pauses.put("all", "the payment provider is down", "ben", NOW)
    assert "payment" not in (await http.get("/login", headers=HTML)).text
    answer = await http.get("/pause/banner", headers={"HX-Request": "true"})
    assert answer.status_code == 401


async def test_a_switch_that_cannot_be_read_is_said_aloud(
    ana: Client, here: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page comes all the same, also the one that tells of the fault."""
    monkeypatch.setattr(here.pauses, "all", down)
    listed = await ana.get("/incidents", headers=HTML)
    assert listed.status_code == 200
    assert "Kill switch unknown" in listed.text
    monkeypatch.setattr(here.journal, "incidents", lambda _: down())
    failed = await ana.get("/incidents", headers=HTML)
    assert failed.status_code == 503
    assert "Kill switch unknown" in failed.text


async def test_a_database_that_hangs_does_not_hold_a_page_up(
    here: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question is bounded; not to know is the answer then."""
    monkeypatch.setattr(switches, "READ_SECONDS", 0.0)
    assert not (await switches.switches(here)).known


async def test_a_storm_is_told_on_every_page(ana: Client, here: Doors) -> None:
    """Which cluster, how many targets, which incident saw it first, and when it may be over."""
    open_incident(here.journal)
    until = NOW + timedelta(minutes=10)
    storm = StormView(cluster="lab", began_at=NOW, incident=INCIDENT, targets=37, until=until)
    line = Event(key="s", at=NOW, actor="firebreak", type="storm", text="37 targets alert")
    assert here.storms.begin(storm, line)
    text = (await ana.get("/incidents", headers=HTML)).text
    banner = text.partition('<div class="banner">')[2].partition("</div>")[0]
    assert "lab: 37 targets alerted within a few minutes" in plain(banner)
    assert f'href="/incidents/{INCIDENT}"' in banner
    assert 'datetime="2026-11-21T08:40:00+00:00"' in banner
    over = Event(key="e", at=until, actor="firebreak", type="storm", text="it is over")
    assert here.storms.end(storm, over)
    assert 'class="banner"' not in (await ana.get("/incidents", headers=HTML)).text
