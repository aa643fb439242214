"""One call outlives its worker's lease: what came twice has one living message, and says so."""

from collections.abc import Callable
from typing import Any

import pytest
from slack_desk import SHOP, Desk

from activities.slack.channel import SlackChannel
from contracts.errors import Busy, Retry

TWO = ["slack/card", "slack/apr-1-1"]


def asleep(desk: Desk, posts: int, meanwhile: Callable[[], object]) -> SlackChannel:
    """A worker that sleeps before one of its posts, and then posts all the same."""
    slow, left = desk.worker(), [posts]
    call = slow._api.call

    def late(method: str, **arguments: object) -> Any:
        left[0] -= method == "chat.postMessage"
        if left[0] < 0:
            slow._api.call = call  # type: ignore[method-assign]  # only once
            meanwhile()
        return call(method, **arguments)

    slow._api.call = late  # type: ignore[method-assign]  # a machine that stands still
    return slow


def another(desk: Desk) -> Callable[[], object]:
    """Another worker takes over when the lease has run out."""

    def works() -> None:
        desk.clock.passes(31)
        desk.deliver(desk.worker())

    return works


@pytest.mark.parametrize("posts", [0, 1], ids=["the card", "the question"])
def test_a_late_second_message_loses_its_buttons(desk: Desk, posts: int) -> None:
    """The first stays the one that is edited; the other says where it goes on."""
    asked = desk.asks()
    with pytest.raises(Busy, match="already"):
        desk.deliver(asleep(desk, posts, another(desk)))
    keys = ["slack/card", "slack/apr-1-1", f"{TWO[posts]}/double"]
    assert desk.keys() == keys
    living, double = desk.slack.messages(SHOP)[posts], desk.slack.messages(SHOP)[2]
    assert desk.row(TWO[posts]).external_id == f"{SHOP}/{living['ts']}"  # type: ignore[union-attr]
    assert "https://firebreak.test/incidents/inc-1" in double["text"]
    assert not double.get("blocks")
    desk.answered(asked)
    desk.deliver()
    assert desk.keys() == keys
    assert "ap.approve" not in str(desk.slack.messages(SHOP))


def test_a_double_that_cannot_be_edited_stops_nothing(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """It is in the log, and the living message goes on."""
    desk.asks()
    desk.slack.fail("chat.update", how="cant_update_message")
    with pytest.raises(Busy):
        desk.deliver(asleep(desk, 0, another(desk)))
    assert "the double stays" in caplog.messages
    desk.happens(status="acting")
    desk.deliver()
    assert "Acting" in str(desk.slack.messages(SHOP)[0])


def test_a_late_refusal_forgets_nobody_elses_post(desk: Desk) -> None:
    """While it slept, another worker began to post, and nobody knows yet how that ended."""
    desk.asks()
    other = desk.worker()

    def posts_and_dies() -> None:
        desk.clock.passes(31)
        desk.slack.fail("chat.postMessage", how="accepted_then_reset")
        with pytest.raises(Retry):
            desk.deliver(other)
        desk.slack.fail("chat.postMessage", how="not_in_channel")

    with pytest.raises(Retry):
        desk.deliver(asleep(desk, 0, posts_and_dies))
    desk.clock.passes(61)
    desk.deliver()
    assert desk.keys() == TWO
