"""A post that takes another way is found as well as one that did not, and nothing comes twice."""

import pytest
from slack_desk import OPS, SHOP, Desk, key_of

from activities.slack.search import PAGE_MESSAGES, PAGES_MAX
from contracts.approval import Vote
from contracts.errors import OutcomeUnknown

TWO = ["slack/card", "slack/apr-1-1"]


def breaks(desk: Desk, refusal: str, *, after: int) -> None:
    """The first way is refused, and the line breaks when the second was taken."""
    desk.slack.fail("chat.postMessage", how=refusal, after=after)
    desk.slack.fail("chat.postMessage", how="accepted_then_reset")
    with pytest.raises(OutcomeUnknown):
        desk.deliver()
    desk.clock.passes(16)


@pytest.mark.parametrize("part", [0, 1], ids=["the card", "the question"])
@pytest.mark.parametrize("refusal", ["invalid_blocks", "msg_too_long"])
def test_a_message_in_plain_words_is_found_again(desk: Desk, refusal: str, part: int) -> None:
    """It keeps what it is known by."""
    desk.asks()
    breaks(desk, refusal, after=part)
    desk.deliver()
    assert desk.keys() == TWO
    assert "blocks" in desk.slack.messages(SHOP)[part]


@pytest.mark.parametrize(
    "refusal",
    ["restricted_action_thread_locked", "thread_not_found", "cannot_reply_to_message"],
)
def test_a_message_that_went_into_the_channel_is_found_there(
    desk: Desk, caplog: pytest.LogCaptureFixture, refusal: str
) -> None:
    """Its thread refused it, so it is in none; that there is none is nothing to complain of."""
    desk.asks()
    breaks(desk, refusal, after=1)
    desk.slack.fail("conversations.replies", how="thread_not_found")
    desk.deliver()
    assert "slack falls back" not in caplog.messages
    assert desk.keys() == TWO
    assert "thread_ts" not in desk.slack.messages(SHOP)[1]


@pytest.mark.parametrize("broadcast", [False, True], ids=["in its thread", "in the channel"])
def test_what_others_say_meanwhile_hides_nothing(desk: Desk, *, broadcast: bool) -> None:
    """A channel may be busy while we are away: only the minutes around the post are read."""
    desk.asks()
    if broadcast:
        breaks(desk, "thread_not_found", after=1)
    else:
        desk.slack.fail("chat.postMessage", how="accepted_then_reset", after=1)
        with pytest.raises(OutcomeUnknown):
            desk.deliver()
    desk.clock.passes(600)
    thread = "" if broadcast else desk.slack.messages(SHOP)[0]["ts"]
    for _ in range(PAGES_MAX * PAGE_MESSAGES + 1):
        desk.slack.say("U0ANA", SHOP, "is it down?", thread)
    desk.deliver()
    assert ours(desk) == TWO


def test_a_search_has_an_end(desk: Desk) -> None:
    """However much was said in those minutes: three pages, and then it is posted."""
    desk.asks()
    desk.slack.fail("chat.postMessage", how="accepted_then_reset")
    with pytest.raises(OutcomeUnknown):
        desk.deliver()
    desk.clock.passes(16)
    for _ in range(PAGES_MAX * PAGE_MESSAGES):
        desk.slack.say("U0ANA", SHOP, "is it down?")
    desk.deliver()
    assert desk.sent().count("conversations.history") == PAGES_MAX == 3
    assert ours(desk) == ["slack/card", *TWO]


def test_a_card_and_its_question_that_were_lost_come_anew_together(desk: Desk) -> None:
    """Slack has forgotten everything, the books have not: the new question is in the new thread."""
    asked = desk.asks(needed=2)
    desk.deliver()
    desk.slack._store.messages[SHOP].clear()
    vote = Vote(person="ana", decision="approve", at=desk.clock.now)
    desk.becomes(asked, "reminded", stage="reminded", votes=(vote,))
    desk.deliver()
    card, question, reminder = desk.slack.messages(SHOP)
    assert question["thread_ts"] == reminder["thread_ts"] == card["ts"]
    before = len(desk.sent())
    desk.happens("evidence")
    desk.deliver()
    assert desk.sent()[before:] == []


def test_a_new_question_brings_a_lost_card_back(desk: Desk) -> None:
    """It is asked below the incident that it is about."""
    desk.happens("escalated", service="shop")
    desk.deliver()
    desk.slack.delete(SHOP, desk.slack.messages(SHOP)[0]["ts"])
    desk.asks()
    desk.deliver()
    card, question = desk.slack.messages(SHOP)
    assert question["thread_ts"] == card["ts"]


def test_where_no_card_can_come_the_question_still_does(desk: Desk) -> None:
    """It is lost, and cannot be posted: a question that nobody sees would be worse."""
    desk.happens("escalated", service="shop")
    desk.deliver()
    desk.slack.delete(SHOP, desk.slack.messages(SHOP)[0]["ts"])
    desk.asks()
    desk.slack.fail("chat.postMessage", how="born_tomorrow", after=1)
    desk.deliver()
    question, card = desk.slack.messages(SHOP)
    assert "ap.approve" in str(question["blocks"])
    assert "thread_ts" not in question
    assert "ap.approve" not in str(card["blocks"])


def ours(desk: Desk) -> list[str]:
    """What our messages stand for, without what people say."""
    return [key_of(message) for message in desk.slack.messages(SHOP) if "metadata" in message]


def test_nothing_is_unfolded_and_every_edit_says_what_it_is(desk: Desk) -> None:
    """A link of an alert loads nothing; a message that was edited can be found like a new one."""
    desk.happens("escalated")
    desk.deliver()
    desk.happens(status="acting")
    desk.deliver()
    (post,) = desk.slack.calls("chat.postMessage")
    (edit,) = desk.slack.calls("chat.update")
    assert (post.args["unfurl_links"], post.args["unfurl_media"]) == (False, False)
    assert edit.args["metadata"] == post.args["metadata"]
    assert desk.keys(OPS) == ["slack/card"]
