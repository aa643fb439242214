"""No call and no end of a call is lost: not by an outage, a refusal, a kill, nor a slow answer."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
from pagerduty_desk import KEY, Events, Story
from rollback_plan import NOON
from sqlalchemy import Engine
from upstreams import serving

from activities.pagerduty import SENDING_SECONDS_MAX
from contracts.errors import Busy, Unavailable
from toil.messages import Messages, MessageState


class Killed(Exception):
    """The process has ended."""


class Dying(Messages):
    """Books in which a process writes no more than so many notes."""

    def __init__(self, engine: Engine, notes: int) -> None:
        super().__init__(engine)
        self._notes = notes

    def shown(self, state: MessageState) -> bool:
        """As ever, until the process ends."""
        self._notes -= 1
        if self._notes == 0:
            raise Killed
        return super().shown(state)


@pytest.fixture
def events() -> Iterator[Events]:
    """An endpoint that runs until the test is over."""
    with serving() as server:
        yield Events(server)


@pytest.fixture
def story(engine: Engine, events: Events) -> Story:
    """An open incident."""
    return Story(engine, events)


def test_a_break_between_two_events_loses_none(story: Story, events: Events) -> None:
    """The first was taken and is not repeated; the second is sent when PagerDuty is back."""
    story.told("escalated", status="escalated")
    story.tell("taken_over", status="taken_over")
    story.tell("handed_back", status="escalated")
    events.statuses = [202, 503]
    with pytest.raises(Unavailable):
        story.deliver()
    assert len(events.standing) == 2
    story.deliver()
    assert events.actions == ["trigger", "trigger", "resolve"]
    assert events.standing == ["inc-1/escalated-4"]


@pytest.mark.parametrize("notes", [1, 2])
def test_a_kill_around_a_call_forgets_no_alert(
    story: Story, events: Events, engine: Engine, notes: int
) -> None:
    """Killed before the call or before its note, it is made again, and resolved at the close even
    when nobody got round to that.
    """
    story.rows = Dying(engine, notes)
    story.tell("escalated", status="escalated")
    with pytest.raises(Killed):
        story.deliver()
    story.now += timedelta(minutes=1)
    if notes == 1:
        assert story.told("note") == ["trigger"]
    story.told("closed", status="closed", closed_at=NOON)
    assert events.actions == ["trigger", "resolve"]
    assert events.standing == []


def test_who_is_late_leaves_it_to_whoever_is_not(story: Story, events: Events) -> None:
    """Another worker has told of a newer revision meanwhile; an old one must not ring after it."""
    story.tell("escalated", status="escalated")
    newer = MessageState(incident="inc-1", channel="pagerduty/escalated-2", revision=99)
    story.rows.shown(newer.model_copy(update={"external_id": "triggering:2"}))
    with pytest.raises(Busy):
        story.deliver()
    assert events.received == []


def test_one_refused_event_holds_up_no_other(story: Story, events: Events) -> None:
    """The refused one is sent again with the next revision."""
    story.tell("escalated", status="escalated")
    story.tell("paged", "ana pages ben", data={"whom": ["ben"]})
    events.statuses = [400]
    story.deliver()
    assert events.ringing == ["inc-1/page-3"]
    story.told("note")
    assert events.ringing == ["inc-1/escalated-2", "inc-1/page-3"]


def test_who_sends_stops_before_somebody_else_takes_over(story: Story, events: Events) -> None:
    """With what PagerDuty had time for; the rest follows a second later."""
    story.told("escalated", status="escalated")
    story.tell("paged", "ana pages ben", data={"whom": ["ben"]})
    story.tell("paged", "ana pages cyn", data={"whom": ["cyn"]})
    story.seconds = count(0.0, SENDING_SECONDS_MAX / 2 + 1)
    with pytest.raises(Unavailable, match="1 more events") as caught:
        story.deliver()
    assert caught.value.after_seconds == 1.0
    story.deliver()
    assert len(events.ringing) == len(events.actions) == 3


@pytest.mark.parametrize("status", [301, 307, 308])
def test_the_key_follows_no_redirect(story: Story, events: Events, status: int) -> None:
    """Wherever somebody would like to have it."""
    with serving() as other:
        elsewhere = Events(other)
        story.tell("escalated", status="escalated")
        events.statuses, events.headers = [status], {"Location": elsewhere.url}
        story.deliver()
        assert elsewhere.asked == 0
        assert (events.asked, events.received) == (1, [])


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_may_pass_is_sent_again(story: Story, events: Events, status: int) -> None:
    """After the pause that is asked for; the key shows nowhere."""
    story.tell("escalated", status="escalated")
    events.statuses, events.headers = [status], {"Retry-After": "7"}
    with pytest.raises(Unavailable, match=f"answered {status}") as caught:
        story.deliver()
    assert caught.value.after_seconds == 7.0
    assert KEY not in caught.value.message
    story.deliver()
    assert events.actions == ["trigger"]


@pytest.mark.parametrize("status", [400, 401, 403, 413, 302])
def test_a_refusal_delays_nothing_and_is_tried_with_the_next_revision(
    story: Story, events: Events, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong key is said in the log; once it is right, people are called."""
    story.tell("escalated", status="escalated")
    events.statuses = [status]
    story.deliver()
    assert "channel refused" in caplog.text
    assert KEY not in caplog.text
    assert story.told("note") == ["trigger"]


def test_a_refused_close_is_not_forgotten(story: Story, events: Events) -> None:
    """Nobody knows by then whether there is an alert, so it is resolved with the next revision."""
    story.told("escalated", status="escalated")
    story.tell("closed", status="closed", closed_at=NOON)
    events.statuses = [400]
    story.deliver()
    assert story.told("note") == ["trigger", "resolve"]


def test_pagerduty_may_be_away(story: Story, events: Events) -> None:
    """What is undelivered is tried again."""
    story.tell("escalated", status="escalated")
    events.close()
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1: "):
        story.deliver()
