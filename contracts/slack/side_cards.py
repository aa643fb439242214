"""The short messages beside a question: the reminder, the direct message, and the one message
after an outage. Each says at once when the question is over.
"""

from contracts.message import Asked, MessageView
from contracts.slack.card import Card, card
from contracts.slack.incident_card import body_of, incident_card
from contracts.slack.parts import Part, bold, header, lines, link, own, rich, said, when
from contracts.slack.telling import mentions, names_of, page_of, place_row, who_row
from contracts.slack.untrusted import fallback

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
    call = [bold(f"{words}: "), own(" "), said(f"{approval.plan.summary}?")]
    until = [own("Answer above until "), when(approval.expires_at), own(".")]
    text = f"{fallback(f'{words}: {approval.plan.summary}?')} {mentions(approval, names)}".strip()
    return card(key, text, [rich(lines(call, who_row(approval, names), until))])


def dm_card(view: MessageView, asked: Asked, message_url: str = "") -> Card:
    """To one person who may answer: one line, and where to answer. `message_url` is Slack's own
    permanent link of the approval message.
    """
    approval = asked.approval
    key = f"{approval.id}:dm"
    if approval.state != "open":
        told = _OVER[approval.state]
        row = [own(f"{told} "), said(approval.plan.summary)]
        return card(key, fallback(f"{told} {approval.plan.summary}"), [rich(lines(row))])
    words = "Your answer is needed"
    row = [bold(words), own(": "), said(f"{approval.plan.summary}?")]
    until = [own("Until "), when(approval.expires_at), own(". "), *_links(view, asked, message_url)]
    where = place_row(approval.target)
    text = fallback(f"{words}: {approval.plan.summary}?")
    return card(key, text, [rich(lines(row, where, until))])


def _links(view: MessageView, asked: Asked, message_url: str) -> list[Part]:
    thread = link(message_url, "Answer in the thread")
    page = link(page_of(view, asked.approval.id), "Answer on its page")
    told = [part for part in (thread, page) if part["type"] == "link"]
    return [told[0], own(" or "), told[1]] if len(told) > 1 else told


def late_card(view: MessageView) -> Card:
    """The one message after Slack was away: how it stands, not the whole history."""
    note = rich(lines([own(_LATE)]))
    now = incident_card(view)
    title = header(now.blocks[0]["text"]["text"])
    key = f"{view.incident.id}:late"
    return card(key, f"{fallback(_LATE)} {now.text}", [title, note, *body_of(view)])
