"""The independent emulator with the face of our fake: its program, its screen, and its people.

What people do goes the way its own page goes: over its control routes, and for modals over the
page's socket. It has no lists of what was shown to whom, so they are read from what it holds.
"""

import json
import os
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import websocket
from contract_slack.either_slack import CALL_SECONDS, JSON

from sandbox.slack import Workspace, screen
from sandbox.slack.delivery import Delivery
from sandbox.slack.screen import Typed
from tools.slack_emulator import command_of

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 5
# The emulator waits five seconds for an answer, where Slack waits three.
ACT_SECONDS_MAX = 10
_POLL_SECONDS = 0.02
BOT_TOKEN = "xoxb-of-the-emulator"
SIGNING_SECRET = "secret-of-the-emulator"


def config_of(workspace: Workspace, hook: str = "") -> JSON:
    """The same workspace in the emulator's words; `hook` is where it sends to without a socket."""
    app = {
        "appId": workspace.app_id,
        "botUserId": workspace.bot_user,
        "botName": workspace.bot_name,
        "botToken": BOT_TOKEN,
        "appToken": f"xapp-1-{workspace.app_id}-1-emulator",
        "signingSecret": SIGNING_SECRET,
        "mode": "events" if hook else "socket",
    }
    users = [
        {"id": u.id, "name": u.name, "email": u.email, "tz": u.tz}
        for u in workspace.users
        if not u.is_bot
    ]
    channels = [
        {"id": c.id, "name": c.name, "is_private": c.private, "members": sorted(c.members)}
        for c in workspace.channels
    ]
    here = {"name": workspace.team_name, "domain": "example", "teamId": workspace.team_id}
    app |= {"requestUrl": hook} if hook else {}
    return {"workspace": here, "app": app, "users": users, "channels": channels}


