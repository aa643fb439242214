"""Looks for a message whose post may have arrived although its answer did not, by its metadata.

Only what was said around the time of the post is read, so that a busy channel hides nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from activities.slack.client import SlackApi, SlackRefusal
from contracts.slack.fates import THREAD, Fate

# Longer than the calls of one post may take: until then another worker may still be posting.
SETTLE_SECONDS = 15
CLOCKS_APART_SECONDS = 60
PAGE_MESSAGES = 200
PAGES_MAX = 3


class Place(NamedTuple):
    """A channel, or a thread in it; `broadcast` shows what is in the thread in the channel too."""

    channel: str
    thread: str = ""
    broadcast: bool = False


class Posted(NamedTuple):
    """A message that is there, as the journal keeps its id: `<channel>/<ts>`."""

    channel: str
    ts: str

    @property
    def at(self) -> float:
        """When Slack took it, in seconds since 1970."""
        return float(self.ts)


class Search(NamedTuple):
    """`check` is called before each request, and `complain` with a refusal that leaves a part
    unread.
    """

    api: SlackApi
    check: Callable[[], None]
    complain: Callable[[str], None]

    def find(self, key: str, place: Place, begun: datetime) -> Posted | None:
        """The message with that key, whose post began then: in its thread or, as the thread may
        have been refused, in the channel itself.
        """
        for method in _methods(place):
            try:
                for message in self._around(method, place, begun):
                    payload = (message.get("metadata") or {}).get("event_payload") or {}
                    if payload.get("key") == key:
                        return Posted(place.channel, str(message["ts"]))
            except SlackRefusal as err:
                if err.fate is not Fate.FALL_BACK:
                    raise
                if err.error not in THREAD:
                    self.complain(err.error)
        return None

    def _around(self, method: str, place: Place, begun: datetime) -> Iterator[Mapping[str, Any]]:
        apart = timedelta(seconds=CLOCKS_APART_SECONDS)
        latest = begun + timedelta(seconds=SETTLE_SECONDS) + apart
        arguments = {
            "channel": place.channel,
            "ts": place.thread if method == "conversations.replies" else None,
            "oldest": f"{(begun - apart).timestamp():.6f}",
            "latest": f"{latest.timestamp():.6f}",
            "cursor": None,
        }
        for _ in range(PAGES_MAX):
            self.check()
            answer = self.api.read(
                method, **arguments, limit=PAGE_MESSAGES, include_all_metadata=True
            )
            yield from answer.get("messages", ())
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            arguments["cursor"] = cursor


def _methods(place: Place) -> tuple[str, ...]:
    return ("conversations.replies", "conversations.history")[0 if place.thread else 1 :]
