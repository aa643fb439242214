"""What every handler of Slack uses, and how a person is told privately what came of it.

A refusal reaches the one who clicked and nobody else: in a window, which cannot be overlooked, or
where Slack opens none any more, as a message that only they see. The message they clicked is never
touched: only the messenger repaints it.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from slack_sdk.web.async_client import AsyncWebClient

from contracts.errors import FirebreakError, Unavailable
from contracts.policy import Person
from contracts.slack.fates import Fate
from contracts.slack.parts import Block, dated, lines, link, rich
from contracts.slack.untrusted import fallback
from contracts.slack.views import refusal_view
from gateway.doors import Doors
from gateway.slack.api import SlackRefusal, call
from gateway.slack.clicks import Click
from gateway.slack.people import People

logger = logging.getLogger(__name__)

FINISH_SECONDS = 6.0
TOLD_CHARS_MAX = 1_000
_NAMED = re.compile(r"(?<![\w-])(apr|inc)-[A-Za-z0-9-]{1,100}")


class Desk:
    """The doors, Slack's methods, and who is at work; `people` says who clicked."""

    def __init__(self, here: Doors, client: AsyncWebClient, people: People) -> None:
        self.here = here
        self.client = client
        self.people = people
        self._at_work = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Something is done for a person, which the end of the process waits for."""
        self._at_work += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._idle.set()

    async def finished(self, within_seconds: float = FINISH_SECONDS) -> bool:
        """Whether everything that was begun has ended within that time."""
        try:
            async with asyncio.timeout(within_seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def person(self, click: Click) -> Person:
        """The person who clicked; raises NotAllowed or Unavailable."""
        return await self.people.person(click)

    async def open_view(self, click: Click, view: dict[str, Any]) -> str:
        """Open a window at once, and give its id; Slack takes the trigger for three seconds.

        Raises:
            SlackRefusal: it took too long, or this trigger was used before.
            Unavailable: Slack does not answer.

        """
        told = await call(self.client.views_open(trigger_id=click.trigger, view=view))
        return str((told.get("view") or {}).get("id", ""))

    async def show(self, view_id: str, view: dict[str, Any]) -> None:
        """Put another content into an open window; somebody who has closed it needs none."""
        try:
            await call(self.client.views_update(view_id=view_id, view=view))
        except SlackRefusal as err:
            if err.reason != "not_found":
                raise

    async def refuse(self, click: Click, error: FirebreakError) -> None:
        """Tell who clicked why not, and what to do: a window first, else a private message."""
        if click.trigger:
            try:
                await self.open_view(click, self.refusal(click, error))
            except (SlackRefusal, Unavailable) as err:
                logger.info("no window for a refusal", extra={"error": err.message})
            else:
                return
        await self.tell(click, Told(sentence(error.message), error.fix, self.link_of(click)))

    def refusal(self, click: Click, error: FirebreakError) -> dict[str, Any]:
        """The window of a refusal, with its times in the reader's zone and a way to the page."""
        told = Told(sentence(error.message), error.fix, self.link_of(click))
        return refusal_view(error.message, error.fix) | {"blocks": note(told)}

    def link_of(self, click: Click) -> str:
        """The page of the question or incident that it is about; empty where it names none."""
        found = _NAMED.search(click.value)
        pages = {"apr": "approvals", "inc": "incidents"}
        return f"{self.here.public_url}/{pages[found[1]]}/{found[0]}" if found else ""

    async def whisper(self, click: Click, text: str) -> None:
        """A message that only they see, as `tell`."""
        await self.tell(click, Told(text))

    async def tell(self, click: Click, told: "Told") -> None:
        """A message that only they see, where they are; elsewhere, or where this app is no member,
        in their own conversation.
        """
        try:
            await self._whisper(click, {"text": told.plain, "blocks": note(told)})
        except (SlackRefusal, Unavailable) as err:
            extra = {"slack_user": click.user, "kind": click.kind, "error": err.message}
            logger.warning("somebody in Slack could not be told", extra=extra)

    async def _whisper(self, click: Click, told: dict[str, Any]) -> None:
        if click.channel.startswith(("C", "G")):
            here: dict[str, Any] = {"channel": click.channel, "thread_ts": click.thread or None}
            try:
                await call(self.client.chat_postEphemeral(user=click.user, **here, **told))
            except SlackRefusal as err:
                if err.fate is not Fate.FALL_BACK:
                    raise
            else:
                return
        await call(self.client.chat_postMessage(channel=click.user, **told))


def sentence(text: str) -> str:
    """An error's words as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


class Told(NamedTuple):
    """A private answer: its lines, what to do, and a page to look at."""

    text: str
    more: str = ""
    url: str = ""

    @property
    def plain(self) -> str:
        """For notifications and screen readers."""
        return fallback(f"{self.text} {self.more}".strip())


def note(told: Told) -> list[Block]:
    """A private answer as blocks; lines of others in it are text and nothing else."""
    rows = [dated(row, TOLD_CHARS_MAX) for row in told.text.splitlines() if row.strip()]
    way = [link(told.url, "Open it in the browser")]
    return [rich(lines(*rows, dated(told.more, TOLD_CHARS_MAX), way))]
