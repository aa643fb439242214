"""No message is posted twice, whatever breaks, and what is shown is the newest truth."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_desk import NOON, SHOP, Desk
from slack_sdk import WebClient
from sqlalchemy import update
from sqlmodel import col

from contracts.errors import Busy, OutcomeUnknown, Retry, Unavailable
from toil.database import writing
from toil.messages import Messages
from toil.tables import MessageRow

TWO = ["slack/card", "slack/apr-1-1"]


def test_a_question_is_asked_in_the_thread_of_its_incident(desk: Desk) -> None:
    """The card first, the question below it, in the channel of the service."""
    desk.asks()
    desk.deliver()
    card, question = desk.slack.messages(SHOP)
    assert desk.keys() == TWO
    assert question["thread_ts"] == card["ts"]
    assert desk.slack.messages("C0OPS") == []
    assert desk.row("slack/card").external_id == f"{SHOP}/{card['ts']}"  # type: ignore[union-attr]


def test_nothing_is_called_when_nothing_changed(desk: Desk) -> None:
    """A revision that looks the same in Slack costs no call at all."""
    desk.asks()
    desk.deliver()
    before = len(desk.sent())
    desk.happens("evidence")
    desk.deliver()
    desk.deliver()
    assert desk.sent()[before:] == []


def test_a_change_edits_and_posts_nothing(desk: Desk) -> None:
    """The card and the question, in place."""
    asked = desk.asks()
    desk.deliver()
    before = len(desk.sent())
    desk.answered(asked)
    desk.happens(status="acting")
    desk.deliver()
    assert set(desk.sent()[before:]) == {"chat.update"}
    assert desk.keys() == TWO
    assert not any("ap.approve" in str(one) for one in desk.slack.messages(SHOP))


@pytest.mark.parametrize("broken", [0, 1], ids=["the card", "the question"])
def test_a_post_whose_answer_was_lost_is_found_again(desk: Desk, broken: int) -> None:
    """Slack took it and the line broke: it is adopted, not sent again."""
    desk.asks()
    desk.slack.fail("chat.postMessage", how="accepted_then_reset", after=broken)
    with pytest.raises(OutcomeUnknown):
        desk.deliver()
    desk.clock.passes(16)
    desk.deliver()
    desk.deliver()
    assert desk.keys() == TWO


def test_a_worker_killed_between_the_post_and_its_note_loses_nothing(desk: Desk) -> None:
    """The message is there, the books know only that a post began: the next worker finds it."""
    desk.asks()
    desk.deliver()
    _forget_the_end(desk, "slack/apr-1-1")
    desk.happens("evidence")
    desk.clock.passes(31)
    desk.deliver(desk.worker())
    assert desk.keys() == TWO


def _forget_the_end(desk: Desk, part: str) -> None:
    """As if the process had died before it wrote down the message's id."""
    with writing(desk.engine) as session:
        session.execute(
            update(MessageRow)
            .where(col(MessageRow.channel) == part)
            .values(external_id=None, digest="", posting_at=desk.clock.now, revision=0)
        )


def test_a_post_that_never_arrived_is_sent_once_more(desk: Desk) -> None:
    """It is looked for, not found, and then posted."""
    desk.asks()
    desk.slack.fail("chat.postMessage", how="reset_before")
    with pytest.raises(OutcomeUnknown):
        desk.deliver()
    assert desk.keys() == []
    desk.clock.passes(16)
    desk.deliver()
    assert desk.keys() == TWO


def test_nobody_posts_while_an_earlier_post_may_be_on_its_way(desk: Desk) -> None:
    """A second too early is too early: it waits until that is known."""
    desk.asks()
    desk.slack.fail("chat.postMessage", how="accepted_then_reset")
    with pytest.raises(OutcomeUnknown) as caught:
        desk.deliver()
    assert caught.value.after_seconds == 15
    desk.clock.passes(14)
    with pytest.raises(Busy):
        desk.deliver()
    assert len(desk.slack.messages(SHOP)) == 1


