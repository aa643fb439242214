"""How loudly a question has been asked by now, in words: never that people are called who are not.

Whoever is called hears of it by a message or a call of their own, so nobody is mentioned here.
"""

from contracts.message import Asked, MessageView
from contracts.slack import limits
from contracts.slack.telling import names_of
from contracts.slack.untrusted import line
from contracts.words import listed


def silence(words: str, view: MessageView, asked: Asked) -> str:
    """The words for that nobody has answered, with who is called by now because of it."""
    called = _called(view, asked) if asked.approval.stage == "paged" else []
    told = f"{words}, calling {listed(called)}" if called else words
    return line(told, limits.SENTENCE_CHARS_MAX)


def _called(view: MessageView, asked: Asked) -> list[str]:
    """Those whom Slack can reach, by name, and PagerDuty where it was there to be called."""
    names = names_of(view)
    reached = {person.id for person in view.people if person.slack}
    people = [names.name(one) for one in asked.page if one in reached][: limits.PEOPLE_MAX]
    return [*people, "whoever PagerDuty pages"] if _by_pagerduty(view, asked) else people


def _by_pagerduty(view: MessageView, asked: Asked) -> bool:
    own = (
        item.data.get("pages")
        for item in view.incident.timeline
        if item.type == "paged" and item.data.get("approval") == asked.approval.id
    )
    return any(isinstance(pages, dict) and pages.get("pagerduty") is True for pages in own)
