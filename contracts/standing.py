"""What goes on in an incident now, in one sentence for whoever reads of it. Pure, and without a
clock: how much time is left is said by whoever shows the sentence.

Everything is read from the journal; a sentence never promises more than the last line says.
"""

from collections.abc import Callable, Iterable

from contracts.approval import Vote
from contracts.views import IncidentDetail, TimelineItem
from contracts.words import listed

# The lines of the timeline that tell what goes on now, by status.
_TELLING: dict[str, tuple[str, ...]] = {
    "open": ("matched", "outcome", "handed_back"),
    "acting": ("note",),
    "escalated": ("escalated", "outcome", "expired"),
}


def standing(incident: IncidentDetail, who: Callable[[str], str]) -> str:
    """What is done now, when no question is open; empty when the status says all of it."""
    if incident.status == "waiting":
        return answered(incident)
    if incident.status == "verifying":
        return _verifying(incident)
    if incident.status == "taken_over":
        by = who(holder_of(incident))
        return f"{by} acts by hand; Firebreak writes nothing here until the incident is handed back"
    newest = last_line(incident, *_TELLING.get(incident.status, ()))
    words = newest.text if newest else ""
    return f"a person is needed: {words}" if incident.status == "escalated" else words


def holder_of(incident: IncidentDetail) -> str:
    """The id of who has taken the incident over; empty when nobody has."""
    taken = last_line(incident, "taken_over") if incident.status == "taken_over" else None
    return taken.actor if taken else ""


def answered(incident: IncidentDetail) -> str:
    """The question is closed, and the journal has not heard yet what follows from it."""
    last = last_line(incident, "decided", "void", "expired")
    return f"for the next step: {last.text}" if last else "for a decision"


def waiting_for(
    approvers: Iterable[str], votes: Iterable[Vote], needed: int, who: Callable[[str], str]
) -> str:
    """`a decision of Ana or Ben`, `2 decisions of …`: who has voted is no longer asked."""
    cast = tuple(votes)
    missing = needed - sum(vote.decision == "approve" for vote in cast)
    voted = {vote.person for vote in cast}
    people = [who(person) for person in approvers if person not in voted]
    what = "a decision" if missing <= 1 else f"{missing} decisions"
    return f"{what} of {listed(people, 'or') or 'nobody: no approver is configured'}"


def _verifying(incident: IncidentDetail) -> str:
    last = last_line(incident, "note", "verified", "outcome")
    if last is None or last.type != "outcome":
        return last.text if last else ""
    firing = sum(alert.status == "firing" for alert in incident.alerts)
    if not firing:
        return "the alerts have resolved; waiting whether they stay so"
    return f"waiting until {firing} {'alert resolves' if firing == 1 else 'alerts resolve'}"


def last_line(incident: IncidentDetail, *types: str) -> TimelineItem | None:
    """The newest line of one of these types."""
    return next((item for item in reversed(incident.timeline) if item.type in types), None)
