"""The rows of buttons. A value is an opaque id; whoever takes the click looks everything up."""

from contracts.message import MessageView
from contracts.slack import ids, limits
from contracts.slack.parts import Block, Part, actions, button, confirm, option, undated
from contracts.slack.risk import Risk, risk_of
from contracts.slack.telling import sentence
from contracts.slack.untrusted import line, safe_url
from contracts.views import ApprovalView, IncidentDetail


def open_row(view: MessageView, approval: ApprovalView) -> Block:
    """Approve, Deny…, Details, and the menu."""
    return actions(_approve(approval), _deny(approval), details(approval), *_more(view.incident))


def again_row(view: MessageView, approval: ApprovalView) -> Block | None:
    """After expiry: the same question once more."""
    if view.incident.status == "closed":
        return closed_row(view, approval)
    again = button("Ask again", ids.AGAIN, approval.id)
    return actions(again, details(approval), *_more(view.incident))


def closed_row(view: MessageView, approval: ApprovalView) -> Block | None:
    """After an answer there is only to look."""
    return actions(details(approval), *_more(view.incident))


def incident_row(view: MessageView) -> Block | None:
    """The page, and the menu while there is something to do."""
    page = [page_button("Open the incident", view.url, "incident")] if safe_url(view.url) else []
    found = [*page, *_more(view.incident)]
    return actions(*found) if found else None


def page_button(text: str, url: str, name: str) -> Part:
    """A button that opens a page of ours, which must be a safe URL."""
    return {**button(text, f"{ids.OPEN_PREFIX}{name}", name), "url": url}


def details(approval: ApprovalView) -> Part:
    """Opens the whole plan."""
    return button("Details", ids.DETAILS, approval.id)


def _approve(approval: ApprovalView) -> Part:
    risk = risk_of(approval)
    asks = {} if risk.level == "low" else {"confirm": confirm(_sure(approval, risk), "Approve")}
    return button("Approve", ids.APPROVE, approval.id, style="primary", **asks)


def _sure(approval: ApprovalView, risk: Risk) -> str:
    """The risk, what is done, and where: the target once, as most summaries name it."""
    target, summary = str(approval.target), approval.plan.summary
    place = f"in cluster {approval.target.cluster}"
    told = f"{summary}, {place}" if target in summary else f"{target} {place}: {summary}"
    why = f": {undated(risk.why[0])}" if risk.why else ""
    room = limits.CONFIRM_TEXT_CHARS_MAX // 2
    word = risk.level.capitalize()
    return f"{line(sentence(f'{word} risk{why}'), room)} {line(sentence(told), room - 1)}"


def _deny(approval: ApprovalView) -> Part:
    return button("Deny…", ids.DENY, approval.id, style="danger")


def _more(incident: IncidentDetail) -> list[Part]:
    """The menu: nothing of it is left once the incident is closed."""
    if incident.status == "closed":
        return []
    options = [option("Page someone else", f"{ids.PAGE}|{incident.id}")]
    if incident.status != "taken_over":
        options.insert(0, option("Take over by hand", f"{ids.TAKE_OVER}|{incident.id}"))
    return [{"type": "overflow", "action_id": ids.MORE, "options": options}]