@contextmanager
def running(program: Path, folder: Path, config: JSON) -> Iterator[str]:
    """The emulator with these people, until the block ends; its address."""
    named, log = folder / "emulator.json", folder / "emulator.log"
    named.write_text(json.dumps(config))
    # It would ask a proxy for the way to this machine.
    environ = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    with (
        log.open("wb") as told,
        subprocess.Popen(
            command_of(program, named, folder / "files"),
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield _address(process, log)
        finally:
            process.kill()
            process.wait(STOP_SECONDS_MAX)


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"Control API:\s+(\S+)/_control", log.read_text(errors="replace"))
        if found:
            return found[1]
        threading.Event().wait(_POLL_SECONDS)
    raise RuntimeError(f"the emulator did not start:\n{log.read_text(errors='replace')}")


class Page:
    """The emulator's page without a browser: it acts, and hears what changes."""

    def __init__(self, url: str) -> None:
        self.errors: JSON = {}
        self.heard: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._address = url.replace("http", "ws", 1) + "/ui"
        self._socket = websocket.create_connection(self._address)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        assert self.wait(lambda: self.heard["init"] > 0)

    def _follow(self) -> None:
        try:
            for raw in iter(self._socket.recv, ""):
                with self._changed:
                    self._take(json.loads(raw))
                    self._changed.notify_all()
        except (websocket.WebSocketException, OSError):
            return

    def _take(self, told: JSON) -> None:
        self.heard[told["t"]] += 1
        if told["t"] in ("init", "view"):
            self.errors = {}
        elif told["t"] == "view_errors":
            self.errors = told["errors"]

    def send(self, **act: Any) -> None:
        """Do something as the page does it."""
        self._socket.send(json.dumps(act))

    def wait(self, condition: Callable[[], bool]) -> bool:
        """Whether it has become so in time."""
        with self._changed:
            return self._changed.wait_for(condition, ACT_SECONDS_MAX)

    def now(self) -> JSON:
        """What a page that opens now is shown: it follows the others by a moment."""
        socket = websocket.create_connection(self._address, timeout=CALL_SECONDS)
        try:
            return dict(json.loads(socket.recv())["state"])
        finally:
            socket.shutdown()  # type: ignore[no-untyped-call]  # the library's

    def close(self) -> None:
        """Look no more."""
        self._socket.abort()  # type: ignore[no-untyped-call]  # the library's
        self._thread.join(STOP_SECONDS_MAX)
        self._socket.shutdown()  # type: ignore[no-untyped-call]  # the library's


class Emulator:
    """One running emulator as `EitherSlack`."""

    bot_token = BOT_TOKEN

    def __init__(self, url: str, workspace: Workspace) -> None:
        self.url = url
        self.app_id = workspace.app_id
        self.app_token = f"xapp-1-{workspace.app_id}-1-emulator"
        self.signing_secret = SIGNING_SECRET
        self._http = httpx.Client(base_url=url, timeout=CALL_SECONDS)
        self.page = Page(url)

    @property
    def api_url(self) -> str:
        """The base address of the methods."""
        return f"{self.url}/api/"

    def close(self) -> None:
        """Look no more; the program goes on."""
        self.page.close()
        self._http.close()

    def reset(self) -> None:
        """Forget all that was said."""
        before = self.page.heard["init"]
        self._control("reset")
        assert self.page.wait(lambda: self.page.heard["init"] > before)

    def _control(self, route: str, **body: Any) -> JSON:
        told = self._http.post(f"/_control/{route}", json=body).raise_for_status()
        return dict(told.json())

    def _said(self, channel: str) -> list[JSON]:
        told = self._http.get(f"/_control/messages/{channel}").json()
        return [dict(message) for message in told["messages"]]

    def messages(self, channel: str) -> list[JSON]:
        """All messages but those that only one person sees."""
        return [one for one in self._said(channel) if one.get("subtype") != "ephemeral"]

    def _log(self) -> list[JSON]:
        return list(self._http.get("/_control/log").json()["log"])

    def _channels(self) -> list[JSON]:
        return list(self._http.get("/_control/state").json()["channels"])

    @property
    def ephemerals(self) -> list[JSON]:
        """Those, of every channel."""
        said = [one for channel in self._channels() for one in self._said(channel["id"])]
        return [one | {"to": one["ephemeral_to"]} for one in said if "ephemeral_to" in one]

    @property
    def dms(self) -> dict[str, list[JSON]]:
        """By person."""
        own = [channel for channel in self._channels() if channel["is_im"]]
        return {channel["members"][0]: self.messages(channel["id"]) for channel in own}

    def views_of(self, user: str) -> list[JSON]:  # noqa: ARG002 - there is one screen for all
        """The open modals."""
        views = [view | {"errors": {}} for view in self.page.now()["modalStack"]]
        return [*views[:-1], *(view | {"errors": self.page.errors} for view in views[-1:])]

    def home_of(self, user: str) -> JSON | None:
        """The published Home."""
        found = self.page.now()["homeViews"].get(user, {}).get(self.app_id)
        return dict(found) if found else None

    def calls(self, method: str) -> list[JSON]:
        """The calls of one method."""
        return [one for one in self._log() if (one["kind"], one["summary"]) == ("web_api", method)]

    def _found(self, channel: str, ts: str) -> JSON:
        return next(one for one in self._said(channel) if one["ts"] == ts)

    def click(
        self, user: str, channel: str, ts: str, action_id: str, value: str | None = None
    ) -> Delivery:
        """Press a button of a message."""
        blocks = self._found(channel, ts).get("blocks", [])
        action = screen.clicked(*screen.element(blocks, action_id, value))
        return self._interact(user, channel, ts, action)

    def choose(self, user: str, channel: str, ts: str, action_id: str, value: Typed) -> Delivery:
        """Choose from a menu of a message."""
        blocks = self._found(channel, ts).get("blocks", [])
        action = screen.chosen(*screen.element(blocks, action_id, None), value)
        return self._interact(user, channel, ts, action)

    def _interact(self, user: str, channel: str, ts: str, action: JSON) -> Delivery:
        where = {"user": user, "channel": channel, "messageTs": ts}
        return self._delivered(lambda: self._control("interact", **where, action=action))

    def click_home(self, user: str, action_id: str) -> Delivery:
        """Press a button of Home; done when it was answered."""
        home = self.home_of(user) or {}
        action = screen.clicked(*screen.element(home["blocks"], action_id, None))
        what = {"user": user, "appId": self.app_id, "action": action}
        return self._delivered(lambda: self._answered(t="block_action", **what))

    def _answered(self, **act: Any) -> None:
        """Act as the page does, and wait until the app has answered."""
        start = len(self._log())
        self.page.send(**act)
        self.page.wait(lambda: any(_is_answer(one, "interactive") for one in self._log()[start:]))

    def shortcut(self, user: str, callback_id: str, channel: str = "", ts: str = "") -> Delivery:
        """Use a shortcut, which it does not know yet."""
        what = {"user": user, "callback_id": callback_id, "channel": channel, "ts": ts}
        return self._delivered(lambda: self._http.post("/_control/shortcut", json=what))

    def submit(self, user: str, values: Mapping[str, Typed] | None = None) -> Delivery:
        """Send the modal; done when it was answered, and shows what is wrong with it."""
        view = self.views_of(user)[-1]
        screen.fill(view, values or {})
        what = {"user": user, "values": view["state"]["values"]}
        done = self._delivered(lambda: self._answered(t="view_submit", **what))
        if done.body.get("response_action") == "errors":
            self.page.wait(lambda: bool(self.page.errors))
        return done

    def command(self, user: str, channel: str, name: str, text: str = "") -> Delivery:
        """Send a slash command."""
        what = {"user": user, "channel": channel, "command": name, "text": text}
        return self._delivered(lambda: self._control("command", **what))

    def open_home(self, user: str) -> Delivery:
        """Open the app's Home."""
        return self._delivered(lambda: self._control("open-home", user=user))

    def say(self, user: str, channel: str, text: str, thread_ts: str = "") -> JSON:
        """Write as a person."""
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        return dict(self._control("message", user=user, channel=channel, text=text, **thread))

    def _delivered(self, act: Callable[[], object]) -> Delivery:
        """What the log says of an act: the envelope, and what was answered to it."""
        start, began = len(self._log()), time.monotonic()
        act()
        took, log = time.monotonic() - began, self._log()[start:]
        sent = [one for one in log if one["direction"] == "to_bot" and one["kind"] != "socket"]
        kind, payload = (sent[0]["kind"], sent[0]["detail"]) if sent else ("", {})
        answers = [one for one in log if _is_answer(one, kind)]
        if not answers:
            return Delivery(kind, payload)
        body: Any = answers[0].get("detail")
        if answers[0]["kind"] == "ack":
            return Delivery(kind, payload, True, body or {}, "socket", 200, took)
        status = int(answers[0]["summary"].removeprefix("HTTP "))
        told = json.loads(body) if body else {}
        return Delivery(kind, payload, status == HTTPStatus.OK, told, "http", status, took)


def _is_answer(one: JSON, kind: str) -> bool:
    """To an envelope, or to a request over HTTP."""
    return one["direction"] == "from_bot" and one["kind"] in ("ack", kind)
