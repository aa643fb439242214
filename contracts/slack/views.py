"""The windows that open on a click: why not, the whole plan, a refusal, whom to call, what was
done. What a window has to remember is an opaque id in `private_metadata`.
"""

import re
from collections.abc import Sequence
from typing import Any

from contracts.approval import REASON_CHARS_MAX
from contracts.message import Asked, MessageView, Who
from contracts.plan import Reason
from contracts.slack import ids, limits
from contracts.slack.card import fitted, identified
from contracts.slack.parts import (
    Block,
    Part,
    bold,
    dated,
    lines,
    link,
    option,
    own,
    plain,
    quiet,
    rich,
    said,
    typed,
)
from contracts.slack.risk import risk_of
from contracts.slack.telling import (
    back_row,
    blast_row,
    evidence_parts,
    finding_rows,
    hand_back,
    names_of,
    page_of,
    place_row,
    record_row,
    requester_row,
    risk_row,
    vote_rows,
    who_row,
)
from contracts.slack.untrusted import body, line, size
from contracts.toil_text import SECONDS_MAX
from contracts.views import ApprovalView

View = dict[str, Any]

MINUTES_MAX = SECONDS_MAX // 60
# What a message of ours that asks says to whoever may answer, and to nobody who logs work.
_ASKING = re.compile(r"^Approve\? |, (?:low|medium|high) risk(?=\): )| Until \d\d:\d\d UTC\. .*$")
_STOPS = (
    "Firebreak stops what it does here, withdraws its question, and writes nothing until the "
    "incident is handed back: on its page, or with"
)
_RULINGS = {"allow": "agrees", "ask": "asks", "deny": "forbids"}


def _modal(title: str, blocks: Sequence[Block], **more: Any) -> View:
    kept = identified("v", fitted(list(blocks), limits.VIEW_CHARS_MAX))
    words = plain(title, limits.TITLE_CHARS_MAX)
    return {"type": "modal", "title": words, "blocks": kept, **more}


def _button(text: str) -> Part:
    return plain(text, limits.TITLE_CHARS_MAX)


def _input(block: str, label: str, element: Part, **more: Any) -> Block:
    words = plain(label, limits.LABEL_CHARS_MAX)
    whole = {"action_id": ids.VALUE, **element}
    return {"type": "input", "block_id": block, "label": words, "element": whole, **more}


def loading_view() -> View:
    """Opened at once, because a click waits only three seconds; then updated."""
    return _modal("Details", [rich(lines([own("Loading…")]))], close=_button("Close"))


def refusal_view(message: str, fix: str = "", title: str = "Not recorded") -> View:
    """Tells the person who clicked, and nobody else, why it did not count."""
    told = line(message, limits.SENTENCE_CHARS_MAX) or "that did not work"
    rows = lines([bold(told[:1].upper() + told[1:], limits.SENTENCE_CHARS_MAX)], [said(fix)])
    return _modal(title, [rich(rows)], close=_button("Close"))


def deny_view(approval: ApprovalView) -> View:
    """Asks for the reason of a denial."""
    told = rich(lines([bold(approval.plan.summary)], place_row(approval.target)))
    hint = plain(
        "Nothing is written, and a person handles the incident. The next person reads this.",
        limits.SENTENCE_CHARS_MAX,
    )
    field = {"type": "plain_text_input", "multiline": True, "max_length": REASON_CHARS_MAX}
    why = _input(ids.REASON, "Why not?", field, hint=hint)
    return _modal(
        "Deny",
        [told, why],
        callback_id=ids.DENY_VIEW,
        private_metadata=approval.id,
        submit=_button("Deny"),
        close=_button("Go back"),
    )


