"""Whom a call or a question is brought to in person: who was meant, as soon as that is known."""

from typing import Any

import pytest
from slack_desk import POLICY, SHOP, Desk

from activities.views import CALL_UNREAD_SECONDS, CALLS_MAX
from contracts.errors import Unavailable

PRIMARY = "oncall:primary"


def told(desk: Desk) -> dict[str, int]:
    """How many messages each person has."""
    return {user: len(messages) for user, messages in desk.slack.dms.items()}


def pages(desk: Desk, *whom: str, **members: list[str]) -> int:
    """Somebody calls these; `members` are those of the group of that name, as known then."""
    known = {f"oncall:{name}": people for name, people in members.items()}
    return desk.happens("paged", {"whom": list(whom)} | ({"members": known} if known else {}))


def waits(desk: Desk, *groups: str) -> None:
    """A delivery tells what it can, and wants to come back for these groups."""
    with pytest.raises(Unavailable) as caught:
        desk.deliver()
    assert caught.value.after_seconds == 30
    assert all(group in caught.value.message for group in groups)


def paging(desk: Desk, *whom: str) -> None:
    """The policy pages these."""
    slack = POLICY.slack.model_copy(update={"pages": whom})
    desk.policy = POLICY.model_copy(update={"slack": slack})


def test_with_a_schedule_only_who_is_on_call_is_told_in_person(desk: Desk) -> None:
    """Who that is may not be known at that moment: they are told when it is, with no other news."""
    asked = desk.asks(approvers=("ana", PRIMARY))
    desk.deliver()
    desk.becomes(asked, "reminded", stage="reminded")
    waits(desk, PRIMARY)
    assert told(desk) == {}
    assert len(desk.slack.messages(SHOP)) == 3
    desk.groups = {PRIMARY: frozenset({"ben"})}
    desk.deliver()
    desk.deliver()
    assert told(desk) == {"U0BEN": 1}


def test_whom_the_policy_pages_is_told_when_that_is_known(desk: Desk) -> None:
    """One group of two is read: its people are told at once."""
    paging(desk, PRIMARY, "oncall:secondary")
    asked = desk.asks()
    desk.becomes(asked, "paged", stage="paged")
    desk.groups = {PRIMARY: frozenset({"cleo"})}
    waits(desk, "oncall:secondary")
    assert "U0CLEO" in told(desk)
    before = len(desk.sent())
    waits(desk, "oncall:secondary")
    assert desk.sent()[before:] == []
    desk.answered(asked.model_copy(update={"stage": "paged"}))
    desk.deliver()


def test_a_question_that_calls_nobody_yet_waits_for_no_group(desk: Desk) -> None:
    """Nor does one of an incident that is over."""
    paging(desk, PRIMARY)
    asked = desk.asks(approvers=("ana", PRIMARY))
    desk.deliver()
    desk.becomes(asked, "paged", stage="paged")
    desk.happens("closed", status="closed", closed_at=desk.clock.now)
    assert desk.deliver().final


def test_who_is_called_to_an_incident_gets_its_message(desk: Desk) -> None:
    """Once, and it follows the incident; nobody is called to one that has ended."""
    desk.happens("escalated", status="escalated")
    pages(desk, "cleo", "nobody")
    desk.happens("paged", {"whom": [7]})
    desk.deliver()
    desk.happens("taken_over", status="taken_over")
    desk.deliver()
    (message,) = desk.slack.dms["U0CLEO"]
    assert "Taken over" in str(message)
    pages(desk, "ben")
    desk.happens("closed", status="closed", closed_at=desk.clock.now)
    desk.deliver()
    assert set(desk.slack.dms) == {"U0CLEO"}


def test_who_is_called_reads_who_calls_and_finds_the_question(desk: Desk) -> None:
    """A direct message has no thread, so it links the one of the question."""
    desk.asks(approvers=("ana", "cleo"))
    pages(desk, "ben", "cleo")
    desk.deliver()
    for user in ("U0BEN", "U0CLEO"):
        (message,) = desk.slack.dms[user]
        assert message["text"].startswith("Firebreak calls you. ")
        assert "/archives/C0SHOP/p" in str(message["blocks"])
    assert "ap.approve" in str(desk.slack.dms["U0CLEO"])
    assert "ap.approve" not in str(desk.slack.dms["U0BEN"])


