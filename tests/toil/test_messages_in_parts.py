"""A channel with several messages of an incident: each is posted by one, and newer beats older."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from toil.messages import Messages, MessageState

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def shows(revision: int, digest: str = "d", part: str = "slack/card") -> MessageState:
    """What a message shows after a delivery."""
    return MessageState(
        incident="inc-1", channel=part, revision=revision, external_id="C/1", digest=digest
    )


def test_exactly_one_of_many_begins_a_post(engine: Engine) -> None:
    """The row is new and everybody comes at once."""
    messages = Messages(engine)

    def begin(_: int) -> bool:
        return messages.begin_post("inc-1", "slack/card", NOON, 15)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, range(8))) == 1


def test_a_post_may_begin_again_when_it_failed_or_long_ago(engine: Engine) -> None:
    """Not while it may be on its way, and never once the message is there."""
    messages = Messages(engine)
    assert messages.begin_post("inc-1", "slack/card", NOON, 15)
    assert not messages.begin_post("inc-1", "slack/card", NOON + timedelta(seconds=14), 15)
    messages.not_posted("inc-1", "slack/card")
    assert messages.begin_post("inc-1", "slack/card", NOON, 15)
    assert messages.begin_post("inc-1", "slack/card", NOON + timedelta(seconds=15), 15)
    assert messages.shown(shows(1))
    assert not messages.begin_post("inc-1", "slack/card", NOON + timedelta(days=1), 15)


def test_parts_are_those_of_the_incident_and_the_channel(engine: Engine) -> None:
    """Neither the channel's own row nor another channel whose name begins alike."""
    messages = Messages(engine)
    messages.claim("inc-1", "slack", 1, NOON, 30)
    for part in ("slack/card", "slack/apr-1", "slackish/card", "webhook"):
        messages.shown(shows(3, part=part))
    assert sorted(messages.parts("inc-1", "slack")) == ["slack/apr-1", "slack/card"]
    assert messages.parts("inc-2", "slack") == {}
    assert messages.parts("inc-1", "slack")["slack/card"].digest == "d"


def test_the_newest_revision_is_known_before_the_channel_has_it_all(engine: Engine) -> None:
    """One message of it is enough."""
    messages = Messages(engine)
    assert messages.newest("inc-1", "slack") == 0
    messages.delivered("inc-1", "slack", 3, "C/1", NOON)
    messages.shown(shows(4))
    messages.shown(shows(9, part="webhook"))
    assert messages.newest("inc-1", "slack") == 4


def test_an_older_picture_is_not_noted_above_a_newer_one(engine: Engine) -> None:
    """Whoever sent it is told."""
    messages = Messages(engine)
    assert messages.shown(shows(4, "new"))
    assert not messages.shown(shows(3, "old"))
    assert messages.parts("inc-1", "slack")["slack/card"].digest == "new"


def test_a_doubt_has_the_newest_sent_again(engine: Engine) -> None:
    """Even when another worker says meanwhile that all of it was delivered."""
    messages = Messages(engine)
    messages.shown(shows(4))
    messages.claim("inc-1", "slack", 4, NOON, 30)
    messages.doubt("inc-1", "slack", "slack/card")
    messages.delivered("inc-1", "slack", 4, "C/1", NOON)
    assert messages.parts("inc-1", "slack")["slack/card"].digest == ""
    assert messages.claim("inc-1", "slack", 4, NOON, 30)
    messages.delivered("inc-1", "slack", 4, "C/1", NOON)
    assert not messages.claim("inc-1", "slack", 4, NOON, 30)


def test_a_message_that_never_moves_is_noted_once(engine: Engine) -> None:
    """Whoever has posted a second one is told, and the first stays the one that is edited."""
    messages = Messages(engine)
    first, second = shows(1), shows(1).model_copy(update={"external_id": "C/2"})
    assert messages.shown_once(first)
    assert not messages.shown_once(second)
    assert messages.shown_once(shows(2))
    assert not messages.shown_once(first)
    assert messages.parts("inc-1", "slack")["slack/card"].external_id == "C/1"
    assert messages.shown(second.model_copy(update={"revision": 2}))


def test_only_an_own_post_and_an_own_claim_are_given_back(engine: Engine) -> None:
    """Of one that began, or ends, at another moment nothing is known."""
    messages, later = Messages(engine), NOON + timedelta(seconds=30, microseconds=1)
    assert messages.begin_post("inc-1", "slack/card", later, 15)
    messages.not_posted("inc-1", "slack/card", NOON)
    assert not messages.begin_post("inc-1", "slack/card", later, 15)
    messages.not_posted("inc-1", "slack/card", later)
    assert messages.begin_post("inc-1", "slack/card", later, 15)
    assert messages.claim("inc-1", "slack", 1, NOON, 30)
    messages.release("inc-1", "slack", later)
    assert not messages.claim("inc-1", "slack", 1, NOON, 30)
    messages.release("inc-1", "slack", NOON + timedelta(seconds=30))
    assert messages.claim("inc-1", "slack", 1, NOON, 30)


def test_a_refusal_that_is_not_given_up_is_noted_and_still_to_be_sent(engine: Engine) -> None:
    """The figures show it, and the revision stays news."""
    messages = Messages(engine)
    assert messages.claim("inc-1", "slack", 1, NOON, 30)
    messages.refused("inc-1", "slack", "rejected: x")
    messages.release("inc-1", "slack")
    state = messages.state("inc-1", "slack")
    assert state is not None
    assert (state.revision, state.external_id) == (0, "rejected: x")
    assert messages.claim("inc-1", "slack", 1, NOON, 30)
