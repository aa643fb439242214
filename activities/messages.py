"""Brings the newest revision of an incident to every channel that listens.

What is sent is read from the journal at the moment of sending, so that an outage ends with one
true message. A channel that fails delays no other. This module never renders: a channel does.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from temporalio import activity

from activities.views import MembersAt, Views, nobody
from contracts.calls import DELIVER, DeliverCall, Delivered
from contracts.errors import Busy, FirebreakError, Rejected, Retry
from contracts.message import MessageView
from contracts.policy import Policy
from contracts.views import IncidentDetail
from toil.journal import Journal
from toil.messages import IN_DOUBT, Messages

logger = logging.getLogger(__name__)

# Longer than a channel may take to answer; a killed sender is replaced after it.
LEASE_SECONDS = 30


class Channel(Protocol):
    """A way to people. It gets a whole view each time and keeps no state of its own."""

    def send(self, view: MessageView, idempotency_key: str) -> str:
        """Send and return the channel's id of the message.

        Raises:
            Rejected: the channel will never take this revision.
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
        self._channels = channels
        self._clock = clock

    # Interrupted between a post and its note, nobody would know whether it is there.
    @activity.defn(name=DELIVER, no_thread_cancel_exception=True)
    def deliver(self, call: DeliverCall) -> Delivered:
        """Every channel gets the newest revision; those that have it are left in peace.

        Raises:
            NotFound: the journal does not know the incident.
            Unavailable: a channel failed; the others have been told.
            Busy: another worker is telling a channel right now.

        """
        newest = self._views.view(call.incident, self._clock()).incident
        failures: list[FirebreakError] = []
        for name, channel in self._channels.items():
            try:
                newest = self._tell(name, channel, call.incident)
            except Retry as err:
                logger.warning("channel not told", extra={"channel": name, "error": err.message})
                failures.append(err)
        if failures:
            raise failures[0]
        return Delivered(revision=newest.revision, final=newest.status == "closed")

    def _tell(self, name: str, channel: Channel, incident: str) -> IncidentDetail:
        view = self._views.view(incident, self._clock())
        revision = view.incident.revision
        if self._messages.claim(incident, name, revision, self._clock(), LEASE_SECONDS):
            external_id = self._send(name, channel, view)
            self._messages.delivered(incident, name, revision, external_id, self._clock())
        else:
            self._check_delivered(name, view.incident)
        return view.incident

    def _send(self, name: str, channel: Channel, view: MessageView) -> str:
        incident = view.incident
        try:
            return channel.send(view, f"{incident.id}:{name}:{incident.revision}")
        except Retry:
            self._messages.release(incident.id, name)
            raise
        except Rejected as err:
            # Sent again it would be refused again; the next revision is a new message.
            keys = {"channel": name, "incident": incident.id, "revision": incident.revision}
            told = {"error": err.message, "fix": err.fix}
            logger.warning("channel refused", extra={**keys, **told})
            return f"rejected: {err.message}"[:200]

    def _check_delivered(self, name: str, incident: IncidentDetail) -> None:
        state = self._messages.state(incident.id, name)
        if state is None or state.revision < incident.revision or state.digest == IN_DOUBT:
            raise Busy(f"another worker is telling {name} about {incident.id}")
