"""The short messages beside a question: the reminder, the direct message, and the one message
after an outage. Each says at once when the question is over.
"""

from contracts.message import Asked, MessageView
from contracts.slack import limits
from contracts.slack.aftermath import over_row, over_text
from contracts.slack.card import Card, card
from contracts.slack.incident_card import body_of, incident_card
from contracts.slack.ladder import silence
from contracts.slack.links import answer_links
from contracts.slack.parts import bold, fact, header, lines, own, rich, said, when
from contracts.slack.risk import risk_of
from contracts.slack.telling import (
    UNWRITTEN,
    may_answer,
    mentions,
    names_of,
    place_row,
    risk_row,
    until_row,
    what_is_wrong,
    who_can_row,
    who_row,
)
from contracts.slack.untrusted import fallback

_LATE = "Slack was away while this happened. This is how it stands now."


def reminder_card(view: MessageView, asked: Asked) -> Card:
    """In the thread, below the question: edited, never followed by another one."""
    approval, names = asked.approval, names_of(view)
    key = f"{approval.id}:reminder"
    if approval.state != "open":
        over = [rich(lines(over_row(view, asked)))]
        return card(key, fallback(over_text(view, asked)), over)
    words = silence("Still no answer", view, asked)
    call = [bold(words, limits.SENTENCE_CHARS_MAX), own(": "), said(f"{approval.plan.summary}?")]
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
        told = f"{over_text(view, asked)} {approval.plan.summary}"
        rows = [over_row(view, asked), [said(approval.plan.summary)]]
        return card(key, fallback(told), [rich(lines(*rows))])
    may = person in asked.remind or may_answer(approval, person)
    words = "Your answer is needed" if may else "You were called"
    so = "" if may else ", because nobody has answered yet"
    row = [bold(words), own(f"{so}: "), said(f"{approval.plan.summary}?")]
    why = fact("Why", said(what_is_wrong(view.incident)))
    where = place_row(approval.target, view.incident.service)
    rows = [row, why, where, risk_row(risk_of(approval)), until_row(approval)]
    can = [] if may else who_can_row(approval, names_of(view))
    text = fallback(f"{words}{so}: {approval.plan.summary}?")
    links = answer_links(view, approval, message_url, "Answer" if may else "Look")
    return card(key, text, [rich(lines(*rows, can, links))])


def late_card(view: MessageView) -> Card:
    """The one message after Slack was away: how it stands, not the whole history."""
    note = rich(lines([own(_LATE)]))
    now = incident_card(view)
    title = header(now.blocks[0]["text"]["text"])
    key = f"{view.incident.id}:late"
    return card(key, f"{fallback(_LATE)} {now.text}", [title, note, *body_of(view)])
