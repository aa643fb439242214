"""Who asked for a run may take it back in the browser, and may not agree to it there."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from gateway_fakes import APPROVAL, RUN, FakeTemporal, agreed, approval, open_incident

from gateway.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = f"/approvals/{APPROVAL}"


@pytest_asyncio.fixture(loop_scope="session", name="browser")
async def _browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Ana's browser."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://firebreak.test",
        headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"},
    ) as http:
        await http.post("/login", data={"token": "token-ana"})
        yield http


async def test_the_page_lets_who_asked_withdraw(
    browser: httpx.AsyncClient, here: Doors, fake: FakeTemporal
) -> None:
    """One button, with a reason; the workflow counts it."""
    open_incident(here.journal, asked=approval().model_copy(update={"requester": "ana"}))
    fake.running.add(RUN)
    fake.answers["decide"] = agreed
    page = (await browser.get(PAGE)).text
    assert "You asked for this run" in page
    assert "✕ Withdraw" in page
    assert 'value="approve"' not in page
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    form = {"csrf": csrf, "decision": "deny", "reason": "wrong workload"}
    assert (await browser.post(f"{PAGE}/decision", data=form)).status_code == 303
    [(_, update)] = fake.updates
    assert update.argument.reason == "wrong workload"  # type: ignore[attr-defined]
