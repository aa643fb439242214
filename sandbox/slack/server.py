"""The fake Slack as one object: start it, give an app its address and tokens, act as its people.

It listens on loopback only. Its methods may be called from any thread; those that act wait for the
app's answer, so a test whose app runs on its own loop calls them with `asyncio.to_thread`.
"""

import asyncio
import copy
import logging
import secrets
from collections.abc import Callable, Coroutine, Mapping
from typing import TypeVar

from sandbox.serving import Serving
from sandbox.slack.api import Api, Call, Tokens
from sandbox.slack.delivery import Delivery, Sockets
from sandbox.slack.events import Retrying
from sandbox.slack.faults import EVERY, Fault
from sandbox.slack.listener import HOST, Listener
from sandbox.slack.methods import Here
from sandbox.slack.modals import Modals, shown
from sandbox.slack.payloads import Payloads
from sandbox.slack.people import People
from sandbox.slack.rates import Rates
from sandbox.slack.refusals import JSON
from sandbox.slack.responses import ResponseUrls
from sandbox.slack.routes import application
from sandbox.slack.screen import Typed
from sandbox.slack.store import Clock, Store, utc_now
from sandbox.slack.webhook import Webhook
from sandbox.slack.workspace import Workspace

logger = logging.getLogger(__name__)
T = TypeVar("T")