def details_view(view: MessageView, asked: Asked) -> View:
    """The whole question."""
    approval, names = asked.approval, names_of(view)
    plan = approval.plan
    rules = [_ruling(r) for r in approval.verdict.reasons[: limits.DETAIL_REASONS_MAX]]
    found = finding_rows(plan.findings, limits.DETAIL_FINDINGS_MAX)
    read = asked.evidence[: limits.DETAIL_EVIDENCE_MAX]
    told = evidence_parts(read, limits.DETAIL_EXCERPT_CHARS_MAX)
    may = who_row(approval, names) if approval.state == "open" else []
    blocks = [
        rich(lines([bold(plan.summary)])),
        rich(lines(place_row(approval.target), risk_row(risk_of(approval)), blast_row(approval))),
        rich(
            lines([bold("The same by hand")]), typed(plan.kubectl, limits.DETAIL_COMMAND_CHARS_MAX)
        ),
        rich(lines([bold("From")]), typed(plan.from_, limits.DETAIL_STATE_CHARS_MAX)),
        rich(lines([bold("To")]), typed(plan.to, limits.DETAIL_STATE_CHARS_MAX)),
        rich(lines(back_row(approval), record_row(asked.record))),
        rich(lines([bold("Found on the way")], *found)) if found else None,
        rich(lines([bold("Guardrails")], *rules)) if rules else None,
        rich(lines([bold("Evidence")]), *told) if told else None,
        rich(lines(requester_row(approval, names), may)),
        rich(lines(*vote_rows(approval, names))),
        rich(lines([link(page_of(view, approval.id), "All of it in the browser")])),
    ]
    kept = [block for block in blocks if block is not None]
    more = {"callback_id": ids.DETAILS_VIEW, "private_metadata": approval.id}
    return _modal("Details", kept, close=_button("Close"), **more)


def _ruling(reason: Reason) -> list[Part]:
    rule = reason.rule.replace("_", " ").capitalize()
    fix = [own(". "), quiet(reason.fix)] if reason.fix else []
    return [bold(f"{rule} {_RULINGS[reason.ruling]}"), own(": "), *dated(reason.text), *fix]


def take_over_view(incident: str) -> View:
    """Asks once more before everything stops; an incident's id is opaque, and may be typed."""
    told = rich(
        lines([own(_STOPS)]),
        typed(hand_back(incident), limits.SENTENCE_CHARS_MAX),
    )
    field = {"type": "plain_text_input", "max_length": REASON_CHARS_MAX}
    why = _input(ids.REASON, "What are you going to do?", field, optional=True)
    return _modal(
        "Take over by hand",
        [told, why],
        callback_id=ids.TAKE_OVER_VIEW,
        private_metadata=incident,
        submit=_button("Take over"),
        close=_button("Go back"),
    )


def page_view(incident: str, people: Sequence[Who]) -> View:
    """Whom to call; the values are people's ids."""
    if not people:
        fix = "Add people to firebreak.toml."
        return refusal_view("Nobody else can be called.", fix, "Page someone else")
    options = [option(who.name, who.id) for who in people[: limits.SELECT_OPTIONS_MAX]]
    whom = _input(ids.PERSON, "Whom?", {"type": "static_select", "options": options})
    field = {"type": "plain_text_input", "max_length": REASON_CHARS_MAX}
    why = _input(ids.REASON, "What should they know?", field, optional=True)
    return _modal(
        "Page someone else",
        [whom, why],
        callback_id=ids.PAGE_VIEW,
        private_metadata=incident,
        submit=_button("Page"),
        close=_button("Go back"),
    )


def toil_words(text: str) -> str:
    """The text of a message as the beginning of what somebody did about it: of a question what it
    is about, without until when it asks and whom it calls.
    """
    return _ASKING.sub("", " ".join(text.split()))


def toil_view(text: str = "", services: Sequence[str] = (), kept: str = "") -> View:
    """Logs work by hand. `text` fills the field; `kept` comes back as it is, where Slack keeps it.
    The minutes come back as digits.
    """
    field: Part = {"type": "plain_text_input", "max_length": REASON_CHARS_MAX, "multiline": True}
    told = body(text, REASON_CHARS_MAX)
    what = _input(ids.TEXT, "What did you do?", field | ({"initial_value": told} if told else {}))
    number = {"type": "number_input", "is_decimal_allowed": False, "min_value": "1"}
    minutes = _input(ids.MINUTES, "How many minutes?", number | {"max_value": str(MINUTES_MAX)})
    return _modal(
        "Log toil",
        [what, minutes, *_service(services)],
        callback_id=ids.TOIL_VIEW,
        private_metadata=kept if size(kept) <= limits.METADATA_CHARS_MAX else "",
        submit=_button("Log"),
        close=_button("Go back"),
    )


def _service(services: Sequence[str]) -> list[Block]:
    """A menu of the services whose names fit into a value."""
    fit = [name for name in services if 0 < size(name) <= limits.OPTION_VALUE_CHARS_MAX]
    options = [option(name, name) for name in dict.fromkeys(fit)][: limits.SELECT_OPTIONS_MAX]
    menu = {"type": "static_select", "options": options}
    label = "For which service?"
    return [_input(ids.SERVICE, label, menu, optional=True)] if options else []
