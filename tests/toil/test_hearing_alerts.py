"""What the journal has heard of an incident's alerts, for the check that they have resolved."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from contracts.alert import Alert, AlertStatus
from contracts.journal import Event, IncidentChange, Record
from toil.journal import Journal
from toil.views import AlertsHeard

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def hear(journal: Journal, name: str, status: AlertStatus, seconds: int) -> None:
    """Record that an alert was heard so many seconds after noon; it says another time itself."""
    at = NOON + timedelta(seconds=seconds)
    alert = Alert(source="am", fingerprint=name, status=status, name=name, starts_at=NOON)
    alert = alert.model_copy(update={"ends_at": NOON - timedelta(hours=1)})
    line = Event(key=f"{name}/{seconds}", at=at, actor="am", type="alert", text=name)
    change = IncidentChange(workflow="w", opened_at=NOON)
    journal.record(Record(incident="inc-1", change=change, alerts=(alert,), events=(line,)))


def test_all_are_named_and_those_that_fire(engine: Engine) -> None:
    """In the order in which they came; other lines of the timeline say nothing of alerts."""
    journal = Journal(engine)
    hear(journal, "a", "firing", 0)
    hear(journal, "b", "firing", 5)
    hear(journal, "a", "resolved", 9)
    note = Event(key="n", at=NOON + timedelta(hours=1), actor="x", type="note", text="later")
    journal.record(Record(incident="inc-1", events=(note,)))
    assert journal.alerts_of("inc-1") == AlertsHeard(
        alerts=("a", "b"), firing=("b",), last_at=NOON + timedelta(seconds=9)
    )


def test_an_incident_without_alerts_was_last_heard_of_when_it_opened(engine: Engine) -> None:
    """And one that is not recorded gives nothing."""
    journal = Journal(engine)
    change = IncidentChange(workflow="w", opened_at=NOON)
    journal.record(Record(incident="inc-2", change=change))
    assert journal.alerts_of("inc-2") == AlertsHeard(last_at=NOON)
    assert journal.alerts_of("inc-9") is None
