"""Keeps each message of an incident as it should be: posted once, edited when it changes.

Slack takes no key that would make a second post harmless. So it is written down before a first
post that one begins; where nobody knows how it ended, the message is looked for by its metadata
before another is sent. A message is never deleted, and an older picture never replaces a newer one.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from activities.slack.client import SlackApi, SlackRefusal
from activities.slack.search import SETTLE_SECONDS, Place, Posted, Search
from contracts.errors import Busy, OutcomeUnknown, Retry, Unavailable
from contracts.slack.card import Card
from contracts.slack.fates import FORM, GONE, THREAD
from contracts.slack.ids import METADATA_EVENT
from toil.messages import Messages, MessageState

logger = logging.getLogger(__name__)

NAME = "slack"
# No call is begun later, so that the last one ends within the sender's lease.
DELIVERY_SECONDS = 15
_AGAIN = "again"
_GONE = "gone"
_DOUBLE = "double"


class Wanted(NamedTuple):
    """A message as it should be. `digest` is of what it shows; the card and the place of a first
    post are asked for only when something has to be sent; `otherwise` is the place where the
    thread of the first one takes no answer.
    """

    part: str
    digest: str
    render: Callable[[], Card]
    place: Callable[[], Place]
    otherwise: Callable[[], Place] | None = None


class Poster:
    """The messages of one incident during one delivery of one revision. `once` remembers across
    deliveries what has been complained of.
    """

    def __init__(
        self, api: SlackApi, messages: Messages, clock: Callable[[], datetime], once: set[str]
    ) -> None:
        self._api = api
        self._messages = messages
        self._clock = clock
        self._once = once
        self._until = clock() + timedelta(seconds=DELIVERY_SECONDS)
        self._incident = ""
        self._revision = 0
        self._url = ""
        self._states: dict[str, MessageState] = {}

    def open(self, incident: str, revision: int, url: str) -> "Poster":
        """Read what is there of the incident; `url` is its page."""
        self._incident, self._revision, self._url = incident, revision, url
        self._states = self._messages.parts(incident, NAME)
        return self

    def posted(self, part: str) -> Posted | None:
        """The message that stands for the part now, if it was ever posted."""
        state = self._states.get(self._living(part))
        return _posted(state) if state else None

    def parts(self, prefix: str) -> Iterator[str]:
        """The parts that are there, or may be, and whose names begin so."""
        names = [name.removesuffix(f"/{_AGAIN}") for name in self._states]
        yield from dict.fromkeys(n for n in names if n.startswith(prefix))

    def find(self, part: str, place: Callable[[], Place]) -> Posted | None:
        """The message that stands for the part, which is looked for where nobody knows how its
        post ended; nothing is posted.

        Raises:
            Unavailable, OutcomeUnknown, Busy: later.

        """
        name = self._living(part)
        state = self._states.get(name)
        if state is None or state.posting_at is None:
            return self.posted(part)
        found = self._found(name, place(), state.posting_at)
        if found is None:
            self._messages.not_posted(self._incident, name, state.posting_at)
            return None
        return self._note(name, found, "")

    def put(self, wanted: Wanted) -> Posted:
        """Have the message show this; nothing is sent when it does already.

        Raises:
            SlackRefusal: Slack will not have it, whatever is tried.
            Unavailable, OutcomeUnknown, Busy: later.

        """
        name = self._living(wanted.part)
        try:
            return self._put(name, wanted)
        except SlackRefusal as err:
            if err.error not in GONE or name != wanted.part or self.posted(name) is None:
                raise
            return self._succeeded(name, wanted, err.error)

    def _put(self, name: str, wanted: Wanted) -> Posted:
        state = self._states.get(name)
        there = _posted(state) if state else None
        if state is None or there is None:
            return self._first(name, wanted)
        if state.digest == wanted.digest:
            return there
        return self._edit(name, there, wanted)

    def _succeeded(self, name: str, wanted: Wanted, error: str) -> Posted:
        """A message that can be edited no more has one successor, not one for each revision."""
        there = self._put(f"{name}/{_AGAIN}", wanted)
        logger.warning("message lost", extra={"part": name, "error": error})
        lost = self._states[name]
        self._states[name] = lost.model_copy(
            update={"external_id": f"{lost.external_id}/{_GONE}", "revision": self._revision}
        )
        self._messages.shown(self._states[name])
        return there

    def once(self, part: str, do: Callable[[], object]) -> None:
        """Do what cannot be looked for afterwards: at most once, whatever comes of it."""
        if part in self._states:
            return
        self.require_time()
        if self._messages.begin_post(self._incident, part, self._clock(), SETTLE_SECONDS):
            do()

    def complain(self, what: str, error: str) -> None:
        """Log a shortcoming that lasts, once a process."""
        if f"{what}:{error}" not in self._once:
            self._once.add(f"{what}:{error}")
            logger.warning("slack falls back", extra={"what": what, "error": error})

    def require_time(self) -> None:
        """Raise Unavailable when this delivery has to end; what is done is not done again."""
        if self._clock() >= self._until:
            raise Unavailable("Slack is too slow for all messages of one delivery")

    def _living(self, part: str) -> str:
        """The name of the row that stands for the part: a lost message has one successor."""
        state = self._states.get(part)
        lost = state is not None and (state.external_id or "").endswith(f"/{_GONE}")
        return f"{part}/{_AGAIN}" if lost else part

    def _edit(self, name: str, there: Posted, wanted: Wanted) -> Posted:
        arguments: dict[str, object] = {"channel": there.channel, "ts": there.ts}
        self._say("chat.update", name, wanted.render(), arguments)
        return self._note(name, there, wanted.digest)

    def _first(self, name: str, wanted: Wanted) -> Posted:
        self.require_time()
        state = self._states.get(name)
        begun = state.posting_at if state else None
        place = wanted.place()
        if begun is not None and (found := self._found(name, place, begun)):
            self._note(name, found, "")
            return self._edit(name, found, wanted)
        try:
            return self._post(name, wanted, place)
        except SlackRefusal as err:
            if err.error not in THREAD or not place.thread:
                raise
            logger.warning("message falls back", extra={"part": name, "error": err.error})
        return self._elsewhere(name, wanted, place)

    def _elsewhere(self, name: str, wanted: Wanted, place: Place) -> Posted:
        """Its thread takes no answer: another one may, and the channel itself does."""
        other = wanted.otherwise() if wanted.otherwise else place
        if other.thread not in ("", place.thread):
            try:
                return self._post(name, wanted, other)
            except SlackRefusal as err:
                if err.error not in THREAD:
                    raise
        return self._post(name, wanted, Place(other.channel))

    def _post(self, name: str, wanted: Wanted, place: Place) -> Posted:
        card, begun = wanted.render(), self._clock()
        if not self._messages.begin_post(self._incident, name, begun, SETTLE_SECONDS):
            raise _settling(name)
        try:
            there = self._posted_now(name, card, place)
        except (SlackRefusal, Unavailable, Busy):
            self._messages.not_posted(self._incident, name, begun)
            raise
        except OutcomeUnknown as err:
            err.after_seconds = SETTLE_SECONDS
            raise
        return self._note(name, there, wanted.digest)

    def _posted_now(self, name: str, card: Card, place: Place) -> Posted:
        arguments: dict[str, object] = {"channel": place.channel}
        if place.thread:
            arguments |= {"thread_ts": place.thread}
        if place.broadcast:
            arguments |= {"reply_broadcast": True}
        answer = self._say("chat.postMessage", name, card, arguments)
        channel, ts = answer.get("channel"), answer.get("ts")
        if not isinstance(channel, str) or not isinstance(ts, str):
            raise OutcomeUnknown("Slack did not say what it made of chat.postMessage")
        return Posted(channel, ts)

    def _say(
        self, method: str, name: str, card: Card, arguments: dict[str, object]
    ) -> Mapping[str, Any]:
        self.require_time()
        if self._messages.newest(self._incident, NAME) > self._revision:
            raise Busy("a newer revision is on its way to Slack already")
        shared = {**arguments, "unfurl_links": False, "unfurl_media": False}
        if method == "chat.update":
            shared = arguments
        metadata = _metadata(f"{self._incident}/{name}")
        full = {**shared, "text": card.text, "blocks": card.blocks, "metadata": metadata}
        try:
            return self._api.call(method, **full)
        except SlackRefusal as err:
            if err.error not in FORM:
                raise
            logger.warning("message falls back", extra={"part": name, "error": err.error})
            return self._api.call(method, **{**full, **self._in_plain_words(err, card)})

    def _in_plain_words(self, err: SlackRefusal, card: Card) -> dict[str, object]:
        plain: dict[str, object] = {"text": f"{card.text} {self._url}", "blocks": []}
        # Without its metadata nobody could find it again.
        return plain | ({"metadata": None} if "metadata" in err.error else {})

    def _found(self, name: str, place: Place, begun: datetime) -> Posted | None:
        """The message of a post that began then and whose end nobody knows."""
        if self._clock() - begun < timedelta(seconds=SETTLE_SECONDS):
            raise _settling(name)
        complain = partial(self.complain, "looking for a message that may be there")
        search = Search(self._api, self.require_time, complain)
        return search.find(f"{self._incident}/{name}", place, begun)

    def _note(self, name: str, there: Posted, digest: str) -> Posted:
        state = MessageState(
            incident=self._incident,
            channel=name,
            revision=self._revision,
            external_id=f"{there.channel}/{there.ts}",
            digest=digest,
            delivered_at=self._clock(),
        )
        if not self._messages.shown_once(state):
            raise self._overtaken(name, there)
        self._states[name] = state
        return there

    def _overtaken(self, name: str, there: Posted) -> Retry:
        """What another worker has done meanwhile is put right."""
        state = self._messages.state(self._incident, name)
        living = _posted(state) if state else None
        if living is not None and living != there:
            self._end_double(name, there)
            return Busy(f"another worker had posted {name} already")
        # What the other one sent may lie below what was just sent.
        self._messages.doubt(self._incident, NAME, name)
        return OutcomeUnknown(f"a newer revision of {name} was sent meanwhile")

    def _end_double(self, name: str, there: Posted) -> None:
        """A second message of the same part loses its buttons: nothing would edit it again."""
        told: dict[str, object] = {
            "text": f"This came twice. The other message goes on: {self._url}",
            "blocks": [],
            "metadata": _metadata(f"{self._incident}/{name}/{_DOUBLE}"),
        }
        logger.warning("message posted twice", extra={"part": name, "double": "/".join(there)})
        try:
            self._api.call("chat.update", channel=there.channel, ts=there.ts, **told)
        except (SlackRefusal, Retry) as err:
            logger.warning("the double stays", extra={"part": name, "error": err.message})


def _metadata(key: str) -> dict[str, object]:
    return {"event_type": METADATA_EVENT, "event_payload": {"key": key}}


def _settling(name: str) -> Busy:
    busy = Busy(f"{name} may be on its way; it is looked for when that is known")
    busy.after_seconds = SETTLE_SECONDS
    return busy


def _posted(state: MessageState) -> Posted | None:
    channel, _, ts = (state.external_id or "").partition("/")
    return Posted(channel, ts) if ts and "/" not in ts else None