def test_without_the_scope_to_look_it_is_posted_and_told_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """A second message is better than an incident that nobody hears of."""
    desk.slack.workspace.scopes -= {"channels:history"}
    desk.asks()
    for _ in range(2):
        desk.slack.fail("chat.postMessage", how="reset_before")
        with pytest.raises(OutcomeUnknown):
            desk.deliver()
        desk.clock.passes(16)
    desk.deliver()
    assert desk.keys() == TWO
    assert sum("slack falls back" in record.message for record in caplog.records) == 1


def test_too_many_calls_wait_as_long_as_slack_says(desk: Desk) -> None:
    """Nothing was posted, so the next attempt needs not look for it."""
    desk.asks()
    desk.slack.fail("chat.postMessage", how="429", seconds=7)
    with pytest.raises(Unavailable) as caught:
        desk.deliver()
    assert caught.value.after_seconds == 7
    before = len(desk.sent())
    desk.clock.passes(4)
    with pytest.raises(Unavailable) as caught:
        desk.deliver()
    assert caught.value.after_seconds == 3
    assert desk.sent()[before:] == []
    desk.clock.passes(3)
    desk.deliver()
    assert desk.keys() == TWO
    assert "conversations.history" not in desk.sent()[before:]


@pytest.mark.parametrize("how", ["500", "502", "internal_error", "fatal_error"])
def test_an_answer_that_tells_nothing_is_looked_into(desk: Desk, how: str) -> None:
    """Slack says itself that part of it may have happened."""
    desk.asks()
    desk.slack.fail("chat.postMessage", how=how)
    with pytest.raises(OutcomeUnknown):
        desk.deliver()
    desk.clock.passes(16)
    before = len(desk.sent())
    desk.deliver()
    assert desk.sent()[before] == "conversations.history"
    assert desk.keys() == TWO


def test_after_an_outage_there_is_one_true_message(desk: Desk) -> None:
    """Slack was away for the whole incident: how it ended, once, and no question that is over."""
    asked = desk.asks()
    desk.slack.go_away()
    with pytest.raises(Unavailable):
        desk.deliver()
    desk.clock.passes(300)
    desk.answered(asked)
    desk.happens("written")
    desk.happens("closed", status="closed", closed_at=desk.clock.now, outcome="resolved")
    with pytest.raises(Unavailable):
        desk.deliver()
    desk.clock.passes(60)
    desk.slack.come_back()
    assert desk.deliver().final
    desk.deliver()
    (message,) = desk.slack.messages(SHOP)
    assert message["text"].startswith("Slack ")
    assert desk.sent().count("chat.postMessage") == 1


def test_an_outage_in_the_middle_ends_with_the_newest(desk: Desk) -> None:
    """What was posted before is brought up to date; the outage itself leaves no trace."""
    asked = desk.asks()
    desk.deliver()
    desk.slack.go_away()
    desk.answered(asked)
    with pytest.raises(Retry):
        desk.deliver()
    desk.happens(status="acting")
    desk.slack.come_back()
    desk.deliver()
    assert desk.keys() == TWO
    assert "Approved" in str(desk.slack.messages(SHOP)[1])


def test_two_workers_at_once_post_each_message_once(desk: Desk) -> None:
    """One has the lease; the other comes back later."""
    desk.asks()
    start = threading.Barrier(4)

    def work(_: int) -> bool:
        start.wait(timeout=10)
        try:
            desk.deliver(desk.worker())
        except Busy:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(work, range(4)))
    assert any(done)
    assert desk.keys() == TWO


def test_two_workers_without_a_lease_between_them_post_once(desk: Desk) -> None:
    """The lease ran out while the first was slow: who may post is decided for each message."""
    desk.asks()
    messages = Messages(desk.engine)
    assert messages.begin_post("inc-1", "slack/card", NOON, 15)
    assert not messages.begin_post("inc-1", "slack/card", NOON, 15)
    with pytest.raises(Busy):
        desk.deliver()
    assert desk.slack.messages(SHOP) == []


