"""Takes the pictures of the documentation from a real demo, so that they cannot go stale unseen.

    .venv/bin/python tools/screenshots.py

Needs Debian's Chromium. The demo that it starts ends with it.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WAIT_MS = 60_000
ANA = {"Authorization": "Bearer demo-ana"}
BY_HAND = {"seconds": 1500, "text": "restarted user-auth by hand", "service": "user-auth"}
STOP_SECONDS_MAX = 30


def take(page: Page, url: str) -> None:
    """Sign in, and picture an approval, the healed incident, and the report."""
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{url}/approvals")
    page.get_by_label("Token").fill("demo-ana")
    page.get_by_role("button", name="Sign in").click()
    question = page.locator("main a[href^='/approvals/apr-']").first
    while not question.count():
        page.reload()
        page.wait_for_load_state("networkidle")
    question.click()
    page.get_by_role("button", name="Approve").wait_for()
    page.screenshot(path=IMAGES / "approval.png")
    page.get_by_role("button", name="Approve").click()
    page.wait_for_load_state("networkidle")
    # Asked once more where something can break.
    sure = page.get_by_role("button", name="Yes, approve")
    if sure.count():
        sure.click()
    page.goto(f"{url}/incidents")
    page.locator("main a[href^='/incidents/inc-']").first.click()
    page.get_by_text("all alerts have resolved").wait_for()
    page.screenshot(path=IMAGES / "incident.png")
    httpx.post(f"{url}/toil/entries", json=BY_HAND, headers=ANA).raise_for_status()
    page.goto(f"{url}/reports/toil")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / "report.png")


def main() -> None:
    """Start a demo, take the pictures, end it."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    firebreak = str(Path(sys.executable).with_name("firebreak"))
    command = [firebreak, "demo", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        try:
            ready = json.loads((demo.stdout or sys.stdin).readline())
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                take(browser.new_page(viewport={"width": 1120, "height": 1240}), ready["url"])
                browser.close()
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(STOP_SECONDS_MAX)


if __name__ == "__main__":
    main()
