"""The message of an incident, edited in place through its life: what is wrong where, how it
stands, who has it.
"""

from contracts.message import MessageView
from contracts.slack import limits
from contracts.slack.aftermath import outcome_text
from contracts.slack.alerts import alert_rows
from contracts.slack.card import Card, card
from contracts.slack.menus import incident_row
from contracts.slack.parts import (
    Block,
    Part,
    bold,
    code,
    context,
    fact,
    header,
    lines,
    own,
    rich,
    said,
    when,
)
from contracts.slack.telling import CLOCK, hand_back, names_of, place_row, sentence, what_is_wrong
from contracts.slack.untrusted import fallback
from contracts.standing import (
    holder_of,
    is_ending,
    last_line,
    said_no,
    standing,
    waiting_for,
)
from contracts.views import IncidentDetail
from contracts.words import minutes_text

_STATUS = {
    "open": ("🔵", "Looking"),
    "waiting": ("🟡", "Waiting"),
    "acting": ("🔵", "Acting"),
    "verifying": ("🔵", "Checking"),
    "escalated": ("🔴", "A person is needed"),
    "taken_over": ("🟣", "Taken over"),
}
_CLOSED = {
    "declined": "Closed, after a no",
    "expired": "Closed, nobody answered",
    "refused": "Closed, a guardrail refused",
    "failed": "Closed, the runbook failed",
}


def incident_card(view: MessageView) -> Card:
    """The incident now."""
    incident = view.incident
    mark, word = _mark(incident)
    where = incident.target or "no workload"
    told = sentence(f"{what_is_wrong(incident).rstrip(' .')} ({where})")
    text = fallback(f"{told} {sentence(''.join(_how(view)))}")
    # What is over must not read as if it went on.
    over = f"{word}: " if incident.status == "closed" else ""
    title = header(f"{mark} {over}{what_is_wrong(incident)}")
    return card(incident.id, text, [title, *body_of(view)])


def how_it_ended(view: MessageView) -> str:
    """`🟢 Resolved: the workload is healthy again`, once it is closed."""
    mark, word = _mark(view.incident)
    told = _standing(view)
    return f"{mark} {word}: {told}" if told else f"{mark} {word}"


def body_of(view: MessageView) -> list[Block | None]:
    """All but the title."""
    return [_facts(view), _alerts(view.incident), incident_row(view), _small(view.incident)]


def _mark(incident: IncidentDetail) -> tuple[str, str]:
    if is_ending(incident):
        return "⚪", "Ending"
    if incident.status != "closed":
        return _STATUS[incident.status]
    if incident.outcome == "resolved":
        return "🟢", "Resolved"
    return "⚪", _CLOSED.get(incident.outcome or "", "Closed")


def _facts(view: MessageView) -> Block:
    incident = view.incident
    where = place_row(incident.target, incident.service)
    rows = (
        *_question(view),
        _now(view),
        where,
        _who(view),
        _back(incident),
        _note(view),
        _times(incident),
    )
    return rich(lines(*rows))


def _now(view: MessageView) -> list[Part]:
    incident, words = view.incident, _standing(view)
    if incident.status == "closed":
        return fact("Outcome", said(outcome_text(incident, words))) if words else []
    word, between, told = _how(view)
    return [bold(word), own(between), said(told)]


def _how(view: MessageView) -> tuple[str, str, str]:
    """`Waiting`, ` `, `for a decision of Ana`."""
    word, told = _mark(view.incident)[1], _standing(view)
    between = " " if view.incident.status == "waiting" else ": "
    return word, between if told else "", told


def _back(incident: IncidentDetail) -> list[Part]:
    """How whoever has it gives it back."""
    if incident.status != "taken_over":
        return []
    return fact("Hand it back", own("on its page, or "), code(hand_back(incident.id)))


def _standing(view: MessageView) -> str:
    incident, who = view.incident, names_of(view).name
    if incident.status == "closed":
        no = said_no(incident, who) if incident.outcome == "declined" else ""
        return no or incident.summary
    asked = next((a for a in view.approvals if a.state == "open"), None)
    if incident.status == "waiting" and asked:
        return f"for {waiting_for(asked.approvers, asked.votes, asked.needed, who)}"
    return standing(incident, who).removeprefix("a person is needed: ")


def _question(view: MessageView) -> list[list[Part]]:
    """What is asked, and until when; the buttons are in the thread."""
    asked = [a for a in view.approvals[:1] if view.incident.status == "waiting"]
    call = own(" Answer in the thread until ")
    return [
        fact("Approve?", said(a.plan.summary), own("."), call, when(a.expires_at), own("."))
        for a in asked
    ]


def _who(view: MessageView) -> list[Part]:
    incident = view.incident
    if incident.status == "closed":
        return []
    names, holder = names_of(view), holder_of(incident)
    called = names.parts(view.called, "and")
    also = [own("; called: "), *called] if called else []
    if holder:
        return fact("Who has it", names.part(holder), *also)
    if incident.status == "escalated":
        return fact("Who has it", own("nobody yet"), *also)
    if is_ending(incident):
        return fact("Who has it", own("nobody needs to: it closes soon"), *also)
    runbook = [own(", with runbook "), said(incident.runbooks[-1])] if incident.runbooks else []
    return fact("Who has it", own("Firebreak"), *runbook, *also)


def _note(view: MessageView) -> list[Part]:
    """What whoever called somebody wants them to know."""
    call = last_line(view.incident, "paged")
    reason = call.text.partition(": ")[2] if call else ""
    if call is None or not reason or view.incident.status == "closed":
        return []
    return fact(
        "Why called", said(reason), own(" ("), said(names_of(view).name(call.actor)), own(")")
    )


def _times(incident: IncidentDetail) -> list[Part]:
    since = when(incident.opened_at)
    if incident.closed_at is None:
        return fact("Since", since)
    took = minutes_text((incident.closed_at - incident.opened_at).total_seconds())
    end = when(incident.closed_at, CLOCK)
    return fact("Took", own(f"{took}, from "), since, own(" to "), end)


def _alerts(incident: IncidentDetail) -> Block | None:
    alerts = incident.alerts
    if not alerts:
        return None
    rows = alert_rows(alerts, limits.ALERTS_MAX, what_is_wrong(incident))
    if len(alerts) == 1:
        return rich(lines(fact("Alert", *rows[0])))
    firing = sum(alert.status == "firing" for alert in alerts)
    count = f"{firing} of {len(alerts)} firing" if firing else f"all of {len(alerts)} resolved"
    return rich(lines(fact("Alerts", own(count)), *rows))


def _small(incident: IncidentDetail) -> Block:
    return context(f"{incident.id} · team {incident.team}" if incident.team else incident.id)
