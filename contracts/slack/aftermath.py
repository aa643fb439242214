"""What a question that is over has led to: who ended it, what was written, what is asked instead.

All of it is of the past, and each thing is said once: the title of the message says already what
was asked.
"""

from contracts.approval import Vote
from contracts.message import Asked, MessageView
from contracts.slack import limits
from contracts.slack.parts import Part, bold, fact, link, own, said, when
from contracts.slack.telling import CLOCK, names_of, page_of, sentence
from contracts.views import ApprovalView, IncidentDetail, TimelineItem
from contracts.words import listed

Row = list[Part]

# Lines of the timeline that tell what an approved write became.
_CAME_OF_IT = ("written", "settled", "verified", "outcome", "escalated")
_DECISIVE = {"approved": "approve", "denied": "deny"}
_SETTLED = {"released": "Not written: ", "unknown": "Nobody knows whether it was written: "}
_ENDINGS = {"denied": "; nothing was written", "expired": ", and nothing was written"}


def over_text(view: MessageView, asked: Asked) -> str:
    """`Answered: approved by Ana.`, for a notification, which knows no zone to tell a time in."""
    return sentence("".join(_over(view, asked)))


def over_row(view: MessageView, asked: Asked) -> Row:
    """The same with the time at which it was answered; it mentions nobody."""
    words, who, rest = _over(view, asked)
    votes = _votes(asked.approval)
    at = [own(" at "), when(votes[-1].at, CLOCK)] if votes else []
    return [said(words), *([own(" "), bold(who.strip())] if who else []), *at, own(f"{rest}.")]


def _over(view: MessageView, asked: Asked) -> tuple[str, str, str]:
    """What became of it, by whom, and what that means."""
    state, names = asked.approval.state, names_of(view)
    who = listed([names.name(vote.person) for vote in _votes(asked.approval)])
    if state in _DECISIVE:
        by = f"Answered: {state}{' by' if who else ''}"
        return by, f" {who}" if who else "", _ENDINGS.get(state, "")
    if state == "expired":
        return "Too late: nobody answered in time", "", _ENDINGS["expired"]
    ended = asked.ended.rstrip(".")
    return f"No longer asked: {ended}" if ended else "No longer asked", "", ""


def _votes(approval: ApprovalView) -> list[Vote]:
    word = _DECISIVE.get(approval.state)
    return [vote for vote in approval.votes if vote.decision == word][-limits.VOTES_MAX :]


def came_of(view: MessageView, asked: Asked) -> list[Row]:
    """What happened after people agreed: the lines between the last vote and the next question."""
    summary = asked.approval.plan.summary
    shown = _after(view, asked) if asked.approval.state == "approved" else []
    return [_past(item, summary) for item in shown[-limits.VOTES_MAX :]]


def _after(view: MessageView, asked: Asked) -> list[TimelineItem]:
    after: list[TimelineItem] = []
    seen = False
    for item in view.incident.timeline:
        is_own = item.data.get("approval") == asked.approval.id
        if is_own and item.type == "decided":
            seen, after = True, []
        elif seen and item.type in ("matched", "asked"):
            break
        elif seen and item.type in _CAME_OF_IT:
            after.append(item)
    return after


def _past(item: TimelineItem, summary: str) -> Row:
    """One line without the words of the plan, which are an order and stand in the title."""
    rest = item.text.replace(summary, "", 1).strip(" ;,.") if summary else item.text
    if item.type == "written":
        more = [own(": "), said(rest)] if rest else []
        return [own("Written at "), when(item.at, CLOCK), *more]
    if item.type == "verified":
        return [own("Seen afterwards: "), said(rest)]
    if item.type == "settled":
        state, _, why = rest.removeprefix(":").strip().partition(", ")
        return [own(_SETTLED.get(state, "Settled: ")), said(why or rest)]
    word, _, told = rest.partition(":")
    told = told.strip(" ;,:")
    return [said(f"{word[:1].upper()}{word[1:]}{': ' if told else ''}{told}")]


def outcome_text(incident: IncidentDetail, words: str) -> str:
    """How it ended, where `words` repeat what was written as the order that it had been."""
    written = (item.text for item in incident.timeline if item.type == "written")
    return f"Done: {words}" if words.startswith(tuple(written)) else words


def asked_instead(view: MessageView, asked: Asked) -> list[Row]:
    """The question that came in the place of one that no longer stands, and what is different."""
    newer = _newer(view, asked)
    if asked.approval.state != "void" or newer is None:
        return []
    before, now = asked.approval.plan.from_, newer.approval.plan.from_
    changed = f"{before} → {now}" if before != now else f"{now}, as before, but edited or made anew"
    again = link(page_of(view, newer.approval.id), newer.approval.plan.summary)
    row = fact("Asked instead", again) if again["type"] == "link" else []
    return [fact("Changed", said(changed, 2 * limits.STATE_CHARS_MAX)), row]


def _newer(view: MessageView, asked: Asked) -> Asked | None:
    """The first question of the same runbook that followed."""
    ids = [one.approval.id for one in view.asked]
    place = ids.index(asked.approval.id) + 1 if asked.approval.id in ids else len(ids)
    same = (one for one in view.asked[place:] if one.approval.runbook == asked.approval.runbook)
    return next(same, None)
