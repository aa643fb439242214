"""A person's own page in Slack: what waits for them, what they have taken over, their week."""

from datetime import datetime
from typing import Any

from pydantic import Field

from contracts.model import Contract
from contracts.slack import ids, limits
from contracts.slack.card import fitted, identified
from contracts.slack.menus import details, page_button
from contracts.slack.parts import (
    Block,
    actions,
    bold,
    button,
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
from contracts.slack.risk import risk_of
from contracts.slack.telling import hand_back, place_row, what_is_wrong
from contracts.slack.untrusted import safe_url
from contracts.views import ApprovalView, IncidentView
from contracts.words import minutes_text

PENDING_MAX = 10
TAKEN_MAX = 10


class Home(Contract):
    """One person's own: the open questions that they may answer, the incidents that they have
    taken over, the seconds of this week by category, since when their stopwatch runs and for
    what, and the address of the gateway.
    """

    pending: tuple[ApprovalView, ...] = ()
    taken: tuple[IncidentView, ...] = ()
    week_seconds: dict[str, int] = Field(default_factory=dict)
    running_since: datetime | None = None
    running_text: str = ""
    url: str = ""


def home_view(home: Home) -> dict[str, Any]:
    """The page, for `views.publish`."""
    blocks = [*_pending(home), *_taken(home), *_week(home)]
    return {"type": "home", "blocks": identified("h", fitted(blocks, limits.VIEW_CHARS_MAX))}


def _pending(home: Home) -> list[Block]:
    blocks = [header("Waiting for you")]
    if not home.pending:
        return [*blocks, rich(lines([own("Nothing waits for your answer.")]))]
    for asked in home.pending[:PENDING_MAX]:
        risk = risk_of(asked)
        row = [bold(f"{risk.mark} {asked.plan.summary}?")]
        until = [own(f"{risk.level.capitalize()} risk. Answer until "), when(asked.expires_at)]
        url = safe_url(f"{home.url}/approvals/{asked.id}")
        page = [page_button("Look and decide", url, "approval")] if url else []
        blocks += [rich(lines(row, place_row(asked.target), until)), actions(*page, details(asked))]
    return [*blocks, *_more(len(home.pending) - PENDING_MAX)]


def _more(number: int) -> list[Block]:
    """What stands on the page alone."""
    return [context(f"and {number} more, on the page of Firebreak")] if number > 0 else []


def _taken(home: Home) -> list[Block]:
    if not home.taken:
        return []
    blocks = [header("You have taken over")]
    for incident in home.taken[:TAKEN_MAX]:
        url = safe_url(f"{home.url}/incidents/{incident.id}")
        how = [own("on its page, or "), code(hand_back(incident.id))]
        back = fact("Hand it back", *(how if url else how[1:]))
        told = rich(lines([bold(what_is_wrong(incident))], place_row(incident.target), back))
        blocks.append(told)
        if url:
            blocks.append(actions(page_button("Open the incident", url, "incident")))
    return [*blocks, *_more(len(home.taken) - TAKEN_MAX)]


def _week(home: Home) -> list[Block]:
    rows = [
        fact(name.replace("_", " ").capitalize(), own(minutes_text(seconds)))
        for name, seconds in home.week_seconds.items()
        if seconds
    ]
    told = rows or [[own("Nothing is recorded yet.")]]
    since = home.running_since
    running = (
        [own("Your stopwatch has run since "), when(since), said(f": {home.running_text}")]
        if since
        else []
    )
    log = actions(button("Log toil", ids.HOME_LOG, "log"))
    return [header("Your week"), rich(lines(running, *told)), log]
