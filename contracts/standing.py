"""What goes on in an incident now, in one sentence for whoever reads of it. Pure, and without a
clock: how much time is left is said by whoever shows the sentence.

Everything is read from the journal; a sentence never promises more than the last line says.
"""

import re
from collections.abc import Callable, Iterable

from contracts.approval import Vote
from contracts.views import IncidentDetail, TimelineItem
from contracts.words import counted, listed, minutes_text

# The lines of the timeline that tell what goes on now, by status.
_TELLING: dict[str, tuple[str, ...]] = {
    "open": ("matched", "outcome", "handed_back"),
    "acting": ("note",),
    "escalated": ("escalated", "outcome", "expired", "handed_back"),
}
_SAID_ALREADY = ("escalated", "expired")
_NEEDING = ("escalated", "handed_back")
# After these the incident is in other hands, so that what needs people then is another need.
_TURNS = (
    "matched",
    "asked",
    "written",
    "verified",
    "taken_over",
    "handed_back",
    "closed",
    "reopened",
)
_NO = re.compile(r"(denied|withdrew it)(?:: (.*))?", re.DOTALL)


def standing(incident: IncidentDetail, who: Callable[[str], str]) -> str:
    """What is done now, when no question is open; empty when the status says all of it."""
    if incident.status == "waiting":
        return answered(incident, who)
    if incident.status == "verifying":
        return _verifying(incident)
    if incident.status == "taken_over":
        by = who(holder_of(incident))
        return f"{by} acts by hand; Firebreak writes nothing here until the incident is handed back"
    words = _words(incident, _newest(incident), who)
    return f"a person is needed: {words}" if incident.status == "escalated" else words


def _newest(incident: IncidentDetail) -> TimelineItem | None:
    """The line that tells what goes on now; how a dry run ended says nothing of it."""
    types = _TELLING.get(incident.status, ())
    lines = (line for line in reversed(incident.timeline) if line.type in types)
    return next((line for line in lines if not _is_dry(line)), None)


def _is_dry(line: TimelineItem) -> bool:
    return line.type == "outcome" and bool(line.data.get("dry_run"))


def _words(incident: IncidentDetail, line: TimelineItem | None, who: Callable[[str], str]) -> str:
    if line is None:
        return ""
    if line.type == "handed_back":
        return _handed_back(incident, line, who)
    ended = _ended(line)
    said = said_no(incident, who) if ended == "declined" else ""
    if said:
        return f"{said}; nothing runs"
    # That a person is needed, or that the time is over, is said already.
    return line.text.removeprefix(f"{ended}: ") if ended in _SAID_ALREADY else line.text


def said_no(incident: IncidentDetail, who: Callable[[str], str]) -> str:
    """`Ana said no: not during the sale`; empty where nobody has."""
    last = last_line(incident, "decided")
    said = _NO.fullmatch(last.text.removeprefix(f"{last.actor} ")) if last else None
    if last is None or said is None:
        return ""
    verb = "withdrew it" if said[1] == "withdrew it" else "said no"
    why = f": {said[2].rstrip('.')}" if said[2] else ""
    return f"{who(last.actor)} {verb}{why}"


def _handed_back(incident: IncidentDetail, line: TimelineItem, who: Callable[[str], str]) -> str:
    """`Ben handed it back after 4 min; 2 alerts still fire`."""
    seconds, holder = line.data.get("seconds"), who(line.actor)
    took = f" after {minutes_text(seconds)}" if isinstance(seconds, int) else ""
    firing = sum(alert.status == "firing" for alert in incident.alerts)
    still = f"{counted(firing, 'alert')} still {'fires' if firing == 1 else 'fire'}"
    # Nobody knows how long somebody worked who never came back.
    is_lost = line.text.startswith("forgotten")
    back = f"{holder} never handed it back" if is_lost else f"{holder} handed it back{took}"
    return f"{back}; {still if firing else 'no alert fires'}"


def is_ending(incident: IncidentDetail) -> bool:
    """Whether nothing runs, fires or is needed any more, so that it closes by itself."""
    newest = _newest(incident)
    fires = any(alert.status == "firing" for alert in incident.alerts)
    ended = newest is not None and newest.type in ("outcome", "handed_back")
    return incident.status == "open" and ended and not fires


def needs(incident: IncidentDetail) -> tuple[TimelineItem, ...]:
    """The lines by which the incident came to need people, oldest first: one for each time, however
    much was added while nobody and nothing else had it. Whether it needs them now, its status says.
    """
    found: list[TimelineItem] = []
    is_new = True
    for line in incident.timeline:
        is_new = is_new or (line.type in _TURNS and not line.data.get("dry_run"))
        if is_new and _needs(line):
            found.append(line)
            is_new = False
    return tuple(found)


def _needs(line: TimelineItem) -> bool:
    return line.type in _NEEDING or _ended(line) not in ("", "resolved")


def _ended(line: TimelineItem) -> str:
    """How a run ended by that line; empty where it says nothing of it."""
    if line.type != "outcome" or _is_dry(line):
        return ""
    return str(line.data.get("status") or line.text.partition(":")[0])


def holder_of(incident: IncidentDetail) -> str:
    """The id of who has taken the incident over; empty when nobody has."""
    taken = last_line(incident, "taken_over") if incident.status == "taken_over" else None
    return taken.actor if taken else ""


def answered(incident: IncidentDetail, who: Callable[[str], str] = str) -> str:
    """The question is closed, and the journal has not heard yet what follows from it."""
    last = last_line(incident, "decided", "void", "expired")
    if last is None:
        return "for a decision"
    # A workflow writes ids, and knows no names.
    by_somebody = last.type == "decided" and last.actor and last.text.startswith(f"{last.actor} ")
    rest = last.text.removeprefix(last.actor) if by_somebody else ""
    return f"for the next step: {who(last.actor) + rest if by_somebody else last.text}"


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
