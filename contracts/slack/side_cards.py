"""The short messages beside a question: the reminder, the direct message, and the one message
after an outage. Each says at once when the question is over.
"""

from contracts.message import Asked, MessageView
from contracts.slack import limits
from contracts.slack.card import Card, card
from contracts.slack.incident_card import body_of, incident_card
from contracts.slack.parts import Part, bold, fact, header, lines, link, own, rich, said, when
from contracts.slack.risk import risk_of
from contracts.slack.telling import (
    UNWRITTEN,
    may_answer,
    mentions,
    names_of,
    on_call_now,
    page_of,
    place_row,
    risk_row,
    until_row,
    voters_left,
    what_is_wrong,
    who_row,
)
from contracts.slack.untrusted import fallback
from contracts.words import listed

_OVER = {
    "approved": "Answered: approved.",
    "denied": "Answered: denied, and nothing was written.",
    "expired": "Too late: nobody answered in time, and nothing was written.",
    "void": "No longer asked.",
}
_LATE = "Slack was away while this happened. This is how it stands now."


def reminder_card(view: MessageView, asked: Asked) -> Card:
    """In the thread, below the question: edited, never followed by another one."""
    approval, names = asked.approval, names_of(view)
    key = f"{approval.id}:reminder"
    if approval.state != "open":
        told = _OVER[approval.state]
        return card(key, fallback(told), [rich(lines([own(told)]))])
    words = "Still no answer" if approval.stage != "paged" else "Still no answer, more are called"
    call = [bold(words), own(": "), said(f"{approval.plan.summary}?")]
    until = [own("Answer above until "), when(approval.expires_at), own(f". {UNWRITTEN}")]
    text = f"{fallback(f'{words}: {approval.plan.summary}?')} {mentions(approval, names)}".strip()
    return card(key, text, [rich(lines(call, who_row(approval, names), until))])


def dm_card(view: MessageView, asked: Asked, person: str, message_url: str = "") -> Card:
    """To one person who is called: what is asked, and where to answer; or, for whom may not answer,
    who can. `message_url` is Slack's own permanent link of the approval message.
    """
    approval = asked.approval
    key = f"{approval.id}:dm"
    if approval.state != "open":
        told = _OVER[approval.state]
        row = [own(f"{told} "), said(approval.plan.summary)]
        return card(key, fallback(f"{told} {approval.plan.summary}"), [rich(lines(row))])
    may = person in asked.remind or may_answer(approval, person)
    words = "Your answer is needed" if may else "You were called"
    so = "" if may else ", because nobody has answered yet"
    row = [bold(words), own(f"{so}: "), said(f"{approval.plan.summary}?")]
    why = fact("Why", said(what_is_wrong(view.incident)))
    where = place_row(approval.target, view.incident.service)
    rows = [row, why, where, risk_row(risk_of(approval)), until_row(approval)]
    can = [] if may else _who_can(view, asked)
    text = fallback(f"{words}{so}: {approval.plan.summary}?")
    links = _links(view, asked, message_url, "Answer" if may else "Look")
    return card(key, text, [rich(lines(*rows, can, links))])


def _who_can(view: MessageView, asked: Asked) -> list[Part]:
    """By name: this message calls nobody else."""
    names = names_of(view)
    people = (*voters_left(asked.approval), *on_call_now(asked.approval))
    told = listed([names.name(one) for one in people[: limits.PEOPLE_MAX]], "or")
    return fact("Who may answer", said(told or "nobody: no approver is left"), own("."))


def _links(view: MessageView, asked: Asked, message_url: str, verb: str) -> list[Part]:
    thread = link(message_url, f"{verb} in the thread")
    page = link(page_of(view, asked.approval.id), f"{verb} in the browser")
    told = [part for part in (thread, page) if part["type"] == "link"]
    return [told[0], own(" or "), told[1]] if len(told) > 1 else told


def late_card(view: MessageView) -> Card:
    """The one message after Slack was away: how it stands, not the whole history."""
    note = rich(lines([own(_LATE)]))
    now = incident_card(view)
    title = header(now.blocks[0]["text"]["text"])
    key = f"{view.incident.id}:late"
    return card(key, f"{fallback(_LATE)} {now.text}", [title, note, *body_of(view)])
