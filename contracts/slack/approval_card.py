"""The message that asks: everything needed for a decision, in the order in which it is read.

It is a picture of the journal at one moment. The buttons leave with the question, never before.
"""

from contracts.message import Asked, MessageView
from contracts.slack import limits
from contracts.slack.aftermath import asked_instead, came_of
from contracts.slack.alerts import reason_rows
from contracts.slack.card import Card, card
from contracts.slack.ladder import silence
from contracts.slack.menus import again_row, closed_row, open_row
from contracts.slack.parts import (
    Block,
    bold,
    context,
    fact,
    header,
    lines,
    link,
    own,
    rich,
    said,
    typed,
)
from contracts.slack.risk import risk_of
from contracts.slack.telling import (
    UNWRITTEN,
    back_row,
    blast_row,
    evidence_parts,
    finding_rows,
    mentions,
    names_of,
    page_of,
    place_row,
    record_row,
    requester_row,
    risk_row,
    sentence,
    until_row,
    vote_row,
    vote_rows,
    what_is_wrong,
    who_row,
)
from contracts.slack.untrusted import fallback
from contracts.views import ApprovalView

_ENDED = {
    "approved": "✅ Approved",
    "denied": "⛔ Denied",
    "expired": "⌛ Expired",
    "void": "⚪ No longer asked",
}


def approval_card(view: MessageView, asked: Asked) -> Card:
    """The question while it is open, and what became of it afterwards."""
    is_open = asked.approval.state == "open"
    blocks = _open(view, asked) if is_open else _over(view, asked)
    text = _call(view, asked) if is_open else fallback(f"{_title(asked)}. {_ending(view, asked)}")
    return card(asked.approval.id, text, blocks)


def _title(asked: Asked) -> str:
    approval = asked.approval
    if approval.state == "open":
        return f"{risk_of(approval).mark} Approve? {approval.plan.summary}"
    last = approval.votes[-1].person if approval.votes else ""
    withdrawn = approval.state == "denied" and last == approval.requester
    ended = "⛔ Withdrawn" if withdrawn else _ENDED[approval.state]
    return f"{ended}: {approval.plan.summary}"


def _call(view: MessageView, asked: Asked) -> str:
    approval = asked.approval
    where = f"{approval.target.cluster}, {risk_of(approval).level} risk"
    told = sentence(f"Approve? {approval.plan.summary} ({where}): {what_is_wrong(view.incident)}")
    until = f"Until {approval.expires_at:%H:%M} UTC. {UNWRITTEN}"
    return f"{fallback(told)} {until} {mentions(approval, names_of(view))}".strip()


def _open(view: MessageView, asked: Asked) -> list[Block | None]:
    """What a decision is made on stands above the buttons, what it is checked against below."""
    approval = asked.approval
    return [
        header(_title(asked)),
        _why(view, approval),
        _where(view, asked),
        _what(asked),
        _who(view, asked),
        open_row(view, approval),
        _evidence(asked),
        _from(view, approval),
        _small(approval),
    ]


def _why(view: MessageView, approval: ApprovalView) -> Block:
    alerts = reason_rows(view.incident.alerts, limits.ALERTS_ASKED_MAX)
    found = finding_rows(approval.plan.findings, limits.FINDINGS_MAX)
    return rich(lines(*alerts, *found))


def _where(view: MessageView, asked: Asked) -> Block:
    approval = asked.approval
    return rich(
        lines(
            place_row(approval.target, view.incident.service),
            risk_row(risk_of(approval)),
            blast_row(approval),
            until_row(approval),
        )
    )


def _what(asked: Asked) -> Block:
    plan = asked.approval.plan
    change = f"{plan.from_} → {plan.to}"
    return rich(
        typed(plan.kubectl, limits.COMMAND_CHARS_MAX),
        lines(
            fact("Change", said(change, 2 * limits.STATE_CHARS_MAX)),
            back_row(asked.approval),
            record_row(asked.record),
        ),
    )


def _who(view: MessageView, asked: Asked) -> Block:
    approval, names = asked.approval, names_of(view)
    told = silence("Nobody has answered yet", view, asked)
    stage = [bold(f"{told}.", limits.SENTENCE_CHARS_MAX)] if approval.stage != "asked" else []
    return rich(lines(stage, *vote_rows(approval, names), who_row(approval, names)))


def _evidence(asked: Asked) -> Block:
    return rich(*evidence_parts(asked.evidence[: limits.EVIDENCE_MAX], limits.EXCERPT_CHARS_MAX))


def _from(view: MessageView, approval: ApprovalView) -> Block:
    page = [link(page_of(view, approval.id), "Answer in the browser instead")]
    return rich(lines(requester_row(approval, names_of(view)), page))


def _small(approval: ApprovalView) -> Block:
    """What the command line and the next reader need."""
    digest = approval.plan.digest.removeprefix("sha256:")
    return context(f"{approval.id} · plan {digest[:12]}")


def _over(view: MessageView, asked: Asked) -> list[Block | None]:
    approval, names = asked.approval, names_of(view)
    last = approval.votes[-limits.VOTES_MAX :]
    votes = [vote_row(vote, names, approval.requester) for vote in last]
    after = [[own("• "), *row] for row in came_of(view, asked)]
    ending = [bold(_ending(view, asked), limits.SENTENCE_CHARS_MAX)]
    command = typed(approval.plan.kubectl, limits.COMMAND_CHARS_MAX)
    page = [link(page_of(view, approval.id), "All of it in the browser")]
    buttons = again_row if approval.state == "expired" else closed_row
    return [
        header(_title(asked)),
        rich(lines(*votes, ending, *after, *asked_instead(view, asked))),
        rich(lines(place_row(approval.target)), command, lines(page)),
        buttons(view, approval),
        _small(approval),
    ]


def _ending(view: MessageView, asked: Asked) -> str:
    state = asked.approval.state
    if state == "approved":
        # What came of it follows, as soon as there is any.
        is_done = bool(came_of(view, asked))
        return (
            "What came of it:" if is_done else "Firebreak looks once more, then does exactly this."
        )
    if state == "denied":
        needed = " A person is needed." if view.incident.status == "escalated" else ""
        return f"Nothing was written.{needed}"
    if state == "expired":
        return "Nobody answered in time, and nothing was written."
    return sentence(f"This question no longer stands: {asked.ended or 'the case has moved on'}")
