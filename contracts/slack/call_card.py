"""The direct message to whoever a person calls to an incident: who calls, why, and to what.

It is read on a locked phone first, so its first line and its notification say the same. The buttons
that decide are there only for whom may use them.
"""

from contracts.message import Asked, Call, MessageView
from contracts.slack import limits
from contracts.slack.aftermath import outcome_text
from contracts.slack.card import Card, card
from contracts.slack.links import answer_links
from contracts.slack.menus import incident_row, open_row
from contracts.slack.parts import (
    Block,
    Part,
    bold,
    fact,
    header,
    lines,
    own,
    rich,
    said,
    typed,
    when,
)
from contracts.slack.risk import risk_of
from contracts.slack.telling import (
    may_answer,
    names_of,
    place_row,
    risk_row,
    sentence,
    until_row,
    what_is_wrong,
    who_can_row,
)
from contracts.slack.untrusted import fallback
from contracts.standing import holder_of, standing
from contracts.target import Target
from contracts.views import TimelineItem


def call_card(view: MessageView, call: Call, person: str, message_url: str = "") -> Card:
    """To `person`, who is among those of the call; `message_url` is Slack's own permanent link of
    the open question, empty where there is none.
    """
    incident = view.incident
    line = next((item for item in incident.timeline if item.seq == call.seq), None)
    words, wrong = _words(view, line), what_is_wrong(incident)
    rows = [
        fact("What is wrong", said(wrong)),
        place_row(incident.target, incident.service),
        _now(view),
        fact("Called", when(line.at)) if line else [],
    ]
    blocks = [header(words), rich(lines(*rows)), *_to_do(view, person, message_url)]
    text = fallback(f"{sentence(words)} {sentence(f'{wrong}{_where(incident.target)}')}")
    return card(f"{incident.id}:called:{call.seq}", text, blocks)


def asked_now(view: MessageView) -> Asked | None:
    """The question that waits for an answer, where there is one."""
    return next((one for one in view.asked if one.approval.state == "open"), None)


def _words(view: MessageView, line: TimelineItem | None) -> str:
    """`Ben calls you: please look`; it is of the past once the incident is over."""
    is_over = view.incident.status == "closed"
    if line is None:
        return "You were called" if is_over else "You are called"
    reason = line.text.partition(": ")[2]
    told = f"{names_of(view).name(line.actor)} {'called' if is_over else 'calls'} you"
    return f"{told}: {reason}" if reason else told


def _where(target: Target | None) -> str:
    return f" ({target} in cluster {target.cluster})" if target else ""


def _now(view: MessageView) -> list[Part]:
    """How it stands, where no question is put below."""
    incident, names = view.incident, names_of(view)
    if incident.status == "closed":
        told = outcome_text(incident, incident.summary)
        return fact("It is over", said(told)) if told else []
    holder = holder_of(incident)
    if holder:
        return [bold("Taken over"), own(" by "), names.part(holder)]
    words = "" if asked_now(view) else standing(incident, names.name)
    return fact("Now", said(words.rstrip(" :"))) if words else []


def _to_do(view: MessageView, person: str, message_url: str) -> list[Block | None]:
    asked = asked_now(view)
    if asked is None:
        return [incident_row(view)]
    approval = asked.approval
    may = person in asked.remind or may_answer(approval, person)
    who = [] if may else who_can_row(approval, names_of(view))
    told = lines(
        [bold(f"Approve? {approval.plan.summary}")],
        risk_row(risk_of(approval)),
        until_row(approval),
        who,
        answer_links(view, approval, message_url, "Answer" if may else "Look"),
    )
    command = typed(approval.plan.kubectl, limits.COMMAND_CHARS_MAX)
    return [rich(told, command), open_row(view, approval) if may else incident_row(view)]
