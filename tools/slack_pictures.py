"""Takes pictures of everything that people see in Slack, in the stand-in's page and a real browser,
so that somebody looks at the words and not at their JSON.

    python tools/slack_pictures.py FOLDER [NAME..]   each golden: at a desk and on a phone, by day
                                                     and by night, and sheets of four
    python tools/slack_pictures.py --docs            the few that the documentation shows

Needs Debian's Chromium. Nothing here reaches Slack.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Locator, Page, sync_playwright  # noqa: E402
from slack_sdk import WebClient  # noqa: E402
from slack_sdk.socket_mode import SocketModeClient  # noqa: E402
from slack_sdk.socket_mode.client import BaseSocketModeClient  # noqa: E402
from slack_sdk.socket_mode.request import SocketModeRequest  # noqa: E402
from slack_sdk.socket_mode.response import SocketModeResponse  # noqa: E402

from sandbox.slack import Channel, SlackServer, User, UserGroup, Workspace  # noqa: E402
from sandbox.slack.workspace import BOT_USER  # noqa: E402
from tools.screenshots import CHROMIUM, FLAGS, IMAGES  # noqa: E402
from tools.slack_golden import GOLDEN, scenes  # noqa: E402
from tools.slack_story import ANA, BEN, NOW  # noqa: E402

DESK, PHONE = (1280, 900), (390, 844)
# As wide as a message on a desk, with the list of channels beside it.
CARD = (1020, 900)
SCHEMES = ("light", "dark")
PER_SHEET = 4
TALL = 3000
CYN_SLACK = "U0CYN3333"
# One person for each kind: a window that stays open would cover what else they look at.
READERS = {".message": ANA.slack, ".home": BEN.slack, "#modal[open]": CYN_SLACK}
SHOWN_AT = NOW + timedelta(minutes=1)
DOCS = {
    "slack-incident": ("incident_waiting", CARD),
    "slack-approval": ("approval_medium", CARD),
    "slack-approval-phone": ("approval_medium", PHONE),
    "slack-healed": ("approval_approved_done", CARD),
    "slack-home": ("home_full", CARD),
    "slack-deny": ("view_deny", CARD),
}


class Desk:
    """The stand-in with one channel for each message, and an app that opens what is asked for."""

    def __init__(self, slack: SlackServer, shown: dict[str, Any]) -> None:
        self.slack = slack
        self.shown = shown
        self.client = WebClient(token=slack.bot_token, base_url=slack.api_url)
        self._socket = SocketModeClient(
            slack.app_token, web_client=WebClient(token=slack.app_token, base_url=slack.api_url)
        )
        self._socket.socket_mode_request_listeners.append(self._open)
        self._socket.connect()

    def _open(self, socket: BaseSocketModeClient, request: SocketModeRequest) -> None:
        socket.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        if request.type == "interactive":
            view = self.shown[request.payload["callback_id"]]
            self.client.views_open(trigger_id=request.payload["trigger_id"], view=view)

    def end(self) -> None:
        """Hang up."""
        self._socket.close()

    def put(self, name: str) -> str:
        """Show one scene; returns the CSS selector of what is to be pictured."""
        kind = self.shown[name].get("type", "message")
        if kind == "home":
            self.client.views_publish(user_id=BEN.slack, view=self.shown[name])
            return ".home"
        if kind == "modal":
            channel = channel_of(name)
            said = self.slack.messages(channel) or [self.slack.say(BEN.slack, channel, "look")]
            # Playwright's loop runs in this thread, and the stand-in would take it for the app's.
            with ThreadPoolExecutor(1) as beside:
                act = self.slack.shortcut
                beside.submit(act, CYN_SLACK, name, channel, said[0]["ts"]).result()
            return "#modal[open]"
        channel = channel_of(name)
        if not self.slack.messages(channel):
            told = {key: self.shown[name][key] for key in ("text", "blocks")}
            self.client.chat_postMessage(channel=channel, **told)
        return ".message"


def channel_of(name: str) -> str:
    """The channel of a scene."""
    return f"C0{name.upper().replace('_', '')}"


def workspace(names: Sequence[str]) -> Workspace:
    """The people of the golden messages, and a channel for each of these."""
    users = [User(ANA.slack, ANA.name), User(BEN.slack, BEN.name)]
    users.append(User(CYN_SLACK, "Cyn Walther"))
    members = {*(user.id for user in users), BOT_USER}
    channels = [Channel(channel_of(name), name, members) for name in names]
    group = UserGroup("S0SRE3333", "sre", [ANA.slack])
    return Workspace(users=users, channels=channels, usergroups=[group])


@contextmanager
def desk(shown: dict[str, Any]) -> Iterator[Desk]:
    """A stand-in whose clock stands one minute after the question was asked."""
    with SlackServer(workspace([*shown]), clock=lambda: SHOWN_AT) as slack:
        made = Desk(slack, shown)
        try:
            yield made
        finally:
            made.end()


@contextmanager
def page_of(browser: Browser, size: tuple[int, int], scheme: Any) -> Iterator[Page]:
    """A fresh page of this size."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    yield page
    context.close()


