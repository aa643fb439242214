"""The page for people: what one of them sees, and what they do, through the acts of `people.py`.

It shows toys, but what they decide may be real: so only a page of this very server may act, and
only from this computer. A foreign page cannot send JSON here without asking first, and nobody
answers that question; a foreign name for this address is refused.
"""

import asyncio
import ipaddress
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.slack.delivery import Delivery
from sandbox.slack.modals import Modals, shown
from sandbox.slack.payloads import without_metadata
from sandbox.slack.people import People
from sandbox.slack.refusals import JSON, NotOnScreen, Refusal
from sandbox.slack.screen import person
from sandbox.slack.store import Store
from sandbox.slack.workspace import Channel, User

HERE = Path(__file__).parent
STATIC = {
    "slack.css": "text/css",
    "app.js": "text/javascript",
    "blocks.js": "text/javascript",
    "dialogs.js": "text/javascript",
    "dom.js": "text/javascript",
    "mrkdwn.js": "text/javascript",
}
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MESSAGES_MAX = 200
# How long a browser waits for news before it asks again, and how often the server looks.
WAIT_SECONDS = 20
LOOK_SECONDS = 0.1

Act = Callable[..., Awaitable[Delivery | None]]


class Page:
    """Serves the page and its two questions: what is there, and please do this."""

    def __init__(self, people: People, store: Store, modals: Modals) -> None:
        self._people = people
        self._store = store
        self._modals = modals
        self._acts: Mapping[str, tuple[Act, frozenset[str]]] = {
            "click": (people.click, frozenset({"channel_id", "ts", "action_id", "value"})),
            "choose": (people.choose, frozenset({"channel_id", "ts", "action_id", "value"})),
            "click_view": (people.click_view, frozenset({"action_id", "value", "home"})),
            "submit": (people.submit, frozenset({"values"})),
            "close_view": (people.close_view, frozenset({"every"})),
            "shortcut": (people.shortcut, frozenset({"callback_id", "channel_id", "ts"})),
            "command": (people.command, frozenset({"channel_id", "name", "text"})),
            "open_home": (people.open_home, frozenset()),
            "say": (self._say, frozenset({"channel_id", "text", "thread_ts"})),
        }

    def add_to(self, app: web.Application) -> None:
        """Answer under `/`."""
        app.router.add_get("/", self.index)
        app.router.add_get("/archives/{channel}/{message}", self.index)
        app.router.add_get("/static/{name}", self.static)
        app.router.add_get("/page/state", self.state)
        app.router.add_post("/page/act", self.act)

    async def index(self, request: web.Request) -> web.Response:
        """The page itself; everything in it comes later, as data."""
        _only_this_computer(request)
        text = (HERE / "templates" / "index.html").read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/html", headers=SECURITY)

    async def static(self, request: web.Request) -> web.Response:
        """One of the few files that the page needs."""
        name = request.match_info["name"]
        if name not in STATIC:
            raise web.HTTPNotFound
        text = (HERE / "static" / name).read_text(encoding="utf-8")
        return web.Response(text=text, content_type=STATIC[name], headers=SECURITY)

    async def state(self, request: web.Request) -> web.Response:
        """What one person sees, as soon as it differs from what they have seen."""
        _only_this_computer(request)
        try:
            user = person(self._store, request.query.get("as", ""))
        except NotOnScreen:
            user = self._everybody()[0]
        seen = request.query.get("since", "")
        loop = asyncio.get_running_loop()
        until = loop.time() + WAIT_SECONDS
        while str(self._store.changes) == seen and loop.time() < until:
            await asyncio.sleep(LOOK_SECONDS)
        return web.json_response(self._seen_by(user), headers=SECURITY)

    def _everybody(self) -> list[User]:
        return [u for u in self._store.workspace.users if not u.is_bot and not u.deleted]

    def _seen_by(self, user: User) -> JSON:
        here = self._store.workspace
        dm = self._store.dm_of(user.id)
        places = [c for c in here.channels if user.id in c.members]
        return {
            "changes": str(self._store.changes),
            "me": user.id,
            "now": self._store.seconds(),
            "team": here.team_name,
            "app": {"name": here.bot_name, "user": here.bot_user, "dm": dm.id},
            "users": {u.id: {"name": u.name, "tz": u.tz, "bot": u.is_bot} for u in here.users},
            "people": [u.id for u in self._everybody()],
            "groups": {g.id: g.handle for g in here.usergroups},
            "channels": [_channel(c) for c in places],
            "messages": {c.id: self._messages(c, user) for c in [*places, dm]},
            "views": [_view(v) for v in self._modals.stacks.get(user.id, [])],
            "home": _view(self._modals.homes[user.id]) if user.id in self._modals.homes else None,
            "commands": here.commands,
            "shortcuts": here.shortcuts,
        }

    def _messages(self, channel: Channel, user: User) -> list[JSON]:
        own = [
            without_metadata(e) | {"only_you": True}
            for e in self._store.ephemerals
            if (e["channel"], e["to"]) == (channel.id, user.id)
        ]
        said = [without_metadata(m) for m in self._store.said(channel.id)]
        return sorted(said + own, key=lambda m: float(m["ts"]))[-MESSAGES_MAX:]

    async def act(self, request: web.Request) -> web.Response:
        """Do what a person did in the browser; the answer says whether the app took it."""
        _only_this_computer(request)
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType(text="send JSON")
        try:
            asked = json.loads(await request.text())
        except ValueError:
            raise web.HTTPBadRequest(text="send JSON") from None
        act, user, args = self._known(asked)
        try:
            done = await act(user, **args)
        except (NotOnScreen, Refusal) as wrong:
            return web.json_response({"ok": False, "error": str(wrong)}, headers=SECURITY)
        taken = done is None or done.acked
        return web.json_response({"ok": taken, "error": ""}, headers=SECURITY)

    def _known(self, asked: Any) -> tuple[Act, str, JSON]:
        if not isinstance(asked, dict) or asked.get("act") not in self._acts:
            raise web.HTTPBadRequest(text=f"act must be one of {sorted(self._acts)}")
        act, names = self._acts[asked["act"]]
        args = {k: v for k, v in asked.items() if k not in ("act", "user")}
        if not args.keys() <= names:
            raise web.HTTPBadRequest(text=f"{asked['act']} takes {sorted(names)}")
        return act, str(asked.get("user", "")), args

    async def _say(
        self, user_id: str, channel_id: str, text: str, thread_ts: str = ""
    ) -> Delivery | None:
        self._people.say(user_id, channel_id, text, thread_ts)
        return None


def _only_this_computer(request: web.Request) -> None:
    """Refuse a name that some other page's owner may have pointed here."""
    host = request.host.rsplit(":", 1)[0].strip("[]")
    if host == "localhost":
        return
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise web.HTTPForbidden(text="open this page as http://127.0.0.1")


def _channel(channel: Channel) -> JSON:
    return {
        "id": channel.id,
        "name": channel.name,
        "archived": channel.archived,
        "private": channel.private,
    }


def _view(view: JSON) -> JSON:
    return shown(view) | {"errors": view.get("_errors", {})}
