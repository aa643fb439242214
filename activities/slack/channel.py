"""Slack as a channel: a message for the incident, in its thread each question, its reminder, and
what people are told in person. All of it is drawn from the view; only this module draws it.

Nothing here decides anything, and no incident waits for it. A message that Slack refuses is told to
whoever runs Firebreak; the next revision tries again.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from activities.slack.client import SlackApi, SlackRefusal
from activities.slack.noise import in_person, is_late, known, needed_at
from activities.slack.poster import NAME, Poster, Wanted
from activities.slack.search import Place, Posted
from contracts.errors import Rejected, Retry, Unavailable
from contracts.message import Asked, Call, Finding, MessageView, Who
from contracts.slack.approval_card import approval_card
from contracts.slack.call_card import asked_now, call_card
from contracts.slack.card import Card
from contracts.slack.evidence_file import file_name, file_text
from contracts.slack.fates import Fate
from contracts.slack.incident_card import incident_card
from contracts.slack.need_card import is_needed, need_card
from contracts.slack.risk import risk_of
from contracts.slack.side_cards import dm_card, late_card, reminder_card
from contracts.standing import last_line, needs
from toil.messages import Messages

logger = logging.getLogger(__name__)

CARD = f"{NAME}/card"
FILE_CHARS_MAX = 64 * 1024
UNREAD_SECONDS = 30
# Older calls of one incident are left as they are.
NEEDS_MAX = 5
_QUIET = "quiet: nobody is needed"

# The body of a piece of evidence, of this incident and with this digest.
Bodies = Callable[[str, str], str | None]
Step = Callable[[], object]


class SlackChannel:
    """`bodies` gives evidence as it was read, for the file beside a question."""

    def __init__(
        self, api: SlackApi, messages: Messages, bodies: Bodies, clock: Callable[[], datetime]
    ) -> None:
        self._api = api
        self._messages = messages
        self._bodies = bodies
        self._clock = clock
        self._once: set[str] = set()

    def send(self, view: MessageView, idempotency_key: str) -> str:  # noqa: ARG002 - the rows of the messages know better what was sent
        """Have Slack show the view; returns the id of the incident's message.

        Raises:
            Rejected: Slack will not take all of this revision.
            Unavailable, OutcomeUnknown, Busy: it may take the rest later.

        """
        incident = view.incident
        poster = Poster(self._api, self._messages, self._clock, self._once)
        poster.open(incident.id, incident.revision, view.url)
        if poster.posted(CARD) is None and needed_at(view) is None:
            return _QUIET
        if poster.posted(CARD) is None and not view.place:
            fix = "Set `channel` of the service, or of [slack], in firebreak.toml."
            raise Rejected(f"no Slack channel for service '{incident.service}'", fix)
        return _Delivery(self._api, poster, view, self._bodies, self._clock()).run()


class _Delivery:
    """One revision on its way."""

    def __init__(
        self, api: SlackApi, poster: Poster, view: MessageView, bodies: Bodies, now: datetime
    ) -> None:
        self._api = api
        self._poster = poster
        self._view = view
        self._bodies = bodies
        self._now = now

    def run(self) -> str:
        """What a person waits for comes first; what is refused stops nothing else, and neither does
        a group of which nobody knows who is in it, whose people are told once that is known.
        """
        if self._poster.posted(CARD) is None:
            self._card()
        refused: list[SlackRefusal] = []
        for step in self._steps():
            try:
                step()
            except SlackRefusal as err:
                refused.append(err)
        if refused:
            raise next((err for err in refused if err.is_mendable), refused[0])
        if self._view.unread:
            raise _unread(self._view.unread)
        return "/".join(self._root())

    def _steps(self) -> Iterator[Step]:
        asked = [one for one in self._view.asked if one.approval.state == "open"]
        closed = [one for one in self._view.asked if one.approval.state != "open"]
        for one in asked:
            yield self._of(self._question, one)
        for one in asked:
            yield self._of(self._reminder, one)
            yield from (self._dm(one, person) for person in in_person(self._view, one))
        yield from self._needs()
        yield self._card
        for one in closed:
            yield from self._endings(one)
        yield from self._calls()
        for one in asked:
            yield self._of(self._file, one)

    def _of(self, step: Callable[[Asked], object], one: Asked) -> Step:
        return lambda: step(one)

    def _root(self) -> Posted:
        posted = self._poster.posted(CARD)
        if posted is None:
            raise Rejected("the incident has no message in Slack")
        return posted

    def _card(self) -> None:
        posted = self._poster.posted(CARD)
        at = datetime.fromtimestamp(posted.at, UTC) if posted else self._now
        card = (late_card if is_late(self._view, at) else incident_card)(self._view)
        # A message that was lost comes anew where the policy says now.
        place = self._view.place or (posted.channel if posted else "")
        self._put(CARD, card, Place(place))

    def _put(self, part: str, card: Card, place: Place) -> None:
        self._poster.put(Wanted(part, card.digest, lambda: card, lambda: place))

    def _answer(self, part: str, card: Card, *, broadcast: bool = False) -> None:
        """Have the card's thread show this; a thread that was lost with its card comes anew."""

        def thread() -> Place:
            return self._thread(broadcast=broadcast)

        def anew() -> Place:
            # That the card is refused, too, is told by its own step.
            with suppress(SlackRefusal):
                self._card()
            return thread()

        self._poster.put(Wanted(part, card.digest, lambda: card, thread, anew))

    def _thread(self, *, broadcast: bool = False) -> Place:
        root = self._root()
        return Place(root.channel, root.ts, broadcast)

    def _question(self, one: Asked) -> None:
        loud = risk_of(one.approval).level == "high"
        card = approval_card(self._view, one)
        self._answer(f"{NAME}/{one.approval.id}", card, broadcast=loud)

    def _reminder(self, one: Asked) -> None:
        part = f"{NAME}/{one.approval.id}/reminder"
        if one.approval.stage != "asked" or self._poster.posted(part):
            self._answer(part, reminder_card(self._view, one))

    def _endings(self, one: Asked) -> Iterator[Step]:
        """Only what was posted is brought to its end: a question that is over is not news."""
        part = f"{NAME}/{one.approval.id}"
        yield self._if_there(part, self._thread, self._of(self._question, one))
        yield self._if_there(f"{part}/reminder", self._thread, self._of(self._reminder, one))
        told = {dm.rpartition("/")[2] for dm in self._poster.parts(f"{part}/dm/")}
        for person in (person for person in self._view.people if person.id in told):
            place = partial(self._with, person)
            step = self._if_there(f"{part}/dm/{person.id}", place, self._dm(one, person))
            yield self._in_person(step)

    def _needs(self) -> Iterator[Step]:
        """Each time that it came to need people has its own message, which calls them: an edit
        notifies nobody. What is over before it was posted is not news.
        """
        for need in needs(self._view.incident)[-NEEDS_MAX:]:
            part = f"{NAME}/needed/{need.seq}"
            card = need_card(self._view, need)
            tell = partial(self._answer, part, card, broadcast=True)
            needed = is_needed(self._view, need)
            yield tell if needed else self._if_there(part, self._thread, tell)

    def _if_there(self, part: str, place: Callable[[], Place], step: Step) -> Step:
        """The step, where the message is there; nobody knows before it was looked for."""
        return lambda: self._poster.find(part, place) and step()

    def _dm(self, one: Asked, person: Who) -> Step:
        # Where the question stands in Slack never changes what the message shows otherwise.
        plain = dm_card(self._view, one, person.id)
        wanted = Wanted(
            f"{NAME}/{one.approval.id}/dm/{person.id}",
            plain.digest,
            lambda: dm_card(self._view, one, person.id, self._permalink(one)),
            lambda: self._with(person),
        )
        return self._in_person(lambda: self._poster.put(wanted))

    def _calls(self) -> Iterator[Step]:
        """Who is called to the incident gets its message too, at each call anew; nobody is, once
        the incident has ended.
        """
        ended = self._view.incident.status == "closed"
        closed = last_line(self._view.incident, "closed")
        for call in self._view.calls:
            over = ended or (closed is not None and call.seq < closed.seq)
            for person in known(self._view, call.people):
                yield self._call(call, person, over=over)

    def _call(self, call: Call, person: Who, *, over: bool) -> Step:
        plain, place = call_card(self._view, call, person.id), partial(self._with, person)

        def card() -> Card:
            return call_card(self._view, call, person.id, self._permalink(asked_now(self._view)))

        # Where the question stands in Slack never changes what the message shows otherwise.
        wanted = Wanted(_called(call, person), plain.digest, card, place)

        def tell() -> None:
            if not over or self._poster.find(wanted.part, place):
                self._poster.put(wanted)

        return self._in_person(tell)

    def _in_person(self, step: Step) -> Step:
        """The same step; the thread has it too, so that one person cannot be reached is no reason
        to fail.
        """

        def tell() -> None:
            try:
                step()
            except SlackRefusal as err:
                self._poster.complain("telling somebody in person", err.error)

        return tell

    def _with(self, person: Who) -> Place:
        answer = self._api.call("conversations.open", users=person.slack)
        return Place(str(answer["channel"]["id"]))

    def _permalink(self, one: Asked | None) -> str:
        if one is None or one.approval.state != "open":
            return ""
        posted = self._poster.posted(f"{NAME}/{one.approval.id}")
        if posted is None:
            return ""
        place = {"channel": posted.channel, "message_ts": posted.ts}
        try:
            return str(self._api.read("chat.getPermalink", **place)["permalink"])
        except SlackRefusal as err:
            self._poster.complain("the link to a question", err.error)
            return ""

    def _file(self, one: Asked) -> None:
        """The most telling evidence as a file, where the message shows only a part of it."""
        found = next(iter(one.evidence), None)
        part = f"{NAME}/{one.approval.id}/file"
        if (
            found is None
            or not found.digest
            or not self._poster.posted(f"{NAME}/{one.approval.id}")
        ):
            return
        body = self._bodies(self._view.incident.id, found.digest) or ""
        if len(body) > len(found.excerpt):
            self._poster.once(part, lambda: self._upload(one, found, body[:FILE_CHARS_MAX]))

    def _upload(self, one: Asked, found: Finding, body: str) -> None:
        root = self._root()
        try:
            place = (root.channel, root.ts)
            self._api.upload(place, file_name(found), body, file_text(one, found))
        except SlackRefusal as err:
            what = "the file of the evidence" if err.fate is Fate.FALL_BACK else "a file"
            self._poster.complain(what, err.error)
        except Retry as err:
            # It may be there or not; the message has the excerpt, and its page has all of it.
            logger.info("file not sent", extra={"approval": one.approval.id, "why": err.message})


def _called(call: Call, person: Who) -> str:
    return f"{NAME}/called/dm/{person.id}/{call.seq}"


def _unread(groups: tuple[str, ...]) -> Unavailable:
    later = Unavailable(f"nobody knows yet who is in {', '.join(groups)}")
    later.after_seconds = UNREAD_SECONDS
    return later
