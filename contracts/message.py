"""What people read in a channel, as pure functions of the journal's view of an incident.

A message is a projection: rendered anew at every revision, never edited by hand, never state.
"""

from typing import Any

from contracts.model import Contract
from contracts.views import ApprovalView, IncidentDetail

TIMELINE_LINES_MAX = 10
# Came after version 1 of the webhook's body, whose receivers were promised its shape.
_LATER: dict[str, Any] = {
    "requester": True,
    "stage": True,
    "verdict": {"people"},
    "plan": {"action"},
}
ASKED_MAX = 10


class Finding(Contract):
    """What was read before a question was asked: a sentence, and the telling part of the body."""

    title: str
    excerpt: str = ""
    digest: str = ""


class TrackRecord(Contract):
    """How a runbook has done on one target lately: of the `runs` that wrote it resolved
    `healed`, in a median of `heal_seconds_median`; `days` is how far back was looked.
    """

    runs: int = 0
    healed: int = 0
    heal_seconds_median: int | None = None
    days: int = 90


class Asked(Contract):
    """One question with what a person needs to answer it. `ended` says why nobody can answer any
    more, in the words of whoever closed it; empty while it is open or was answered. `remind` and
    `page` are the ids of those who are told in person when it is reminded, and when it is paged.
    """

    approval: ApprovalView
    evidence: tuple[Finding, ...] = ()
    record: TrackRecord = TrackRecord()
    ended: str = ""
    remind: tuple[str, ...] = ()
    page: tuple[str, ...] = ()


class Who(Contract):
    """A person as a message names them; `slack` is their user id there, empty where unknown."""

    id: str
    name: str
    slack: str = ""


class Call(Contract):
    """That somebody called `people` (ids) to the incident, in line `seq` of its timeline."""

    seq: int
    people: tuple[str, ...] = ()


class MessageView(Contract):
    """One incident as a channel tells of it: the approvals that are open, every question it asked
    (oldest first, the newest `ASKED_MAX`), the people it speaks of, and where its page is. `place`
    is the channel of the incident's service, as the policy names it; `called` are the ids of those
    whom somebody called to the incident, `calls` the newest of these calls. `unread` are the groups
    that are to be told in person now and of which nobody knows who is in them. `responders` are the
    people and user groups who answer for its service, while it needs people; a schedule of which
    nobody knows who is on call stands for itself.
    """

    incident: IncidentDetail
    approvals: tuple[ApprovalView, ...] = ()
    url: str = ""
    asked: tuple[Asked, ...] = ()
    people: tuple[Who, ...] = ()
    place: str = ""
    called: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    unread: tuple[str, ...] = ()
    responders: tuple[str, ...] = ()


def headline(view: MessageView) -> str:
    """One sentence: what is wrong where, and how it stands."""
    incident = view.incident
    what = incident.alerts[0].summary if incident.alerts else incident.summary
    where = str(incident.target) if incident.target else "no target"
    state = incident.outcome if incident.status == "closed" else incident.status
    return f"{incident.id} {state or 'closed'}: {what} ({where})"


def render_webhook(view: MessageView) -> dict[str, Any]:
    """The body of the outgoing webhook: the headline, the incident as the API gives it, the open
    approvals, and the newest lines of the timeline. Receivers keep the highest `revision`.
    """
    incident = view.incident
    lines = [item.model_dump(mode="json") for item in incident.timeline[-TIMELINE_LINES_MAX:]]
    return {
        "version": 1,
        "incident": incident.model_dump(mode="json", exclude={"timeline"}),
        "revision": incident.revision,
        "text": headline(view),
        "url": view.url,
        "approvals": [_told(approval) for approval in view.approvals],
        "timeline": lines,
    }


def _told(approval: ApprovalView) -> dict[str, Any]:
    return approval.model_dump(mode="json", by_alias=True, exclude=_LATER)