def scene(page: Page, where: Desk, name: str) -> Locator:
    """The element that shows one scene, in the stand-in's page."""
    selector = where.put(name)
    page.goto(f"{where.slack.url}/?as={READERS[selector]}&in={channel_of(name)}")
    if selector == ".home":
        page.get_by_role("button", name="firebreak").click()
    page.locator(selector).first.wait_for()
    # A picture shows all of it, however long it is.
    width = page.viewport_size["width"] if page.viewport_size else DESK[0]
    page.set_viewport_size({"width": width, "height": TALL})
    return page.locator(selector).first


def picture(page: Page, where: Desk, name: str, path: Path) -> None:
    """One scene as a file."""
    size = page.viewport_size
    scene(page, where, name).screenshot(path=path)
    if size:
        page.set_viewport_size(size)


def sheet(page: Page, paths: Sequence[Path], path: Path) -> None:
    """Pictures beside each other, with their names."""
    cells = "".join(
        f"<figure><figcaption>{one.stem}</figcaption><img src='{one.as_uri()}'></figure>"
        for one in paths
    )
    style = "body{display:flex;gap:8px;align-items:start;margin:4px}figure{margin:0}"
    into = path.with_suffix(".html")
    into.write_text(f"<style>{style}img{{display:block}}</style>{cells}")
    page.goto(into.as_uri())
    page.screenshot(path=path, full_page=True)
    into.unlink()


def all_of_them(folder: Path, names: Sequence[str]) -> None:
    """Every golden in every size and light, and the sheets."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = {name: one for name, one in scenes().items() if not names or name in names}
    with sync_playwright() as playwright, desk(shown) as where:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for size, scheme in ((size, scheme) for size in (PHONE, DESK) for scheme in SCHEMES):
            end = f"{size[0]}_{scheme}"
            paths = [folder / f"{name}_{end}.png" for name in shown]
            with page_of(browser, size, scheme) as page:
                for name, path in zip(shown, paths, strict=True):
                    picture(page, where, name, path)
            sheets(browser, paths, folder / f"sheet_{end}")
        browser.close()


def sheets(browser: Browser, paths: Sequence[Path], stem: Path) -> None:
    """Four to a sheet."""
    for first in range(0, len(paths), PER_SHEET):
        with page_of(browser, (1600, 400), "light") as page:
            path = stem.with_name(f"{stem.name}_{first // PER_SHEET:02d}.png")
            sheet(page, paths[first : first + PER_SHEET], path)


def for_the_docs() -> None:
    """The pictures that the documentation shows."""
    names = {name for name, _ in DOCS.values()}
    shown = {name: json.loads((GOLDEN / f"{name}.json").read_text()) for name in names}
    with sync_playwright() as playwright, desk(shown) as where:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for file, (name, size) in DOCS.items():
            with page_of(browser, size, "light") as page:
                picture(page, where, name, IMAGES / f"{file}.png")
        browser.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["--docs"]:
        for_the_docs()
    elif len(sys.argv) > 1:
        all_of_them(Path(sys.argv[1]), sys.argv[2:])
    else:
        sys.exit(__doc__)
