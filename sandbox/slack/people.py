"""What people do in Slack: click, choose, type, send. Each act is delivered, and then it shows
what the app answered: a modal closes, stays with its errors, or turns into another.

The page in the browser and the tests act through the same functions.
"""

import re
from collections.abc import Mapping

from sandbox.slack import screen
from sandbox.slack.blocks import identified
from sandbox.slack.delivery import Courier, Delivery, Retry
from sandbox.slack.payloads import Payloads
from sandbox.slack.refusals import JSON, NotOnScreen, Refusal
from sandbox.slack.responses import content_of
from sandbox.slack.screen import Typed
from sandbox.slack.view_rules import check_view
from sandbox.slack.workspace import User, Workspace

INTERACTIVE = "interactive"
COMMAND = "slash_commands"
EVENT = "events_api"
FAILED = "We had some trouble connecting. Try again?"


class People:
    """Acts of people. Only on the server's loop."""

    def __init__(self, payloads: Payloads, courier: Courier) -> None:
        self.courier = courier
        self._payloads = payloads
        self._store = payloads.store
        self._modals = payloads.modals
        self._last: tuple[str, JSON] | None = None

    async def _send(self, kind: str, payload: JSON) -> Delivery:
        self._last = (kind, payload)
        return await self.courier.deliver(kind, payload, Retry())

    async def again(self) -> Delivery:
        """The last payload once more, to whichever connection is next."""
        if self._last is None:
            raise NotOnScreen("nothing was delivered yet; act first")
        kind, payload = self._last
        return await self.courier.deliver(kind, payload, Retry())

    async def click(
        self, user_id: str, channel_id: str, ts: str, action_id: str, value: str | None = None
    ) -> Delivery:
        """Press a button of a message; a question for confirmation is answered with yes."""
        user = screen.person(self._store, user_id)
        channel = screen.place(self._store, user, channel_id)
        message = screen.message_of(self._store, user, channel_id, ts)
        action = screen.clicked(*screen.element(message.get("blocks", []), action_id, value))
        payload = self._payloads.message_action(user, channel, message, action)
        return await self._send(INTERACTIVE, payload)

    async def choose(
        self, user_id: str, channel_id: str, ts: str, action_id: str, value: Typed
    ) -> Delivery:
        """Choose from an overflow menu or a select of a message."""
        user = screen.person(self._store, user_id)
        channel = screen.place(self._store, user, channel_id)
        message = screen.message_of(self._store, user, channel_id, ts)
        found = screen.element(message.get("blocks", []), action_id, None)
        action = screen.chosen(*found, value)
        payload = self._payloads.message_action(user, channel, message, action)
        return await self._send(INTERACTIVE, payload)

    async def click_view(
        self, user_id: str, action_id: str, value: Typed = None, *, home: bool = False
    ) -> Delivery:
        """Use a button or a menu of the topmost modal, or of Home."""
        user = screen.person(self._store, user_id)
        view = self._home(user) if home else self._top(user)
        block, one = screen.element(view["blocks"], action_id, None)
        is_button = one["type"] == "button"
        action = screen.clicked(block, one) if is_button else screen.chosen(block, one, value)
        return await self._send(INTERACTIVE, self._payloads.view_action(user, view, action))

    def _top(self, user: User) -> JSON:
        stack = self._modals.stacks.get(user.id)
        if not stack:
            raise NotOnScreen(f"no modal is open for {user.id}; did the app open one?")
        return stack[-1]

    def _home(self, user: User) -> JSON:
        if user.id not in self._modals.homes:
            raise NotOnScreen(f"{user.id} has no Home; open it first")
        return self._modals.homes[user.id]

    async def submit(self, user_id: str, values: Mapping[str, Typed] | None = None) -> Delivery:
        """Send the topmost modal; `values` is what was entered, by block id."""
        user = screen.person(self._store, user_id)
        view = self._top(user)
        if not view.get("submit"):
            raise NotOnScreen("the modal has no button to send it; close it")
        screen.fill(view, values or {})
        done = await self._send(INTERACTIVE, self._payloads.submission(user, view))
        self._after_submit(user, view, done)
        return done

    def _after_submit(self, user: User, view: JSON, done: Delivery) -> None:
        self._store.changes += 1
        view.pop("_errors", None)
        if not done.acked:
            view["_errors"] = {"": FAILED}
            return
        try:
            self._respond(user, view, done.body)
        except Refusal as refusal:
            view["_errors"] = {"": f"{FAILED} ({refusal.code})"}

    def _respond(self, user: User, view: JSON, body: JSON) -> None:
        """Do what `response_action` says; without one the modal closes."""
        stack = self._modals.stacks.get(user.id, [])
        match body.get("response_action"):
            case "errors":
                view["_errors"] = _errors_of(view, body)
            case "update":
                self._modals.replace(view, check_view(body.get("view") or {}, ("modal",)))
            case "push":
                self._modals.push(user.id, check_view(body.get("view") or {}, ("modal",)))
            case "clear":
                stack.clear()
            case None:
                if view in stack:
                    stack.remove(view)
            case other:
                raise Refusal(f"unknown response_action {other}")

    async def close_view(self, user_id: str, *, every: bool = False) -> Delivery | None:
        """Close the topmost modal, or all. The app is told only if it asked for that."""
        user = screen.person(self._store, user_id)
        view = self._top(user)
        cleared = every or bool(view["clear_on_close"])
        stack = self._modals.stacks[user.id]
        del stack[0 if cleared else -1 :]
        self._store.changes += 1
        if not view["notify_on_close"]:
            return None
        payload = self._payloads.closing(user, view, is_cleared=cleared)
        return await self._send(INTERACTIVE, payload)

    async def shortcut(
        self, user_id: str, callback_id: str, channel_id: str = "", ts: str = ""
    ) -> Delivery:
        """Use a message's shortcut, or a global one when no message is named."""
        user = screen.person(self._store, user_id)
        if not ts:
            payload = self._payloads.global_shortcut(user, callback_id)
            return await self._send(INTERACTIVE, payload)
        channel = screen.place(self._store, user, channel_id)
        message = screen.message_of(self._store, user, channel_id, ts)
        payload = self._payloads.message_shortcut(user, callback_id, channel, message)
        return await self._send(INTERACTIVE, payload)

    async def command(self, user_id: str, channel_id: str, name: str, text: str = "") -> Delivery:
        """Send a slash command; `@name` and `#name` arrive as ids, as with `should_escape`."""
        user = screen.person(self._store, user_id)
        channel = screen.place(self._store, user, channel_id)
        escaped = escape_names(self._store.workspace, text)
        payload = self._payloads.command(user, channel, name, escaped)
        done = await self._send(COMMAND, payload)
        if done.acked and done.body:
            content = content_of(done.body)
            kind = done.body.get("response_type")
            self._payloads.responses.say(channel.id, user.id, content, kind)
        return done

    async def open_home(self, user_id: str) -> Delivery:
        """Open the app's Home."""
        user = screen.person(self._store, user_id)
        event: JSON = {"type": "app_home_opened", "user": user.id, "tab": "home"}
        event["channel"] = self._store.dm_of(user.id).id
        if user.id in self._modals.homes:
            home = self._modals.homes[user.id]
            event["view"] = {k: v for k, v in home.items() if not k.startswith("_")}
        return await self._send(EVENT, self._payloads.event(event))

    async def event(self, event: JSON) -> Delivery:
        """Anything else that happens in the workspace, such as `app_uninstalled`."""
        return await self._send(EVENT, self._payloads.event(event))

    def say(
        self, user_id: str, channel_id: str, text: str, thread_ts: str = "", blocks: object = None
    ) -> JSON:
        """Write a message as a person."""
        user = screen.person(self._store, user_id)
        channel = screen.place(self._store, user, channel_id)
        message: JSON = {"type": "message", "user": user.id, "text": text}
        message["team"] = self._store.workspace.team_of(user)
        if isinstance(blocks, list):
            message["blocks"] = identified(blocks)
        if thread_ts:
            message["thread_ts"] = thread_ts
        return dict(self._store.add(channel.id, message))


def _errors_of(view: JSON, body: JSON) -> dict[str, str]:
    """Slack shows errors only beside inputs that are there; otherwise it says nothing useful."""
    errors = body.get("errors")
    inputs = {b["block_id"] for b in view["blocks"] if b["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
        raise Refusal("errors for inputs that are not there")
    return {str(name): str(words) for name, words in errors.items()}


def escape_names(workspace: Workspace, text: str) -> str:
    """`@ana` becomes `<@U0ANA|ana>`, `#ops` becomes `<#C0OPS|ops>`; others stay as typed."""
    users = {user.name: user.id for user in workspace.users}
    channels = {channel.name: channel.id for channel in workspace.channels}
    groups = {group.handle: group.id for group in workspace.usergroups}

    def escaped(found: re.Match[str]) -> str:
        sign, name = found[1], found[2]
        if sign == "#" and name in channels:
            return f"<#{channels[name]}|{name}>"
        if sign == "@" and name in users:
            return f"<@{users[name]}|{name}>"
        if sign == "@" and name in groups:
            return f"<!subteam^{groups[name]}|@{name}>"
        return found[0]

    return re.sub(r"(?<![\w<])([@#])([\w.-]+)", escaped, text)
