"""When an incident comes to need a person, one new message calls them, however often it is told."""

import pytest
from slack_desk import SHOP, Desk, key_of
from sqlalchemy import update
from sqlmodel import col

from contracts.errors import OutcomeUnknown, Unavailable
from toil.database import writing
from toil.tables import MessageRow

CALL = "slack/needed/2"


def needs(desk: Desk) -> None:
    """No runbook applies, and people have to."""
    desk.happens("escalated", status="escalated", service="shop")


def calls(desk: Desk) -> list[str]:
    """The calls that were posted, in the order of the channel."""
    keys = desk.keys(SHOP)
    return [key for key in keys if key.startswith("slack/needed/")]


def test_who_answers_for_the_service_is_called_in_the_thread_and_in_the_channel(desk: Desk) -> None:
    """An edit of the incident's message would notify nobody."""
    desk.policy = desk.policy.model_copy(
        update={
            "services": (
                desk.policy.services[0].model_copy(
                    update={"approvers": ("oncall:primary", "usergroup:S0ONCALL", "dan")}
                ),
            )
        }
    )
    desk.groups = {"oncall:primary": frozenset({"cleo"})}
    needs(desk)
    desk.deliver()
    card, call = desk.slack.messages(SHOP)
    assert (key_of(card), key_of(call)) == ("slack/card", CALL)
    assert (call["thread_ts"], call["subtype"]) == (card["ts"], "thread_broadcast")
    assert "<@U0CLEO> <!subteam^S0ONCALL>" in call["text"]
    assert "Dan Silent" in str(call["blocks"])
    assert "U0CLEO" not in str(card)


def test_it_is_posted_once_for_each_time(desk: Desk) -> None:
    """Whatever else is told meanwhile; after somebody has had it, that is another time."""
    needs(desk)
    for kind in ("note", "escalated", "evidence"):
        desk.deliver()
        desk.happens(kind)
    assert calls(desk) == [CALL]
    desk.happens("taken_over", status="taken_over")
    desk.deliver()
    assert calls(desk) == [CALL]
    desk.happens("handed_back", status="escalated")
    for _ in range(2):
        desk.deliver()
    assert calls(desk) == [CALL, "slack/needed/7"]


def test_what_is_over_says_so_and_mentions_nobody(desk: Desk) -> None:
    """The same message, edited."""
    needs(desk)
    desk.deliver()
    desk.happens("taken_over", status="taken_over")
    desk.deliver()
    call = desk.slack.messages(SHOP)[1]
    assert "has it" in call["text"]
    assert "U0ANA" not in str(call["blocks"]) + call["text"]
    desk.happens("closed", status="closed", closed_at=desk.clock.now, outcome="resolved")
    desk.deliver()
    assert "Resolved" in desk.slack.messages(SHOP)[1]["text"]
    assert calls(desk) == [CALL]


def test_what_was_over_before_it_was_told_calls_nobody(desk: Desk) -> None:
    """Slack was away, or the next runbook was quick."""
    needs(desk)
    desk.happens("matched", status="open")
    desk.deliver()
    desk.happens("closed", status="closed", closed_at=desk.clock.now, outcome="resolved")
    desk.deliver()
    assert desk.keys() == ["slack/card"]


def test_an_escalation_in_an_outage_calls_when_slack_is_back(desk: Desk) -> None:
    """Nobody has it still."""
    needs(desk)
    desk.slack.go_away()
    with pytest.raises(Unavailable):
        desk.deliver()
    desk.slack.come_back()
    desk.clock.passes(3600)
    desk.deliver()
    assert calls(desk) == [CALL]


def test_a_call_whose_answer_was_lost_is_found_and_not_sent_twice(desk: Desk) -> None:
    """The line broke after Slack had taken it."""
    needs(desk)
    desk.slack.fail("chat.postMessage", how="accepted_then_reset", after=1)
    with pytest.raises(OutcomeUnknown):
        desk.deliver()
    desk.clock.passes(16)
    for _ in range(2):
        desk.deliver()
    assert calls(desk) == [CALL]


def test_a_worker_killed_before_it_noted_the_call_makes_no_second_one(desk: Desk) -> None:
    """The books know only that it began; another worker finds it."""
    needs(desk)
    desk.deliver()
    with writing(desk.engine) as session:
        session.execute(
            update(MessageRow)
            .where(col(MessageRow.channel) == CALL)
            .values(external_id=None, digest="", posting_at=desk.clock.now, revision=0)
        )
    desk.happens("note")
    desk.clock.passes(31)
    desk.deliver(desk.worker())
    assert calls(desk) == [CALL]


def test_a_run_that_found_nothing_to_do_is_told_though_it_asked_nobody(desk: Desk) -> None:
    """Whoever asked for it looks into the channel, and would think that Slack is broken; a dry run
    says nothing of the incident.
    """
    told = {"status": "escalated", "dry_run": True}
    desk.happens("outcome", told, status="escalated", service="shop")
    desk.deliver()
    assert desk.slack.messages(SHOP) == []
    desk.happens("outcome", told | {"dry_run": False})
    desk.deliver()
    assert desk.keys(SHOP) == ["slack/card", "slack/needed/3"]
