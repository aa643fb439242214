"""A person with a browser: signs in, looks, decides, follows the incident to its end."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from endtoend.house import ANA_TOKEN, BEN_TOKEN, House
from endtoend.programs import program

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WAIT_MS = 60_000


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="browser")
async def _browser() -> AsyncIterator[Browser]:
    """Debian's Chromium; Playwright only drives it."""
    path = os.fspath(program("chromium"))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session", name="page")
async def _page(browser: Browser) -> AsyncIterator[Page]:
    """A fresh profile. A console error or a refused resource fails the test."""
    context = await browser.new_context(viewport={"width": 375, "height": 800})
    page = await context.new_page()
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", note)
    yield page
    await context.close()
    assert errors == []


async def sign_in(page: Page, url: str, token: str) -> None:
    """Through the form, and on to the page that was asked for."""
    await page.goto(url)
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


async def test_a_person_approves_on_a_phone_and_sees_it_heal(
    house: House, page: Page, tmp_path: Path
) -> None:
    """Everything that matters for the decision is on the page; the incident follows live."""
    namespace = "row-25"
    await house.break_deployment(namespace)
    worker = house.worker()
    await house.alert(namespace)
    approval = await house.open_approval(namespace)
    incident = f"{house.url}/incidents/{approval['incident']}"

    await sign_in(page, incident, ANA_TOKEN)
    await page.get_by_text("Look and decide").click()
    shown = await page.locator("main").inner_text()
    for needed in ("revision 2", "revision 1", "rollout undo", f"{namespace}/web", "CrashLoop"):
        assert needed in shown
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 375
    await page.screenshot(path=tmp_path / "approval.png", full_page=True)
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("main")).to_contain_text("approved")

    await page.goto(incident)
    await house.until(lambda: house.image(namespace).endswith(":1.0"))
    await house.alert(namespace, "resolved")
    await expect(page.locator("main")).to_contain_text("closed", timeout=WAIT_MS)

    assert house.writes(namespace) == 1
    house.end(worker)


async def test_a_denial_needs_a_reason_and_then_stands(house: House, page: Page) -> None:
    """The page says what is missing; with a reason nothing is written."""
    namespace = "row-26"
    await house.break_deployment(namespace)
    worker = house.worker()
    await house.alert(namespace)
    approval = await house.open_approval(namespace)

    await sign_in(page, f"{house.url}/approvals/{approval['id']}", BEN_TOKEN)
    await page.get_by_label("Reason").fill("a release is under way")
    await page.get_by_role("button", name="Deny").click()
    await expect(page.locator("main")).to_contain_text("denied")
    ended = await house.incident(approval["incident"], "open", "escalated")
    await house.until(lambda: house.books(approval["incident"])[1])

    assert ended["approvals"] == [approval["id"]]
    assert house.writes(namespace) == 0
    assert house.image(namespace).endswith(":2.0")
    house.end(worker)
