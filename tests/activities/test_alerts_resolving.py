"""AlertsResolved, on real books: all of an incident's alerts, by the journal's own times."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from temporalio.testing import ActivityEnvironment

from activities.alerts import AlertsResolvedCheck
from contracts.alert import Alert, AlertStatus
from contracts.errors import NotFound, Unavailable
from contracts.journal import Event, IncidentChange, Record
from contracts.signals import AlertsResolved
from contracts.step import CheckCall, CheckResult
from contracts.target import Target
from toil.journal import Journal
from toil.views import AlertsHeard

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
TARGET = Target(cluster="lab", namespace="shop", kind="Deployment", name="web")
INCIDENT = "inc-1"


class Story:
    """An incident in the journal, and the check on a clock that moves only while it sleeps."""

    def __init__(self, engine: Engine) -> None:
        self.journal = Journal(engine)
        self.now = START
        self.planned: list[tuple[int, str, AlertStatus]] = []

    def open(self) -> None:
        """The first record."""
        change = IncidentChange(workflow="incident/x", opened_at=self.now)
        opened = self._event("opened")
        self.journal.record(Record(incident=INCIDENT, change=change, events=(opened,)))

    def hear(self, name: str, status: AlertStatus, ends_at: datetime | None = None) -> None:
        """Record an alert now, as an incident does."""
        alert = Alert(
            source="am",
            fingerprint=name,
            status=status,
            name=name,
            starts_at=START,
            ends_at=ends_at,
        )
        line = self._event("alert", f"{name}/{status}")
        self.journal.record(Record(incident=INCIDENT, alerts=(alert,), events=(line,)))

    def at(self, seconds: int, name: str, status: AlertStatus) -> None:
        """Hear of it so many seconds after the start, while somebody waits."""
        self.planned.append((seconds, name, status))

    def sleep(self, seconds: float) -> None:
        """Move the clock, and hear what came meanwhile."""
        self.now += timedelta(seconds=seconds)
        due = [one for one in self.planned if START + timedelta(seconds=one[0]) <= self.now]
        for one in due:
            self.planned.remove(one)
            self.hear(one[1], one[2])

    def check(
        self, journal: Any = None, *, steady_seconds: int = 60, within_seconds: int = 600
    ) -> CheckResult:
        """Wait for the alerts to resolve."""
        check = AlertsResolvedCheck(journal or self.journal, lambda: self.now, self.sleep)
        step = AlertsResolved(target=TARGET, steady_seconds=steady_seconds)
        call: CheckCall[Any] = CheckCall(
            key="inc-1/1/1",
            incident=INCIDENT,
            at=self.now,
            within_seconds=within_seconds,
            step=step,
        )
        result: CheckResult = ActivityEnvironment().run(check.check, call)
        return result

    def _event(self, kind: str, what: str = "") -> Event:
        key = f"{INCIDENT}/{kind}/{what}/{self.now.isoformat()}"
        return Event(key=key, at=self.now, actor="am", type=kind, text=what)


@pytest.fixture(name="story")
def _story(engine: Engine) -> Story:
    story = Story(engine)
    story.open()
    return story


def test_one_that_fires_keeps_the_others_waiting(story: Story) -> None:
    """All means all."""
    for name in ("a", "b", "c", "d", "e"):
        story.hear(name, "firing")
    story.hear("b", "resolved")
    result = story.check(within_seconds=100)
    assert not result.ok
    assert result.detail == "still firing: a, c, d and 1 more, still so after 100 s"
    assert result.waited_seconds == 100


def test_they_must_stay_away(story: Story) -> None:
    """Since the journal heard of the last of them."""
    story.hear("a", "firing")
    story.hear("b", "firing")
    story.at(50, "a", "resolved")
    story.at(100, "b", "resolved")
    result = story.check(steady_seconds=60)
    assert result.ok
    assert result.detail == "all 2 alerts have been away for 60 s"
    assert result.waited_seconds == 160


def test_one_that_comes_back_starts_it_again(story: Story) -> None:
    """A flap is no cure."""
    story.hear("a", "firing")
    story.at(10, "a", "resolved")
    story.at(40, "a", "firing")
    story.at(60, "a", "resolved")
    assert story.check(steady_seconds=60).waited_seconds == 120


def test_the_sender_s_clock_does_not_count(story: Story) -> None:
    """It may say that it resolved an hour ago."""
    story.hear("a", "firing")
    story.hear("a", "resolved", ends_at=START - timedelta(hours=1))
    assert story.check(steady_seconds=60).waited_seconds == 60


def test_what_was_away_before_the_check_counts(story: Story) -> None:
    """The journal knows since when."""
    story.hear("a", "firing")
    story.hear("a", "resolved")
    story.now += timedelta(seconds=600)
    result = story.check(steady_seconds=60)
    assert (result.ok, result.waited_seconds) == (True, 0)


def test_away_at_once_where_no_time_is_asked_for(story: Story) -> None:
    """One look is enough."""
    story.hear("a", "firing")
    story.hear("a", "resolved")
    assert story.check(steady_seconds=0).waited_seconds == 0


def test_time_that_is_up_is_not_resolved(story: Story) -> None:
    """They are away, but not for long enough."""
    story.hear("a", "firing")
    story.at(90, "a", "resolved")
    result = story.check(steady_seconds=60, within_seconds=100)
    assert not result.ok
    assert result.detail == "the alert has been away for 10 s of 60 s, still so after 100 s"


def test_an_incident_that_a_person_opened_has_nothing_to_wait_for(story: Story) -> None:
    """No alert could fire."""
    result = story.check()
    assert (result.ok, result.detail) == (True, "no alert belongs to this incident")


def test_an_incident_that_is_not_recorded_is_not_found(engine: Engine) -> None:
    """Rather than resolved."""
    with pytest.raises(NotFound):
        Story(engine).check()


class Away:
    """A journal whose database does not answer for a while."""

    def __init__(self, journal: Journal, times: int) -> None:
        self._journal = journal
        self._times = times

    def alerts_of(self, incident_id: str) -> AlertsHeard | None:
        """Nothing, and then the truth."""
        self._times -= 1
        if self._times >= 0:
            raise Unavailable("database away")
        return self._journal.alerts_of(incident_id)


def test_a_database_that_is_away_resolves_nothing(story: Story) -> None:
    """It is asked again until the time is up."""
    story.hear("a", "firing")
    story.hear("a", "resolved")
    result = story.check(Away(story.journal, times=99), steady_seconds=0, within_seconds=20)
    assert not result.ok
    assert "database away" in result.detail
    story.now = START
    assert story.check(Away(story.journal, times=2), steady_seconds=0).waited_seconds == 10
