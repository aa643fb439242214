"""What people have open: modals on top of each other, and their Home. And the right to open one.

A trigger is that right: it comes with a click, is good for three seconds, and for one modal.
"""

import copy
import secrets
from dataclasses import dataclass

from sandbox.slack.refusals import JSON, Refusal
from sandbox.slack.store import Store

TRIGGER_SECONDS = 3
STACK_MAX = 3


@dataclass
class Trigger:
    """Whose click it was, and until when (seconds since 1970) it may open a modal."""

    user: str
    until: float
    view: str = ""
    used: bool = False


class Modals:
    """The open views of all people."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._triggers: dict[str, Trigger] = {}
        self.stacks: dict[str, list[JSON]] = {}
        self.homes: dict[str, JSON] = {}

    def new_trigger(self, user: str, view: str = "") -> str:
        """The right that comes with what `user` just did; `view` is where, if in a modal."""
        name = f"{len(self._triggers) + 1}.{self._store.workspace.team_id}.{secrets.token_hex(8)}"
        self._triggers[name] = Trigger(user, self._store.seconds() + TRIGGER_SECONDS, view)
        return name

    def take(self, name: str) -> Trigger:
        """Use a trigger up; raises Refusal when it is unknown, used or too old."""
        trigger = self._triggers.get(name)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if self._store.seconds() > trigger.until:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger

    def open(self, user: str, view: JSON) -> JSON:
        """A new modal on an empty screen."""
        made = self._made(view, user)
        made["root_view_id"] = made["id"]
        self.stacks[user] = [made]
        return made

    def push(self, user: str, view: JSON) -> JSON:
        """A modal on top of the open one; raises Refusal when three are open."""
        stack = self.stacks.get(user, [])
        if not stack:
            raise Refusal("not_found")
        if len(stack) >= STACK_MAX:
            raise Refusal("push_limit_reached")
        made = self._made(view, user)
        made |= {"root_view_id": stack[0]["id"], "previous_view_id": stack[-1]["id"]}
        stack.append(made)
        return made

    def replace(self, old: JSON, view: JSON) -> JSON:
        """Other content for an open modal; what was typed into blocks that stay is kept."""
        kept = {k: old[k] for k in ("id", "root_view_id", "previous_view_id")}
        owner, typed = old["_owner"], old["state"]["values"]
        made = self._made(view, owner, old["id"]) | kept
        inputs = {b["block_id"]: b["element"] for b in made["blocks"] if b["type"] == "input"}
        for name, values in typed.items():
            if name in inputs and inputs[name]["action_id"] in values:
                made["state"]["values"][name] = values
        old.clear()
        old.update(made)
        return old

    def publish(self, user: str, view: JSON, expected_hash: str | None) -> JSON:
        """The person's Home; raises Refusal `hash_conflict` when it changed since."""
        old = self.homes.get(user)
        if expected_hash and old and old["hash"] != expected_hash:
            raise Refusal("hash_conflict")
        made = self._made(view, user, old["id"] if old else "")
        made["id"] = old["id"] if old else made["id"]
        made["root_view_id"] = made["id"]
        self.homes[user] = made
        return made

    def find(self, view_id: str, external_id: str) -> JSON:
        """An open view by either id; raises Refusal `not_found`."""
        for view in self._all():
            if view["id"] == view_id or (external_id and view.get("external_id") == external_id):
                return view
        raise Refusal("not_found")

    def _all(self) -> list[JSON]:
        return [v for stack in self.stacks.values() for v in stack] + [*self.homes.values()]

    def _made(self, view: JSON, owner: str, replaced: str = "") -> JSON:
        here = self._store.workspace
        named = view.get("external_id")
        if named and any(v["external_id"] == named and v["id"] != replaced for v in self._all()):
            raise Refusal("duplicate_external_id")
        self._store.changes += 1
        defaults: JSON = {
            "callback_id": "",
            "private_metadata": "",
            "external_id": "",
            "title": {"type": "plain_text", "text": "View Title", "emoji": True},
            "close": None,
            "submit": None,
            "clear_on_close": False,
            "notify_on_close": False,
        }
        own: JSON = {
            "id": self._store.new_id("V"),
            "hash": f"{self._store.seconds():.6f}.{secrets.token_hex(4)}",
            "team_id": here.team_id,
            "app_id": here.app_id,
            "app_installed_team_id": here.team_id,
            "bot_id": here.bot_id,
            "previous_view_id": None,
            "root_view_id": None,
            "state": {"values": {}},
            "_owner": owner,
        }
        return defaults | copy.deepcopy(view) | own


def shown(view: JSON) -> JSON:
    """A copy without what only the stand-in knows."""
    return {k: copy.deepcopy(v) for k, v in view.items() if not k.startswith("_")}
