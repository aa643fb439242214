"""What people read in a channel, as pure functions of the journal's view of an incident.

A message is a projection: rendered anew at every revision, never edited by hand, never state.
"""

from typing import Any

from contracts.model import Contract
from contracts.views import ApprovalView, IncidentDetail

TIMELINE_LINES_MAX = 10


class MessageView(Contract):
    """One incident with the approvals that are open, and where its page is."""

    incident: IncidentDetail
    approvals: tuple[ApprovalView, ...] = ()
    url: str = ""


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
        "approvals": [a.model_dump(mode="json", by_alias=True) for a in view.approvals],
        "timeline": lines,
    }
