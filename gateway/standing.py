"""What goes on in an incident now, in one sentence for whoever opens its page. Pure.

Everything is read from the journal; a sentence never promises more than the last line says.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

from contracts import standing as telling
from contracts.approval import Approval
from contracts.views import AlertView, IncidentDetail, TimelineItem
from contracts.words import minutes_text

_SAME_LINES_MIN = 3


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
    asked = next((approval for approval in approvals if approval.state == "open"), None)
    if incident.status == "waiting" and asked is not None:
        return _waiting(asked, now, who)
    return telling.standing(incident, who)


def _waiting(asked: Approval, now: datetime, who: Callable[[str], str]) -> str:
    left = (asked.expires_at - now).total_seconds()
    if left <= 0:
        return "for nobody any more: the time to decide has ended, and nothing is written"
    wanted = telling.waiting_for(asked.approvers, asked.votes, asked.needed, who)
    return f"for {wanted}, {minutes_text(left)} left"


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
