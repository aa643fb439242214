"""The message of an incident, edited in place through its life: what is wrong where, how it
stands, who has it.
"""

from contracts.message import MessageView
from contracts.slack import limits
from contracts.slack.card import Card, card
from contracts.slack.menus import incident_row
from contracts.slack.parts import (
    Block,
    Part,
    bold,
    context,
    fact,
    header,
    lines,
    own,
    rich,
    said,
    when,
)
from contracts.slack.telling import CLOCK, alert_rows, names_of, place_row, what_is_wrong
from contracts.slack.untrusted import fallback
from contracts.standing import holder_of, last_line, standing, waiting_for
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
    text = fallback(f"{word}: {what_is_wrong(incident)} ({where}). {_standing(view)}".strip())
    # What is over must not read as if it went on.
    over = f"{word}: " if incident.status == "closed" else ""
    title = header(f"{mark} {over}{what_is_wrong(incident)}")
    return card(incident.id, text, [title, *body_of(view)])


def body_of(view: MessageView) -> list[Block | None]:
    """All but the title."""
    return [_facts(view), _alerts(view.incident), incident_row(view), _small(view.incident)]


def _mark(incident: IncidentDetail) -> tuple[str, str]:
    if incident.status != "closed":
        return _STATUS[incident.status]
    if incident.outcome == "resolved":
        return "🟢", "Resolved"
    return "⚪", _CLOSED.get(incident.outcome or "", "Closed")


def _facts(view: MessageView) -> Block:
    incident = view.incident
    where = place_row(incident.target, incident.service)
    rows = (*_question(view), _now(view), where, _who(view), _note(view), _times(incident))
    return rich(lines(*rows))


def _now(view: MessageView) -> list[Part]:
    incident, words = view.incident, _standing(view)
    if incident.status == "closed":
        return fact("Outcome", said(words)) if words else []
    between = own(" " if incident.status == "waiting" else ": ")
    return [bold(_mark(incident)[1]), *([between, said(words)] if words else [])]


def _standing(view: MessageView) -> str:
    incident, who = view.incident, names_of(view).name
    if incident.status == "closed":
        return incident.summary
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
