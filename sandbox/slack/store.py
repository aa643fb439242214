"""What has been said: messages by channel, ephemeral ones, and the conversations with one person.

Only the server's loop touches it. What leaves it is a copy, so that no test can change the past.
"""

import copy
import itertools
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from sandbox.slack.refusals import JSON, Refusal
from sandbox.slack.workspace import Channel, Workspace

TOMBSTONE = "tombstone"
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)


class Store:
    """The messages of one workspace; `changes` counts everything that a reader could see."""

    def __init__(self, workspace: Workspace, clock: Clock) -> None:
        self.workspace = workspace
        self.clock = clock
        self.messages: dict[str, dict[str, JSON]] = {}
        self.ephemerals: list[JSON] = []
        self.files: dict[str, JSON] = {}
        self.changes = 0
        self._dms: dict[str, Channel] = {}
        self._last_ts = 0
        self._numbers = itertools.count(1)

    def seconds(self) -> float:
        """Now, as Slack counts: seconds since 1970."""
        return self.clock().timestamp()

    def new_ts(self) -> str:
        """A message's identity within its channel: its microsecond, never given twice."""
        self._last_ts = max(self._last_ts + 100, int(self.seconds() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, letter: str) -> str:
        """An id of Slack's look, such as `V00000001`, with some letters that nobody can guess."""
        return f"{letter}{next(self._numbers):05d}{secrets.token_hex(3).upper()}"

    def dm_of(self, user_id: str) -> Channel:
        """The conversation of the app with one person, made when it is first used."""
        if user_id not in self._dms:
            members = {user_id, self.workspace.bot_user}
            name = f"D0{user_id.removeprefix('U')}"
            self._dms[user_id] = Channel(name, user_id, members, private=True)
        return self._dms[user_id]

    def dm_user(self, channel_id: str) -> str | None:
        """Whose conversation with the app this id is; None for a channel."""
        return next((u for u, dm in self._dms.items() if dm.id == channel_id), None)

    def channel(self, channel_id: str) -> Channel:
        """A channel or an open conversation; raises Refusal `channel_not_found`."""
        found = self.workspace.channel(channel_id)
        found = found or next((d for d in self._dms.values() if d.id == channel_id), None)
        if found is None or not self._is_seen(found):
            raise Refusal("channel_not_found")
        return found

    def _is_seen(self, channel: Channel) -> bool:
        return not channel.private or self.workspace.bot_user in channel.members

    @property
    def people_with_dms(self) -> frozenset[str]:
        """The people whose conversation with the app was used."""
        return frozenset(self._dms)

    def said(self, channel_id: str) -> list[JSON]:
        """All messages of a channel, answers in threads too, oldest first."""
        return [copy.deepcopy(m) for _, m in sorted(self.messages.get(channel_id, {}).items())]

    def find(self, channel_id: str, ts: str) -> JSON | None:
        """The stored message itself, not a copy."""
        return self.messages.get(channel_id, {}).get(ts)

    def add(self, channel_id: str, message: JSON) -> JSON:
        """Keep a new message; it is given its `ts`."""
        message["ts"] = self.new_ts()
        self.messages.setdefault(channel_id, {})[message["ts"]] = message
        self._count_reply(channel_id, message)
        self.changes += 1
        return message

    def _count_reply(self, channel_id: str, message: JSON) -> None:
        parent = self.find(channel_id, message.get("thread_ts", ""))
        if parent is None:
            return
        parent["thread_ts"] = parent["ts"]
        parent["reply_count"] = parent.get("reply_count", 0) + 1
        parent["latest_reply"] = message["ts"]
        users = parent.setdefault("reply_users", [])
        if message.get("user") not in users:
            users.append(message.get("user"))
        parent["reply_users_count"] = len(users)

    def delete(self, channel_id: str, ts: str) -> None:
        """Take a message away; one with answers leaves a tombstone to hold its thread."""
        message = self.messages[channel_id].pop(ts)
        self.changes += 1
        if message.get("reply_count"):
            kept = {k: v for k, v in message.items() if k in ("ts", "thread_ts", "reply_count")}
            gone = {"type": "message", "subtype": TOMBSTONE, "text": "This message was deleted."}
            self.messages[channel_id][ts] = gone | kept

    def add_ephemeral(self, channel_id: str, user_id: str, message: JSON) -> JSON:
        """Show something to one person only; it is in no history."""
        message |= {"ts": self.new_ts(), "channel": channel_id, "to": user_id}
        self.ephemerals.append(message)
        self.changes += 1
        return message

    def by_app(self) -> JSON:
        """The keys of every message that the app itself writes."""
        here = self.workspace
        return {
            "type": "message",
            "user": here.bot_user,
            "bot_id": here.bot_id,
            "app_id": here.app_id,
            "team": here.team_id,
        }
