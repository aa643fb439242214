"""What Slack sends for what a person did; the keys and shapes of its own payloads."""

import copy
import secrets
from dataclasses import dataclass
from typing import Any

from sandbox.slack.modals import Modals, shown
from sandbox.slack.refusals import JSON
from sandbox.slack.responses import ResponseUrls
from sandbox.slack.store import Store
from sandbox.slack.workspace import Channel, User

# An old secret that Slack still sends and nobody may trust.
_VERIFICATION = "deprecated"


@dataclass
class Payloads:
    """Writes payloads; every one carries a new trigger of the person who acted."""

    store: Store
    modals: Modals
    responses: ResponseUrls

    def _common(self, user: User, view: str = "") -> JSON:
        here = self.store.workspace
        return {
            "team": {"id": here.team_id, "domain": here.team_name.lower()},
            "enterprise": None,
            "is_enterprise_install": False,
            "user": {
                "id": user.id,
                "username": user.name,
                "name": user.name,
                "team_id": here.team_of(user),
            },
            "api_app_id": here.app_id,
            "token": _VERIFICATION,
            "trigger_id": self.modals.new_trigger(user.id, view),
        }

    def _action_ts(self) -> str:
        return f"{self.store.seconds():.6f}"

    def _channel(self, channel: Channel) -> JSON:
        is_dm = self.store.dm_user(channel.id) is not None
        return {"id": channel.id, "name": "directmessage" if is_dm else channel.name}

    def message_action(self, user: User, channel: Channel, message: JSON, action: JSON) -> JSON:
        """A button or menu of a message was used."""
        is_ephemeral = "to" in message
        container = {
            "type": "message",
            "message_ts": message["ts"],
            "channel_id": channel.id,
            "is_ephemeral": is_ephemeral,
        }
        if "thread_ts" in message:
            container["thread_ts"] = message["thread_ts"]
        own = {
            "type": "block_actions",
            "container": container,
            "channel": self._channel(channel),
            "state": {"values": _state_of(action)},
            "response_url": self.responses.new(channel.id, user.id, message["ts"]),
            "actions": [action | {"action_ts": self._action_ts()}],
        }
        if not is_ephemeral:
            own["message"] = without_metadata(message)
        return self._common(user) | own

    def view_action(self, user: User, view: JSON, action: JSON) -> JSON:
        """A button or menu of a modal or of Home was used."""
        own = {
            "type": "block_actions",
            "container": {"type": "view", "view_id": view["id"]},
            "view": shown(view),
            "actions": [action | {"action_ts": self._action_ts()}],
        }
        return self._common(user, view["id"]) | own

    def submission(self, user: User, view: JSON) -> JSON:
        """A modal was sent."""
        own = {"type": "view_submission", "view": shown(view), "response_urls": []}
        return self._common(user, view["id"]) | own

    def closing(self, user: User, view: JSON, *, is_cleared: bool) -> JSON:
        """A modal was closed."""
        own = {"type": "view_closed", "view": shown(view), "is_cleared": is_cleared}
        payload = self._common(user) | own
        del payload["trigger_id"]
        return payload

    def message_shortcut(
        self, user: User, callback_id: str, channel: Channel, message: JSON
    ) -> JSON:
        """An entry of a message's menu was used."""
        own = {
            "type": "message_action",
            "callback_id": callback_id,
            "action_ts": self._action_ts(),
            "message_ts": message["ts"],
            "channel": self._channel(channel),
            "message": without_metadata(message),
            "response_url": self.responses.new(channel.id, user.id, ""),
        }
        return self._common(user) | own

    def global_shortcut(self, user: User, callback_id: str) -> JSON:
        """An entry of the menu beside the composer was used."""
        own = {"type": "shortcut", "callback_id": callback_id, "action_ts": self._action_ts()}
        return self._common(user) | own

    def command(self, user: User, channel: Channel, name: str, text: str) -> JSON:
        """A slash command; everything in it is text."""
        here = self.store.workspace
        return {
            "token": _VERIFICATION,
            "team_id": here.team_of(user),
            "team_domain": here.team_name.lower(),
            "channel_id": channel.id,
            "channel_name": self._channel(channel)["name"],
            "user_id": user.id,
            "user_name": user.name,
            "command": name,
            "text": text,
            "api_app_id": here.app_id,
            "is_enterprise_install": "false",
            "response_url": self.responses.new(channel.id, user.id, ""),
            "trigger_id": self.modals.new_trigger(user.id),
        }

    def event(self, event: JSON) -> JSON:
        """Something happened in the workspace."""
        here = self.store.workspace
        authorization = {
            "enterprise_id": None,
            "team_id": here.team_id,
            "user_id": here.bot_user,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": _VERIFICATION,
            "team_id": here.team_id,
            "api_app_id": here.app_id,
            "event": {"event_ts": self._action_ts()} | event,
            "type": "event_callback",
            "event_id": self.store.new_id("Ev"),
            "event_time": int(self.store.seconds()),
            "authorizations": [authorization],
            "is_ext_shared_channel": False,
            "event_context": secrets.token_hex(8),
        }


def without_metadata(message: JSON) -> JSON:
    """A message as it is in payloads and answers: metadata only goes to those who ask."""
    return {k: copy.deepcopy(v) for k, v in message.items() if k not in ("metadata", "to")}


def _state_of(action: JSON) -> JSON:
    values: dict[str, Any] = {
        k: v for k, v in action.items() if k == "type" or k.startswith("selected_")
    }
    if action["type"] in ("button", "overflow"):
        return {}
    return {action["block_id"]: {action["action_id"]: values}}