def test_an_older_picture_never_replaces_a_newer_one(desk: Desk) -> None:
    """A worker that slept finds a newer revision noted, and sends nothing."""
    asked = desk.asks()
    views: list[Any] = []
    desk.deliver(_Keeping(views))  # type: ignore[arg-type]  # a fake channel
    Messages(desk.engine).doubt("inc-1", "slack", "slack/none")
    desk.answered(asked)
    desk.deliver()
    shown = desk.slack.messages(SHOP)
    with pytest.raises(Busy):
        desk.channel.send(views[0], "old")
    assert desk.slack.messages(SHOP) == shown


class _Keeping:
    """A channel that keeps what it is sent."""

    def __init__(self, views: list[Any]) -> None:
        self.views = views

    def send(self, view: Any, idempotency_key: str) -> str:
        """Keep it."""
        self.views.append(view)
        return idempotency_key


def test_an_older_picture_that_slipped_through_is_replaced(desk: Desk) -> None:
    """Its call was under way when the newer one was noted: the newest is sent again."""
    desk.asks()
    desk.deliver()
    desk.happens(status="acting")
    desk.channel = _overtaken(desk, lambda: desk.happens(status="verifying"))
    with pytest.raises(OutcomeUnknown):
        desk.deliver()
    assert "Acting" in str(desk.slack.messages(SHOP)[0])
    desk.channel = desk.worker()
    desk.deliver()
    assert "Checking" in str(desk.slack.messages(SHOP)[0])


def _overtaken(desk: Desk, meanwhile: Callable[[], object]) -> Any:
    """A worker during whose first edit another one delivers something newer."""
    slow = desk.worker()
    call = slow._api.call

    def overtaken(method: str, **arguments: object) -> Any:
        slow._api.call = call  # type: ignore[method-assign]  # only once
        meanwhile()
        desk.clock.passes(31)
        desk.deliver(desk.worker())
        desk.clock.passes(-31)
        return call(method, **arguments)

    slow._api.call = overtaken  # type: ignore[method-assign]  # a slow line
    return slow


def test_a_slow_slack_ends_the_delivery_within_its_lease(desk: Desk) -> None:
    """What was sent is not sent again; the rest comes with the next attempt."""
    desk.asks()
    worker = desk.worker()
    call = worker._api.call

    def slow(method: str, **arguments: object) -> Any:
        desk.clock.passes(16)
        return call(method, **arguments)

    worker._api.call = slow  # type: ignore[method-assign]  # a slow line
    with pytest.raises(Unavailable, match="too slow"):
        desk.deliver(worker)
    assert desk.keys() == ["slack/card"]
    desk.deliver()
    assert desk.keys() == TWO


def test_a_deleted_card_comes_anew_once(desk: Desk) -> None:
    """It stays the card, which later changes edit; Slack keeps a tombstone above the thread."""
    asked = desk.asks()
    desk.deliver()
    card = desk.slack.messages(SHOP)[0]
    _delete(desk, card["ts"])
    desk.answered(asked)
    desk.happens(status="acting")
    desk.deliver()
    assert desk.keys()[1:] == ["slack/apr-1-1", "slack/card/again"]
    desk.happens("verified", status="verifying")
    desk.deliver()
    assert desk.keys()[1:] == ["slack/apr-1-1", "slack/card/again"]
    assert "Checking" in str(desk.slack.messages(SHOP)[2])


def _delete(desk: Desk, ts: str) -> None:
    client = WebClient(desk.slack.bot_token, base_url=desk.slack.api_url)
    client.chat_delete(channel=SHOP, ts=ts)


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message", "is_inactive"])
def test_what_can_be_edited_no_more_is_posted_once_and_not_again(desk: Desk, code: str) -> None:
    """A workspace that forbids edits gets one successor of each message, not one a revision."""
    asked = desk.asks()
    desk.deliver()
    desk.slack.fail("chat.update", None, code)
    desk.answered(asked)
    for status in ("acting", "verifying", "waiting"):
        desk.happens(status=status)
        desk.deliver()
    assert sorted(desk.keys()) == sorted([*TWO, "slack/apr-1-1/again", "slack/card/again"])
