"""What goes on in an incident now, in one sentence for whoever opens its page. Pure.

Everything is read from the journal; a sentence never promises more than the last line says.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from contracts.approval import Approval
from contracts.views import AlertView, IncidentDetail, TimelineItem
from contracts.words import counted
from toil.words import minutes_text

_SAME_LINES_MIN = 3
# The lines of the timeline that tell what goes on now, by status.
_TELLING: dict[str, tuple[str, ...]] = {
    "open": ("matched", "outcome", "handed_back"),
    "acting": ("note",),
    "escalated": ("escalated", "outcome", "expired"),
}


class Line(NamedTuple):
    """One line of the timeline as it is shown. `more` are the lines that say the same and follow
    at once; none of them is left out, they only stand behind the first.
    """

    item: TimelineItem
    alert: AlertView | None
    more: tuple["Line", ...] = ()


def standing(
    incident: IncidentDetail,
    approvals: Iterable[Approval],
    now: datetime,
    who: Callable[[str], str],
) -> str:
    """What is waited for or done now; empty when the status says all of it."""
    if incident.status == "waiting":
        asked = next((approval for approval in approvals if approval.state == "open"), None)
        return _waiting(asked, now, who) if asked else _answered(incident)
    if incident.status == "verifying":
        return _verifying(incident)
    if incident.status == "taken_over":
        by = who(holder_of(incident))
        return f"{by} acts by hand; Firebreak writes nothing here until the incident is handed back"
    newest = _last(incident, *_TELLING.get(incident.status, ()))
    words = newest.text if newest else ""
    return f"a person is needed: {words}" if incident.status == "escalated" else words


def holder_of(incident: IncidentDetail) -> str:
    """The id of who has taken the incident over; empty when nobody has."""
    taken = _last(incident, "taken_over") if incident.status == "taken_over" else None
    return taken.actor if taken else ""


def _answered(incident: IncidentDetail) -> str:
    """The question is closed, and the journal has not heard yet what follows from it."""
    last = _last(incident, "decided", "void", "expired")
    return f"for the next step: {last.text}" if last else "for a decision"


def _waiting(asked: Approval, now: datetime, who: Callable[[str], str]) -> str:
    left = (asked.expires_at - now).total_seconds()
    if left <= 0:
        return "for nobody any more: the time to decide has ended, and nothing is written"
    missing = asked.needed - sum(vote.decision == "approve" for vote in asked.votes)
    voted = {vote.person for vote in asked.votes}
    people = _or([who(person) for person in asked.approvers if person not in voted])
    what = "a decision" if missing <= 1 else f"{missing} decisions"
    return f"for {what} of {people}, {minutes_text(left)} left"


def _or(people: list[str]) -> str:
    if not people:
        return "nobody: no approver is configured"
    return " or ".join(filter(None, (", ".join(people[:-1]), people[-1])))


def _verifying(incident: IncidentDetail) -> str:
    last = _last(incident, "note", "verified", "outcome")
    if last is None or last.type != "outcome":
        return last.text if last else ""
    firing = sum(alert.status == "firing" for alert in incident.alerts)
    if not firing:
        return "the alerts have resolved; waiting whether they stay so"
    return f"waiting until {counted(firing, 'alert resolves', 'alerts resolve')}"


def _last(incident: IncidentDetail, *types: str) -> TimelineItem | None:
    return next((item for item in reversed(incident.timeline) if item.type in types), None)


def lines_of(incident: IncidentDetail) -> tuple[Line, ...]:
    """The timeline, with each alert's line beside its alert, and repeats behind the first."""
    alerts = {(alert.source, alert.fingerprint): alert for alert in incident.alerts}
    runs: list[list[Line]] = []
    for item in incident.timeline:
        alert = alerts.get((str(item.data.get("source")), str(item.data.get("fingerprint"))))
        line = Line(item, alert)
        if runs and _says_the_same(runs[-1][-1].item, item):
            runs[-1].append(line)
        else:
            runs.append([line])
    return tuple(line for run in runs for line in _folded(run))


def _says_the_same(one: TimelineItem, other: TimelineItem) -> bool:
    said = (one.type, one.actor, one.text)
    return one.type == "alert" and said == (other.type, other.actor, other.text)


def _folded(run: list[Line]) -> Iterable[Line]:
    if len(run) <= _SAME_LINES_MIN:
        return run
    return (run[0]._replace(more=tuple(run[1:])),)
