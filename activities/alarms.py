"""Which alarms stand for an incident, and what PagerDuty must be told so that they do. Pure.

There is an alarm for each reason to call people, because one that somebody has acknowledged rings
nobody again, whatever is added to it:

    escalated-<line>   the incident needs people; another one, once people or a runbook had it
    <approval id>      a question stays unanswered
    page-<line>        a person pages

An alarm is acknowledged when a person takes over, and resolved when its reason is gone.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from contracts.message import MessageView
from contracts.views import TimelineItem

PAGES_MAX = 5
_ESCALATED, _PAGE = "escalated-", "page-"
# After these the incident is in other hands, so that what escalates it then is another reason.
_TURNS = ("matched", "taken_over", "handed_back", "closed", "reopened")

Said = Literal["triggering", "trigger", "acknowledge", "resolve"]


class Alarm(NamedTuple):
    """What PagerDuty was told of a reason last, and by which line of the timeline. `triggering` is
    what may have been told: the answer never came, or was no.
    """

    reason: str
    said: Said
    seq: int

    @property
    def stands(self) -> bool:
        """Whether it may have to be resolved one day."""
        return self.said != "resolve"

    @property
    def rings(self) -> bool:
        """Whether nobody has acknowledged it here."""
        return self.said in ("triggering", "trigger")


Alarms = Mapping[str, Alarm]
"""By reason."""


def news_of(view: MessageView, known: Alarms) -> list[Alarm]:
    """What is to be told now, in this order: a call before everything else."""
    if view.incident.status == "closed":
        return [alarm._replace(said="resolve") for alarm in known.values() if alarm.stands]
    calls = [call for call in _calls(view, known) if _is_news(call, known)]
    then = {**known, **{call.reason: call for call in calls}}
    gone = [alarm for alarm in then.values() if alarm.stands and _is_gone(view, alarm, then)]
    held = [alarm for alarm in then.values() if alarm.rings and _is_held(view, alarm.seq)]
    taken = [alarm._replace(said="acknowledge") for alarm in held if alarm not in gone]
    return [*calls, *taken, *(alarm._replace(said="resolve") for alarm in gone)]


def _calls(view: MessageView, known: Alarms) -> Iterator[Alarm]:
    """Every call that holds now, told or not; none to what a person has had since."""
    every = (*_escalations(view, known), *_questions(view), *_pages(view))
    yield from (call for call in every if not _is_held(view, call.seq))


def _is_news(call: Alarm, known: Alarms) -> bool:
    before = known.get(call.reason)
    if before is None or before.said == "triggering":
        return True
    return before.said == "trigger" and call.seq > before.seq


def _is_held(view: MessageView, seq: int) -> bool:
    """Whether a person has taken the incident over since that line, and has it still."""
    if view.incident.status != "taken_over":
        return False
    return seq < max((line.seq for line in _lines(view, "taken_over")), default=0)


def _is_gone(view: MessageView, alarm: Alarm, known: Alarms) -> bool:
    """Whether its reason holds no longer: the question was answered, or it escalated anew."""
    if alarm.reason.startswith(_ESCALATED):
        return any(later.seq > alarm.seq for later in _of_escalations(known))
    if alarm.reason.startswith(_PAGE):
        return False
    return alarm.reason not in {asked.id for asked in view.approvals}


def _questions(view: MessageView) -> Iterator[Alarm]:
    for asked in view.approvals:
        lines = [ln for ln in _lines(view, "paged") if ln.data.get("approval") == asked.id]
        if asked.stage == "paged" and lines:
            yield Alarm(asked.id, "trigger", lines[-1].seq)


def _pages(view: MessageView) -> Iterator[Alarm]:
    """The newest of what people have called for; what was called for before it closed is over."""
    ended = max((line.seq for line in _lines(view, "closed")), default=0)
    paged = [line for line in _lines(view, "paged") if "approval" not in line.data]
    for line in paged[-PAGES_MAX:]:
        if line.seq > ended:
            yield Alarm(f"{_PAGE}{line.seq}", "trigger", line.seq)


def _escalations(view: MessageView, known: Alarms) -> Iterator[Alarm]:
    lines = [line for line in view.incident.timeline if _escalates(line)]
    # Who said no is awake, and the no itself rings nobody.
    if view.incident.status != "escalated" or not lines or _is_no(lines[-1]):
        return
    newest = lines[-1].seq
    last = max(_of_escalations(known), key=lambda alarm: alarm.seq, default=None)
    if last is not None and last.rings and not _has_turned(view, last.seq, newest):
        yield last._replace(said="trigger", seq=newest)
    else:
        yield Alarm(f"{_ESCALATED}{newest}", "trigger", newest)


def _of_escalations(known: Alarms) -> list[Alarm]:
    return [alarm for alarm in known.values() if alarm.reason.startswith(_ESCALATED)]


def _has_turned(view: MessageView, told: int, newest: int) -> bool:
    """Whether somebody or something else has had it between the two lines."""
    between = (line for line in view.incident.timeline if told < line.seq <= newest)
    return any(line.type in _TURNS and not line.data.get("dry_run") for line in between)


def _escalates(line: TimelineItem) -> bool:
    tried = line.type == "outcome" and not line.data.get("dry_run")
    return tried or line.type in ("escalated", "handed_back")


def _is_no(line: TimelineItem) -> bool:
    return line.type == "outcome" and line.data.get("status") == "declined"


def _lines(view: MessageView, kind: str) -> list[TimelineItem]:
    return [line for line in view.incident.timeline if line.type == kind]
