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
from contracts.standing import holder_of, standing, waiting_for
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


def incident_card(view: MessageView) -> Card:
    """The incident now."""
    incident = view.incident
    mark, word = _mark(incident)
    where = incident.target or "no workload"
    text = fallback(f"{word}: {what_is_wrong(incident)} ({where}). {_standing(view)}".strip())
    title = header(f"{mark} {what_is_wrong(incident)}")
    return card(incident.id, text, [title, *body_of(view)])


def body_of(view: MessageView) -> list[Block | None]:
    """All but the title."""
    return [_facts(view), _alerts(view.incident), incident_row(view), _small(view.incident)]


def _mark(incident: IncidentDetail) -> tuple[str, str]:
    if incident.status != "closed":
        return _STATUS[incident.status]
    if incident.outcome == "resolved":
        return "🟢", "Resolved"
    return "⚪", f"Closed, {incident.outcome}" if incident.outcome else "Closed"


def _facts(view: MessageView) -> Block:
    incident = view.incident
    told = said(_standing(view))
    between = own(" " if incident.status == "waiting" else ": ")
    now = [bold(_mark(incident)[1]), *([between, told] if told["text"] else [])]
    where = place_row(incident.target, incident.service)
    return rich(lines(now, *_question(view), where, _who(view), _times(incident)))


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
    thread = own(" (answer in the thread)")
    return [
        fact("Asked", said(f"{a.plan.summary}?"), own(" Until "), when(a.expires_at), thread)
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


def _times(incident: IncidentDetail) -> list[Part]:
    told = fact("Since", when(incident.opened_at))
    if incident.closed_at is None:
        return told
    took = minutes_text((incident.closed_at - incident.opened_at).total_seconds())
    return [*told, own(" until "), when(incident.closed_at, CLOCK), own(f", {took}")]


def _alerts(incident: IncidentDetail) -> Block | None:
    alerts = incident.alerts
    if not alerts:
        return None
    firing = sum(alert.status == "firing" for alert in alerts)
    count = fact("Alerts", own(f"{firing} of {len(alerts)} firing"))
    return rich(lines(count, *alert_rows(alerts, limits.ALERTS_MAX)))


def _small(incident: IncidentDetail) -> Block:
    return context(f"{incident.id} · team {incident.team}" if incident.team else incident.id)
