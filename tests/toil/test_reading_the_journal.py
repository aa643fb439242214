"""Lists page without gaps, evidence is forgotten in time, the quarantine keeps each part once."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from contracts.alert import Alert
from contracts.errors import InvalidInput
from contracts.journal import IncidentChange, Record
from toil.journal import IncidentQuery, Journal

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def keep(journal: Journal, number: int, *, minutes: int, team: str = "shop") -> None:
    """Record incident `number`, opened so many minutes after noon."""
    alert = Alert(
        source="am", fingerprint=f"f{number}", status="firing", name="Down", starts_at=NOON
    )
    opened = IncidentChange(workflow="w", opened_at=NOON + timedelta(minutes=minutes), team=team)
    journal.record(Record(incident=f"inc-{number}", change=opened, alerts=(alert,)))


def test_pages_hold_every_incident_once_newest_first(engine: Engine) -> None:
    """Incidents that opened in the same instant are neither lost nor doubled at a page's edge."""
    journal = Journal(engine)
    for number in range(7):
        keep(journal, number, minutes=number // 3)
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        page = journal.incidents(IncidentQuery(limit=2, cursor=cursor))
        seen += [item.id for item in page.items]
        cursor = page.next
    assert [f"inc-{number}" for number in reversed(range(7))] == seen
    assert cursor is None


def test_a_list_can_be_narrowed(engine: Engine) -> None:
    """By team, by opening, by state and by the alert that an incident holds."""
    journal = Journal(engine)
    keep(journal, 1, minutes=0)
    keep(journal, 2, minutes=10, team="payments")
    journal.record(Record(incident="inc-1", change=IncidentChange(status="escalated")))

    def ids(query: IncidentQuery) -> list[str]:
        return [item.id for item in journal.incidents(query).items]

    assert ids(IncidentQuery(team="payments")) == ["inc-2"]
    assert ids(IncidentQuery(since=NOON + timedelta(minutes=10))) == ["inc-2"]
    assert ids(IncidentQuery(status="escalated")) == ["inc-1"]
    assert ids(IncidentQuery(fingerprint="f1")) == ["inc-1"]
    assert ids(IncidentQuery(fingerprint="f1", team="payments")) == []


@pytest.mark.parametrize("cursor", ["", "%%%", "bm90IGEgdGltZQ==", "日本"])
def test_a_strange_cursor_is_refused(engine: Engine, cursor: str) -> None:
    """A cursor is one that a page gave."""
    with pytest.raises(InvalidInput, match="cursor"):
        Journal(engine).incidents(IncidentQuery(cursor=cursor))


def test_unknown_ids_are_nothing(engine: Engine) -> None:
    """A reader of the journal decides what an absence means."""
    journal = Journal(engine)
    assert journal.incident("inc-1") is None
    assert journal.workflow_of("inc-1") is None
    assert journal.evidence_body("inc-1", "sha256:0") is None


def test_evidence_is_kept_once_and_given_only_to_its_incident(engine: Engine) -> None:
    """The body lies under its digest; another incident does not see it."""
    journal = Journal(engine)
    for body in ("log\x00line", "another body"):
        journal.keep_evidence(
            "inc-1/1/1", "inc-1", kind="logs", title="t", body=body, digest="sha256:1", at=NOON
        )
    (view,) = journal.evidence("inc-1")
    assert (view.kind, view.digest, view.at) == ("logs", "sha256:1", NOON)
    assert len("log\ufffdline".encode()) == view.size_bytes
    assert journal.evidence_body("inc-1", "sha256:1") == "log\ufffdline"
    assert journal.evidence_body("inc-2", "sha256:1") is None


def test_old_evidence_is_forgotten(engine: Engine) -> None:
    """Only what was found before the day is deleted."""
    journal = Journal(engine)
    for days in (0, 31):
        journal.keep_evidence(
            f"k{days}",
            "inc-1",
            kind="logs",
            title="t",
            body="b",
            digest=f"sha256:{days}",
            at=NOON - timedelta(days=days),
        )
    assert journal.forget_evidence(NOON - timedelta(days=30)) == 1
    assert journal.forget_evidence(NOON - timedelta(days=30)) == 0
    assert [view.key for view in journal.evidence("inc-1")] == ["k0"]


def test_the_quarantine_keeps_each_part_of_a_message_once(engine: Engine) -> None:
    """A sender that repeats a bad message fills nothing."""
    journal = Journal(engine)
    for _ in range(3):
        for index in (0, 1):
            journal.quarantine(
                "am", index, reason="no name", digest="d", at=NOON, excerpt_redacted="{}"
            )
    assert [part.index for part in journal.quarantined(10)] == [0, 1]
    assert len(journal.quarantined(1)) == 1