def test_who_is_called_again_is_notified_again(desk: Desk) -> None:
    """An hour later, by another: an edit of the old message would ring nobody."""
    desk.happens("escalated", status="escalated")
    for calls in (1, 2):
        pages(desk, "ben")
        desk.deliver()
        assert told(desk) == {"U0BEN": calls}
        desk.clock.passes(3_600)
    desk.happens("taken_over", status="taken_over")
    desk.deliver()
    assert told(desk) == {"U0BEN": 2}
    assert all("Taken over" in str(message) for message in desk.slack.dms["U0BEN"])


def test_a_call_of_before_the_end_is_made_no_more_when_it_opens_again(desk: Desk) -> None:
    """Slack was away until then: whoever was meant was meant for what is over."""
    desk.happens("escalated", status="escalated")
    pages(desk, "ben")
    desk.slack.go_away()
    with pytest.raises(Unavailable):
        desk.deliver()
    desk.happens("closed", status="closed", closed_at=desk.clock.now)
    desk.happens("reopened", status="open", reopen=True)
    desk.slack.come_back()
    desk.deliver()
    assert "Closed" not in desk.slack.messages("C0OPS")[0]["text"]
    assert told(desk) == {}


def test_a_call_to_a_schedule_is_to_those_who_were_on_call_then(desk: Desk) -> None:
    """At the change of shift nobody is called to what they were not meant for."""
    desk.groups = {PRIMARY: frozenset({"ana"})}
    desk.happens("escalated", status="escalated")
    pages(desk, PRIMARY, primary=["ana"])
    desk.deliver()
    desk.clock.passes(8 * 3_600)
    desk.groups = {PRIMARY: frozenset({"ben"})}
    desk.happens("note")
    desk.deliver()
    assert told(desk) == {"U0ANA": 1}
    assert "U0BEN" not in str(desk.slack.messages("C0OPS")[0])


def test_a_call_to_a_group_that_nobody_knew_is_made_when_it_is_known(desk: Desk) -> None:
    """For a quarter of an hour; afterwards it is no longer waited for."""
    desk.happens("escalated", status="escalated")
    pages(desk, PRIMARY, "ana")
    waits(desk, PRIMARY)
    assert told(desk) == {"U0ANA": 1}
    desk.groups = {PRIMARY: frozenset({"ben"})}
    desk.deliver()
    assert told(desk) == {"U0ANA": 1, "U0BEN": 1}
    desk.groups = {}
    desk.happens("note")
    waits(desk, PRIMARY)
    desk.clock.passes(CALL_UNREAD_SECONDS)
    desk.deliver()


@pytest.mark.parametrize("members", [None, [], {PRIMARY: "ana"}, {PRIMARY: None}, {"x": ["ben"]}])
def test_what_an_older_version_noted_of_a_call_is_read_too(desk: Desk, members: Any) -> None:
    """Who the schedule stands for now is told; what is no list of people is nobody."""
    desk.groups = {PRIMARY: frozenset({"ben"})}
    desk.happens("paged", {"whom": [PRIMARY], "members": members})
    desk.deliver()
    known = isinstance(members, dict) and PRIMARY in members
    assert told(desk) == ({} if known else {"U0BEN": 1})


def test_only_the_newest_calls_are_kept_up_to_date(desk: Desk) -> None:
    """Somebody who calls all the time must not make every change a hundred edits."""
    desk.happens("escalated", status="escalated")
    for _ in range(CALLS_MAX + 1):
        pages(desk, "ben")
        desk.deliver()
    before = len(desk.sent())
    desk.happens("taken_over", status="taken_over")
    desk.deliver()
    # The incident's own message, and the one that had called people to it.
    assert desk.sent()[before:].count("chat.update") == CALLS_MAX + 2