class SlackServer(Serving):
    """One workspace with one app. `port` 0 takes a free one; `seed` makes payloads go to sockets
    at random instead of in turn.
    """

    def __init__(
        self,
        workspace: Workspace | None = None,
        port: int = 0,
        clock: Clock = utc_now,
        seed: int | None = None,
    ) -> None:
        self.workspace = workspace or Workspace()
        self.bot_token = f"xoxb-{secrets.token_hex(12)}"
        self.app_token = f"xapp-1-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self._store = Store(self.workspace, clock)
        self._modals = Modals(self._store)
        self._sockets = Sockets(self._store, seed)
        self._retrying = Retrying(self._sockets)
        self._responses = ResponseUrls(self._store)
        self._here = Here(self._store, self._modals, self._sockets.new_ticket)
        self._tokens = Tokens(self.bot_token, self.app_token)
        self._api = Api(self._here, self._tokens)
        payloads = Payloads(self._store, self._modals, self._responses)
        self._people = People(payloads, self._retrying)
        parts = (self._api, self._sockets, self._responses, self._people)
        self._listener = Listener(lambda: application(*parts), port)

    def start(self) -> None:
        """Listen; raises OSError when the port is taken, RuntimeError when it runs already."""
        if self._listener.is_running:
            raise RuntimeError("the fake Slack runs already; make another one")
        self._listener.start()
        self._here.url = self._responses.base = self.url
        logger.info("fake slack started", extra={"url": self.url})

    def stop(self) -> None:
        """End it; may be called again."""
        if self._listener.is_running:
            self._do(self._retrying.stop)
            self._do(self._sockets.cut_all)
            self._listener.stop()

    @property
    def url(self) -> str:
        """The address of the page; the API is at `url + "/api/"`."""
        if not self._listener.port:
            raise RuntimeError("the fake Slack was not started, so it has no address yet")
        return f"http://{HOST}:{self._listener.port}"

    @property
    def api_url(self) -> str:
        """What an app's client takes as its base address."""
        return f"{self.url}/api/"

    def _do(self, work: Callable[[], T]) -> T:
        """Do something short on the server's loop; after the end, here."""

        async def done() -> T:
            return work()

        return self._listener.run(done()) if self._listener.is_running else work()

    def _act(self, work: Coroutine[object, object, T]) -> T:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._listener.run(work)
        work.close()
        raise RuntimeError("this would block the loop of the app: use `await asyncio.to_thread(…)`")

    # What can be seen.

    def messages(self, channel: str) -> list[JSON]:
        """All messages of a channel, answers in threads too, oldest first; with metadata."""
        return self._do(lambda: self._store.said(channel))

    def message(self, channel: str, ts: str) -> JSON:
        """One message; raises KeyError."""
        return {m["ts"]: m for m in self.messages(channel)}[ts]

    @property
    def ephemerals(self) -> list[JSON]:
        """What one person was shown: `channel`, `to` (the person) and the message's own keys."""
        return self._do(lambda: copy.deepcopy(self._store.ephemerals))

    @property
    def dms(self) -> dict[str, list[JSON]]:
        """By person: the messages of their conversation with the app."""
        return self._do(self._all_dms)

    def _all_dms(self) -> dict[str, list[JSON]]:
        ids = [user.id for user in self.workspace.users if user.id in self._store.people_with_dms]
        said = {user: self._store.said(self._store.dm_of(user).id) for user in ids}
        return {user: messages for user, messages in said.items() if messages}

    def views_of(self, user: str) -> list[JSON]:
        """The open modals of a person, the topmost last; `errors` as the person sees them."""
        return self._do(lambda: [_with_errors(v) for v in self._modals.stacks.get(user, [])])

    def home_of(self, user: str) -> JSON | None:
        """What the app published as this person's Home."""
        homes = self._modals.homes
        return self._do(lambda: shown(homes[user]) if user in homes else None)

    @property
    def files(self) -> list[JSON]:
        """What was uploaded: name, title, size, content (text)."""
        return self._do(lambda: copy.deepcopy([*self._store.files.values()]))

    def calls(self, method: str = EVERY) -> list[Call]:
        """The calls of one method, or all, oldest first."""
        return self._do(lambda: [c for c in self._api.calls if method in (EVERY, c.method)])

    @property
    def sockets(self) -> list[str]:
        """The names of the open connections, oldest first."""
        return self._do(lambda: self._sockets.names)

    @property
    def retries(self) -> list[Delivery]:
        """The further attempts at events that nobody took at first."""
        return self._do(lambda: [*self._retrying.retries])

    # What people do. Each tells how it reached the app; see `People`.

    def click(
        self, user: str, channel: str, ts: str, action_id: str, value: str | None = None
    ) -> Delivery:
        """Press a button of a message."""
        return self._act(self._people.click(user, channel, ts, action_id, value))

    def choose(self, user: str, channel: str, ts: str, action_id: str, value: Typed) -> Delivery:
        """Choose from a menu of a message, by the option's value."""
        return self._act(self._people.choose(user, channel, ts, action_id, value))

    def click_view(self, user: str, action_id: str, value: Typed = None) -> Delivery:
        """Use a button or menu of the topmost modal."""
        return self._act(self._people.click_view(user, action_id, value))

    def click_home(self, user: str, action_id: str, value: Typed = None) -> Delivery:
        """Use a button or menu of Home."""
        return self._act(self._people.click_view(user, action_id, value, home=True))

    def submit(self, user: str, values: Mapping[str, Typed] | None = None) -> Delivery:
        """Send the topmost modal; `values` is what was entered, by block id."""
        return self._act(self._people.submit(user, values))

    def close_view(self, user: str, *, every: bool = False) -> Delivery | None:
        """Close the topmost modal, or all; None when the app did not ask to be told."""
        return self._act(self._people.close_view(user, every=every))

    def command(self, user: str, channel: str, name: str, text: str = "") -> Delivery:
        """Send a slash command."""
        return self._act(self._people.command(user, channel, name, text))

    def shortcut(self, user: str, callback_id: str, channel: str = "", ts: str = "") -> Delivery:
        """Use a message's shortcut, or a global one when no message is named."""
        return self._act(self._people.shortcut(user, callback_id, channel, ts))

    def open_home(self, user: str) -> Delivery:
        """Open the app's Home."""
        return self._act(self._people.open_home(user))

    def event(self, event: JSON) -> Delivery:
        """Anything else that happens, such as `{"type": "app_uninstalled"}`."""
        return self._act(self._people.event(event))

    def deliver_again(self) -> Delivery:
        """The last payload once more, to whichever connection is next."""
        return self._act(self._people.again())

    def say(self, user: str, channel: str, text: str, thread_ts: str = "") -> JSON:
        """Write a message as a person; the stored message."""
        return self._do(lambda: self._people.say(user, channel, text, thread_ts))

    def delete(self, channel: str, ts: str) -> None:
        """Delete a message, as an administrator can; raises KeyError when there is none."""
        self._do(lambda: self._store.delete(channel, ts))

    # What goes wrong.

    def fail(
        self, method: str, times: int | None = 1, how: str = "internal_error", **more: float
    ) -> None:
        """Let the next calls of a method go wrong; see `sandbox.slack.faults` for `how`.

        `times` None: until `mend`. `seconds=` and `after=` as in `Fault`.
        """
        fault = Fault(method, times, how, more.pop("seconds", 1), int(more.pop("after", 0)))
        if more:
            raise TypeError(f"fail() knows seconds= and after=, not {sorted(more)}")
        self._do(lambda: self._api.faults.add(fault))

    def mend(self, method: str = EVERY) -> None:
        """End the failures of one method, or all."""
        self._do(lambda: self._api.faults.mend(method))

    def revoke(self, error: str = "token_revoked") -> None:
        """Take no token of the app any more; `""` takes them again."""
        self._tokens.error = error

    def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell every socket to go (`warning`, `refresh_requested`), or for good (`link_disabled`,
        until another reason is given).
        """
        self._listener.run(self._sockets.disconnect(reason))

    def go_away(self) -> None:
        """Refuse every connection, and break those that are open."""
        self._do(self._sockets.cut_all)
        self._listener.run(self._listener.close())

    def come_back(self) -> None:
        """Listen again, on the same port."""
        self._listener.run(self._listener.open())

    @property
    def rates(self) -> Rates:
        """The limits on calls: `on` and `burst` may be changed."""
        return self._api.rates

    def event_delays(self, *seconds: float) -> None:
        """How long after each failure an event is tried again."""
        self._retrying.delays_seconds = seconds

    def deliver_to(self, url: str | None) -> Webhook | None:
        """Send everything, signed, to this address instead of sockets; None: to sockets again."""
        webhook = Webhook(url, self.signing_secret, self._store) if url else None
        self._retrying.courier = webhook or self._sockets
        return webhook


def _with_errors(view: JSON) -> JSON:
    errors: Mapping[str, str] = view.get("_errors", {})
    return shown(view) | {"errors": dict(errors)}
