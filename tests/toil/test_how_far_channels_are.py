"""How far each channel has come, over both databases."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from contracts.journal import Event, IncidentChange, Record
from toil.deliveries import LOOKED_BACK, ChannelView, Deliveries
from toil.journal import Journal
from toil.messages import Messages

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def revised(engine: Engine, incident: str, opened_at: datetime = NOON) -> int:
    """One more line of an incident; its revision."""
    number = Journal(engine).record(
        Record(incident=incident, change=IncidentChange(workflow="w", opened_at=opened_at))
    )
    line = Event(key=f"{incident}#{number.revision}", at=NOON, actor="x", type="note", text="t")
    return Journal(engine).record(Record(incident=incident, events=(line,))).revision


def test_nothing_told_is_no_channel(engine: Engine) -> None:
    """A channel is known by what it was told."""
    revised(engine, "inc-1")
    assert Deliveries(engine).by_channel(NOON) == ()


def test_each_channel_tells_when_it_took_something_last(engine: Engine) -> None:
    """Of all incidents; what it refused does not count, and neither do its single messages."""
    books = Messages(engine)
    one, two = revised(engine, "inc-1"), revised(engine, "inc-2")
    books.delivered("inc-1", "slack", one, "C0OPS", NOON)
    books.delivered("inc-2", "slack", two, "rejected: not_in_channel", NOON + timedelta(hours=1))
    books.delivered("inc-1", "slack/card", one, "C0OPS/1", NOON + timedelta(hours=2))
    books.delivered("inc-1", "webhook", one, "", NOON - timedelta(minutes=1))
    slack = ChannelView(name="slack", delivered_at=NOON, refused=1)
    webhook = ChannelView(name="webhook", delivered_at=NOON - timedelta(minutes=1))
    assert Deliveries(engine).by_channel(NOON) == (slack, webhook)


def test_what_a_channel_was_not_told_yet_is_counted(engine: Engine) -> None:
    """By incident, however many revisions it lags; also while somebody is telling it."""
    books = Messages(engine)
    told = revised(engine, "inc-1")
    books.delivered("inc-1", "slack", told, "", NOON)
    [found] = Deliveries(engine).by_channel(NOON)
    assert found.behind == 0
    newest = [revised(engine, "inc-1") for _ in range(3)][-1]
    assert books.claim("inc-1", "slack", newest, NOON, 60)
    assert books.claim("inc-1", "pagerduty", newest, NOON, 60)
    found, slack = Deliveries(engine).by_channel(NOON)
    assert (found.name, found.behind, found.delivered_at) == ("pagerduty", 1, None)
    assert (slack.name, slack.behind, slack.delivered_at) == ("slack", 1, NOON)


def test_an_old_incident_counts_no_more(engine: Engine) -> None:
    """What was never told of it would be an alert for ever."""
    revised(engine, "inc-1", NOON - LOOKED_BACK - timedelta(seconds=1))
    Messages(engine).delivered("inc-1", "slack", 0, "", NOON)
    assert Deliveries(engine).by_channel(NOON) == ()
    assert Deliveries(engine).by_channel(NOON - timedelta(seconds=2)) != ()
