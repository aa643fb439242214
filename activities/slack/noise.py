"""When Slack hears of an incident at all, and who is told in person. Pure.

A channel in which every alert posts is a channel that nobody reads. What a machine settled without
writing anything and without anybody is left to the pages and the reports.
"""

from datetime import datetime, timedelta

from contracts.message import Asked, MessageView, Who
from contracts.standing import needs

# Slack counts as having been away when an incident that needed it was over before it was told.
LATE_SECONDS = 120
_TELLING = ("asked", "escalated", "taken_over", "paged", "written")


def needed_at(view: MessageView) -> datetime | None:
    """Since when people should know of the incident; None while nothing was asked of them, nothing
    was written, and nobody has it. A run that ended without a question needs them as well.
    """
    told = (line for line in view.incident.timeline if line.type in _TELLING)
    return min((line.at for line in (*told, *needs(view.incident))), default=None)


def is_late(view: MessageView, posted_at: datetime) -> bool:
    """Whether the incident was over before its message came, which had long been due by then."""
    needed, closed = needed_at(view), view.incident.closed_at
    if needed is None or closed is None:
        return False
    return posted_at > closed and posted_at - needed > timedelta(seconds=LATE_SECONDS)


def in_person(view: MessageView, asked: Asked) -> tuple[Who, ...]:
    """Whom a question is brought to in person at the stage that it has reached: those whom Slack
    knows.
    """
    stage = asked.approval.stage
    ids = () if stage == "asked" else asked.remind
    return known(view, (*ids, *(asked.page if stage == "paged" else ())))


def known(view: MessageView, ids: tuple[str, ...]) -> tuple[Who, ...]:
    """Those of them whom Slack knows, each once."""
    people = {person.id: person for person in view.people if person.slack}
    return tuple(people[one] for one in dict.fromkeys(ids) if one in people)
