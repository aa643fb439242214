"""The message that calls people when an incident comes to need a person: an edit of the incident's
own message notifies nobody.

It mentions those who answer for the service once, when it is posted. Later it only says who has it
or how it ended, and calls nobody.
"""

from contracts.message import MessageView
from contracts.slack import ids, limits
from contracts.slack.card import Card, card
from contracts.slack.incident_card import how_it_ended
from contracts.slack.menus import incident_row
from contracts.slack.parts import (
    Block,
    Part,
    actions,
    bold,
    button,
    fact,
    header,
    lines,
    own,
    rich,
    said,
)
from contracts.slack.telling import names_of, place_row, sentence, what_is_wrong
from contracts.slack.untrusted import fallback
from contracts.standing import holder_of, needs, standing
from contracts.views import TimelineItem

_TO_DO = "Take it over, so that the others see who has it, or look at the incident first."


def need_card(view: MessageView, need: TimelineItem) -> Card:
    """The call of that line, one of `needs`: as it is now, or what became of it."""
    key = f"{view.incident.id}:needed:{need.seq}"
    return _calling(view, key) if is_needed(view, need) else _over(view, key)


def is_needed(view: MessageView, need: TimelineItem) -> bool:
    """Whether nobody has it yet that was called to by that line."""
    newest = needs(view.incident)[-1:]
    return view.incident.status == "escalated" and newest == (need,)


def _calling(view: MessageView, key: str) -> Card:
    why, wrong = _why(view), what_is_wrong(view.incident)
    rows = [
        fact("What is wrong", said(wrong)),
        place_row(view.incident.target, view.incident.service),
        _whom(view),
        fact("What to do", own(_TO_DO)),
    ]
    told = f"A person is needed: {sentence(why)} {sentence(f'{wrong}{_where(view)}')}"
    text = f"{fallback(told)} {_mentions(view)}".strip()
    return card(
        key, text, [header(f"🔴 A person is needed: {why}"), rich(lines(*rows)), _buttons(view)]
    )


def _buttons(view: MessageView) -> Block:
    """To take it over asks once more, in a window that says how it is handed back."""
    row = incident_row(view)
    take = button("Take over by hand", ids.TAKE, view.incident.id, style="primary")
    return actions(take, *(row["elements"] if row else []))


def _why(view: MessageView) -> str:
    words = standing(view.incident, names_of(view).name)
    return words.removeprefix("a person is needed: ") or "nothing runs"


def _whom(view: MessageView) -> list[Part]:
    people = names_of(view).parts(view.responders, "and")
    return fact("Who answers for it", *(people or [own("nobody: no responder is configured")]))


def _where(view: MessageView) -> str:
    target = view.incident.target
    return f" ({target} in cluster {target.cluster})" if target else ""


def _mentions(view: MessageView) -> str:
    names = names_of(view)
    found = [names.mention(person) for person in view.responders]
    return " ".join(list(filter(None, found))[: limits.PEOPLE_MAX])


def _over(view: MessageView, key: str) -> Card:
    """Who has it; the incident's own message has the rest."""
    told, wrong = _became(view), what_is_wrong(view.incident)
    rows = [[bold(told, limits.SENTENCE_CHARS_MAX)], fact("What was wrong", said(wrong))]
    where = place_row(view.incident.target, view.incident.service)
    return card(key, fallback(f"{told} {wrong}{_where(view)}"), [rich(lines(*rows, where))])


def _became(view: MessageView) -> str:
    status = view.incident.status
    if status == "closed":
        return sentence(how_it_ended(view))
    if status == "taken_over":
        return f"🟣 {names_of(view).name(holder_of(view.incident))} has it."
    if status == "escalated":
        return "⚪ It came to need a person again: see the newer call."
    return "🔵 Firebreak goes on; the message of the incident says how."
