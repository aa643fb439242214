"""Brings the newest revision of an incident to every channel that listens.

What is sent is read from the journal at the moment of sending, so that an outage ends with one
true message. A channel that fails delays no other, whatever it fails with. This module never
renders: a channel does.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Protocol

from temporalio import activity

from activities.views import MembersAt, Views, nobody
from contracts.calls import DELIVER, DeliverCall, Delivered
from contracts.errors import Busy, FirebreakError, Rejected, Retry, Stop, Unavailable
from contracts.message import MessageView
from contracts.policy import Policy
from contracts.views import IncidentDetail
from toil.journal import Journal
from toil.messages import IN_DOUBT, Messages

logger = logging.getLogger(__name__)

# Longer than a channel may take to answer; a killed sender is replaced after it.
LEASE_SECONDS = 30
# How often a channel is asked again whose refusal a person can mend.
MENDING_SECONDS = 60.0
COMPLAINTS_MAX = 1_000
# Who is to be woken comes first.
_URGENCY = ("pagerduty", "slack")
# What failed without a pause of its own is tried again after this long at most.
_PAUSE_SECONDS_MAX = 60.0


class Channel(Protocol):
    """A way to people. It gets a whole view each time and keeps no state of its own."""

    def send(self, view: MessageView, idempotency_key: str) -> str:
        """Send and return the channel's id of the message.

        Raises:
            Rejected: the channel will never take this revision, or not before a person has changed
                something there.
            Unavailable: it may take it later.

        """
        ...


class MessageActivities:
    """`channels` by name; `public_url` is where people open the pages, without a last slash.
    `policy` names people and places, `members` says who is in a group.
    """

    def __init__(
        self,
        journal: Journal,
        messages: Messages,
        channels: Mapping[str, Channel],
        public_url: str,
        clock: Callable[[], datetime],
        *,
        policy: Policy | None = None,
        members: MembersAt = nobody,
    ) -> None:
        self._views = Views(journal, policy or Policy(), members, public_url)
        self._messages = messages
        self._channels = {name: channels[name] for name in sorted(channels, key=_urgency)}
        self._clock = clock
        self._complaints = _Complaints()

    # Interrupted between a post and its note, nobody would know whether it is there.
    @activity.defn(name=DELIVER, no_thread_cancel_exception=True)
    def deliver(self, call: DeliverCall) -> Delivered:
        """Every channel gets the newest revision; those that have it are left in peace. The answer
        is what all of them have: one that was told earlier may have less than one told later.

        Raises:
            NotFound: the journal does not know the incident.
            Retry: a channel failed, and the others have been told; of several failures, the one
                that may be tried again first.
            Exception: a channel has a bug, which is in the log.

        """
        told = [self._views.view(call.incident, self._clock()).incident]
        failures: list[Exception] = []
        for name, channel in self._channels.items():
            with _Apart(failures, partial(self._complain, name, call.incident)):
                told.append(self._tell(name, channel, call.incident))
        if failures:
            raise min(failures, key=_soonest)
        oldest = min(told[1:] or told, key=lambda incident: incident.revision)
        return Delivered(revision=oldest.revision, final=oldest.status == "closed")

    def _tell(self, name: str, channel: Channel, incident: str) -> IncidentDetail:
        now = self._clock()
        view = self._views.view(incident, now)
        revision = view.incident.revision
        if not self._messages.claim(incident, name, revision, now, LEASE_SECONDS):
            self._check_delivered(name, view.incident)
            return view.incident
        with ExitStack() as failed:
            until = now + timedelta(seconds=LEASE_SECONDS)
            failed.callback(self._messages.release, incident, name, until)
            external_id = self._send(name, channel, view)
            failed.pop_all()
        self._complaints.end(name, incident)
        self._messages.delivered(incident, name, revision, external_id, self._clock())
        return view.incident

    def _send(self, name: str, channel: Channel, view: MessageView) -> str:
        incident = view.incident
        try:
            return channel.send(view, f"{incident.id}:{name}:{incident.revision}")
        except Rejected as err:
            told = f"rejected: {err.message}"[:200]
            self._complain(name, incident.id, err)
            if err.is_mendable and incident.status != "closed":
                self._messages.refused(incident.id, name, told)
                raise _mending(err) from None
            # Sent again it would be refused again; the next revision is a new message.
            return told

    def _complain(self, name: str, incident: str, err: Exception) -> None:
        """A failure once for as long as it lasts, a bug always."""
        keys = {"channel": name, "incident": incident}
        if not isinstance(err, FirebreakError):
            logger.error("channel has a bug", exc_info=err, extra=keys)
        elif self._complaints.is_news(name, incident, err.message):
            what = "channel refused" if isinstance(err, Rejected) else "channel not told"
            logger.warning(what, extra={**keys, "error": err.message, "fix": err.fix})

    def _check_delivered(self, name: str, incident: IncidentDetail) -> None:
        state = self._messages.state(incident.id, name)
        if state is None or state.revision < incident.revision or state.digest == IN_DOUBT:
            raise Busy(f"another worker is telling {name} about {incident.id}")


class _Complaints:
    """What is wrong with which channel now, as far as it was said."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], str] = {}

    def is_news(self, channel: str, incident: str, text: str) -> bool:
        if self._said.get((channel, incident)) == text:
            return False
        if len(self._said) >= COMPLAINTS_MAX:
            self._said.clear()
        self._said[channel, incident] = text
        return True

    def end(self, channel: str, incident: str) -> None:
        self._said.pop((channel, incident), None)


class _Apart(AbstractContextManager[None]):
    """Keeps what a channel raises until the others have been told."""

    def __init__(self, failures: list[Exception], complain: Callable[[Exception], object]) -> None:
        self._failures = failures
        self._complain = complain

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        err: BaseException | None,
        _trace: TracebackType | None,
    ) -> bool:
        if not isinstance(err, Exception):
            return False
        self._failures.append(err)
        self._complain(err)
        return True


def _urgency(channel: str) -> int:
    return _URGENCY.index(channel) if channel in _URGENCY else len(_URGENCY)


def _soonest(err: Exception) -> tuple[bool, float]:
    """What may pass comes before what stops, so that the others are told when they can be."""
    after_seconds = err.after_seconds if isinstance(err, Retry) else None
    return isinstance(err, Stop), _PAUSE_SECONDS_MAX if after_seconds is None else after_seconds


def _mending(err: Rejected) -> Unavailable:
    later = Unavailable(err.message, err.fix)
    later.after_seconds = MENDING_SECONDS
    return later
