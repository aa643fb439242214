"""Times of the pages in a real browser: in the reader's own zone, and in UTC without scripts."""

import os
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from endtoend.programs import program
from fastapi import FastAPI
from gateway_fakes import APPROVAL, INCIDENT, approval, open_incident
from playwright.async_api import Browser, BrowserContext, Route, async_playwright, expect

from gateway.doors import Doors

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
URL = "http://firebreak.test"


@pytest_asyncio.fixture(loop_scope="session", name="chromium")
async def _chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium; Playwright only drives it."""
    path = os.fspath(program("chromium"))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


async def _answered_by(app: FastAPI, context: BrowserContext) -> None:
    """Let the app answer what the browser asks for, as Ana, without a network."""
    transport = httpx.ASGITransport(app)
    client = httpx.AsyncClient(transport=transport, base_url=URL)
    await client.post("/login", data={"token": "token-ana"}, headers={"Accept": "text/html"})

    async def answer(route: Route) -> None:
        wanted = route.request
        headers = {"Accept": wanted.headers.get("accept", "*/*")}
        told = await client.get(wanted.url, headers=headers)
        await route.fulfill(status=told.status_code, headers=dict(told.headers), body=told.content)

    await context.route("**/*", answer)


@pytest.mark.parametrize(
    ("scripts", "until", "clock"),
    [(True, "2026-11-21 17:43:00 GMT+9", "17:"), (False, "2026-11-21 08:43:00 UTC", "08:")],
)
async def test_a_time_is_shown_in_the_zone_of_whoever_reads_it(
    app: FastAPI, here: Doors, chromium: Browser, *, scripts: bool, until: str, clock: str
) -> None:
    """As in Slack, so that nobody counts hours at night; what it is in UTC stays in its title."""
    open_incident(here.journal, asked=approval())
    context = await chromium.new_context(timezone_id="Asia/Tokyo", java_script_enabled=scripts)
    await _answered_by(app, context)
    page = await context.new_page()
    await page.goto(f"{URL}/approvals/{APPROVAL}")
    await expect(page.locator("#standing time").first).to_have_text(until)
    if scripts:
        title = await page.locator("#standing time").first.get_attribute("title")
        assert title == "2026-11-21 08:43:00 UTC"
    await page.goto(f"{URL}/incidents/{INCIDENT}")
    await expect(page.locator(".timeline time").first).to_contain_text(clock)
    note = "Times in your zone." if scripts else "Times in UTC."
    await expect(page.get_by_text(note)).to_have_count(1)
    await context.close()
