"""A question that is over tells who ended it, what came of it, and what is asked instead: in the
past, and once.
"""

from typing import Any

import pytest
from contracts_slack.card_lint import nodes, words

from contracts.message import Asked
from contracts.slack.approval_card import approval_card
from contracts.slack.side_cards import dm_card, reminder_card
from tools.slack_story import (
    APPROVAL,
    DECIDED,
    HEALED,
    NOW,
    OPEN,
    PLAN,
    URL,
    Line,
    asked,
    incident,
    view,
    vote,
)

SUMMARY = PLAN.summary
APPROVED = {"state": "approved", "votes": (vote("ana"),)}
ENDED = "deployment shop/user-auth is no longer what was planned: revision 2, user-auth:2.0.0"


def followed(*told: Line, **changes: Any) -> str:
    """What the message that asked says after these lines."""
    question = asked(**(changes or APPROVED))
    seen = view(incident("closed", DECIDED, *told, **HEALED), question)
    return words(approval_card(seen, question).model_dump())


def test_what_was_done_is_told_in_the_past_and_once() -> None:
    """The title has the words of the order; below it they would read as still to do."""
    told = followed(
        ("written", SUMMARY, {}),
        ("verified", "3 of 3 pods ready, 10 s", {"ok": True}),
        ("outcome", f"resolved: {SUMMARY}; pods are healthy", {}),
    )
    assert told.count(SUMMARY) == 1
    rows = told.partition("What came of it:\n")[2]
    assert rows.startswith(
        "• Written at \n• Seen afterwards: 3 of 3 pods ready, 10 s\n• Resolved: pods are healthy"
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("written", f"{SUMMARY}, generation 8", {}), "Written at : generation 8"),
        (("outcome", f"resolved: {SUMMARY}", {}), "• Resolved"),
        (("outcome", "refused: paused (all by ben)", {}), "• Refused: paused (all by ben)"),
        (("settled", f"{SUMMARY}: released, it is paused", {}), "Not written: it is paused"),
        (
            ("settled", f"{SUMMARY}: unknown, no answer", {}),
            "Nobody knows whether it was written: no answer",
        ),
    ],
)
def test_each_end_of_a_write_has_its_words(line: Line, told: str) -> None:
    """That nobody knows is never told as if nothing had been written."""
    assert told in followed(line)


def test_the_reason_of_a_denial_is_told_once() -> None:
    """With the name of who gave it."""
    no: Line = ("outcome", "declined: ana declined: not now", {})
    told = followed(no, state="denied", votes=(vote("ana", "deny", "not now"),))
    assert told.count("not now") == 1
    assert "declined" not in told


@pytest.mark.parametrize(
    ("changes", "text", "at"),
    [
        (APPROVED, "Answered: approved by Ana Ruiz.", True),
        (
            {"state": "approved", "needed": 2, "votes": (vote("ana"), vote("ben"))},
            "Answered: approved by Ana Ruiz and Ben Okafor.",
            True,
        ),
        (
            {"state": "denied", "votes": (vote("ana"), vote("ben", "deny", "no"))},
            "Answered: denied by Ben Okafor; nothing was written.",
            True,
        ),
        ({"state": "approved"}, "Answered: approved.", False),
        (
            {"state": "expired"},
            "Too late: nobody answered in time, and nothing was written.",
            False,
        ),
        ({"state": "void", "ended": "it has healed."}, "No longer asked: it has healed.", False),
        ({"state": "void"}, "No longer asked.", False),
    ],
)
def test_a_reminder_that_stands_down_says_who_answered_and_when(
    changes: dict[str, Any], text: str, at: bool
) -> None:
    """In the thread and in person; the time is in the reader's own zone."""
    question = asked(**changes)
    seen = view(OPEN, question)
    for card in (reminder_card(seen, question), dm_card(seen, question, "ana")):
        assert card.text.startswith(text)
        dates = [n["timestamp"] for n in nodes(card.blocks) if n.get("type") == "date"]
        assert dates == ([int(NOW.timestamp()) + 20] if at else [])


def voided(**newer: Any) -> tuple[str, list[str]]:
    """The words and links of a question that no longer stands, where another one followed."""
    old = asked(state="void", ended=ENDED)
    plan = PLAN.model_copy(update=newer)
    new = asked(id="apr-4f7k2m9q3x1z-2-1", plan=plan)
    card = approval_card(view(OPEN, old, new), old).model_dump()
    return words(card), [n["url"] for n in nodes(card["blocks"]) if n.get("type") == "link"]


def test_a_question_that_no_longer_stands_says_what_changed_and_links_the_new_one() -> None:
    """From what to what."""
    told, links = voided(before="revision 3, user-auth:2.0.1")
    assert "Changed  revision 2, user-auth:2.0.0 → revision 3, user-auth:2.0.1" in told
    assert f"{URL}/approvals/apr-4f7k2m9q3x1z-2-1" in links


def test_what_reads_the_same_is_not_told_as_a_change_of_words() -> None:
    """It was made anew, or edited where the words do not show it."""
    told, _ = voided()
    assert "Changed  revision 2, user-auth:2.0.0, as before, but edited or made anew" in told


@pytest.mark.parametrize(
    "other",
    [
        asked(id="apr-4f7k2m9q3x1z-2-1", runbook="restart_deployment"),
        asked(id="apr-4f7k2m9q3x1z-0-1"),
    ],
)
def test_a_question_of_another_runbook_or_before_it_is_none_instead(other: Asked) -> None:
    """Nothing is linked that does not follow from it."""
    old = asked(state="void", ended=ENDED)
    earlier = other.approval.id < APPROVAL
    order = (other, old) if earlier else (old, other)
    assert "Changed" not in words(approval_card(view(OPEN, *order), old).model_dump())
