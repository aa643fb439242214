"""A message that may be there is brought to its end, too; one that is not is not posted for it."""

from typing import Any

import pytest
from slack_desk import SHOP, Desk

from contracts.approval import Approval
from contracts.errors import Busy, OutcomeUnknown

APPROVAL = "slack/apr-1-1"


def asked_with_a_broken_line(desk: Desk, how: str) -> Approval:
    """The card is there; the line broke while the question was posted."""
    asked = desk.asks()
    desk.slack.fail("chat.postMessage", how=how, after=1)
    with pytest.raises(OutcomeUnknown):
        desk.deliver()
    return asked


def test_a_question_that_was_answered_before_its_post_was_found_is_closed(desk: Desk) -> None:
    """Slack had it, with its buttons, and a person used them before the books knew of it."""
    asked = asked_with_a_broken_line(desk, "accepted_then_reset")
    desk.answered(asked)
    with pytest.raises(Busy):
        desk.deliver()
    desk.clock.passes(16)
    desk.deliver()
    assert desk.keys() == ["slack/card", APPROVAL]
    assert "Approved" in desk.slack.messages(SHOP)[1]["text"]
    assert "ap.approve" not in str(desk.slack.messages(SHOP)[1])


def test_a_question_that_never_arrived_is_not_posted_when_it_is_over(desk: Desk) -> None:
    """It is looked for once, and no more."""
    asked = asked_with_a_broken_line(desk, "reset_before")
    desk.answered(asked)
    desk.clock.passes(16)
    desk.deliver()
    assert desk.keys() == ["slack/card"]
    before = len(desk.sent())
    desk.happens("evidence")
    desk.deliver()
    assert desk.sent()[before:] == []


@pytest.mark.parametrize("arrived", [True, False], ids=["there", "not there"])
@pytest.mark.parametrize("part", ["reminder", "dm"])
def test_what_was_beside_a_question_ends_with_it(desk: Desk, part: str, arrived: bool) -> None:
    """The reminder and the words in person, of whose post nobody knows."""
    asked = desk.asks(approvers=("ana",))
    desk.deliver()
    desk.becomes(asked, "reminded", stage="reminded")
    how = "accepted_then_reset" if arrived else "reset_before"
    desk.slack.fail("chat.postMessage", how=how, after=0 if part == "reminder" else 1)
    with pytest.raises(OutcomeUnknown):
        desk.deliver()
    desk.answered(asked)
    desk.clock.passes(16)
    desk.deliver()
    found = _beside(desk, f"{APPROVAL}/{part}")
    assert len(found) == arrived
    assert all("approved" in one["text"] for one in found)


def _beside(desk: Desk, prefix: str) -> list[dict[str, Any]]:
    told = [*desk.slack.messages(SHOP), *desk.slack.dms.get("U0ANA", [])]
    return [m for m in told if prefix in str(m.get("metadata", ""))]
