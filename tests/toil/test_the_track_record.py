"""How a runbook has done on one target: what counts, and what does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from contracts.journal import Event, IncidentChange, Record
from contracts.message import TrackRecord
from contracts.target import Target
from toil.journal import Journal
from toil.tables import ReservationRow

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WEB = Target(cluster="default", namespace="shop", kind="Deployment", name="web")


def ended(
    engine: Engine, number: int, target: Target = WEB, lock: str | None = "done", **data: Any
) -> None:
    """A run that ended in an incident of its own, and what became of its write lock."""
    told = {"runbook": "restart", "status": "resolved", "dry_run": False, "seconds": 60} | data
    told = {"attempt": 1} | told
    at = told.pop("at", NOON - timedelta(days=1))
    locked(engine, f"inc-{number}/1/s2", lock)
    event = Event(key=f"e{number}", at=at, actor="firebreak", type="outcome", text="t", data=told)
    change = IncidentChange(workflow="w", opened_at=at, target=target)
    record = Record(incident=f"inc-{number}", change=change, events=(event,))
    Journal(engine).record(record)


def locked(engine: Engine, key: str, state: str | None) -> None:
    """A write lock in that state, if there is to be one."""
    if state is None:
        return
    row = ReservationRow(
        key=key,
        incident=key.partition("/")[0],
        runbook="restart",
        action="kubernetes.rollout_restart",
        lock_keys=[],
        state=state,
        reserved_at=NOON,
        expires_at=NOON,
    )
    with Session(engine) as session, session.begin():
        session.add(row)


def test_runs_of_that_runbook_on_that_target_count(engine: Engine) -> None:
    """How many, how many of them healed, and how long these took in the middle."""
    for number, seconds in enumerate((60, 180, 600)):
        ended(engine, number, seconds=seconds)
    ended(engine, 8, status="escalated", seconds=9_000)
    found = Journal(engine).track_record("restart", WEB, NOON, 90)
    assert found == TrackRecord(runs=4, healed=3, heal_seconds_median=180, days=90)


def test_nothing_else_counts(engine: Engine) -> None:
    """Another runbook, any other object, a dry run, what is too old, and what came later."""
    ended(engine, 1, runbook="rollback")
    for number, other in enumerate(
        ({"name": "api"}, {"namespace": "cart"}, {"kind": "StatefulSet"}, {"cluster": "east"})
    ):
        ended(engine, 10 + number, WEB.model_copy(update=other))
    ended(engine, 2, dry_run=True)
    ended(engine, 3, at=NOON - timedelta(days=91))
    ended(engine, 4, at=NOON + timedelta(seconds=1))
    assert Journal(engine).track_record("restart", WEB, NOON, 90) == TrackRecord()


def test_a_run_without_a_duration_counts_and_is_not_timed(engine: Engine) -> None:
    """An older version wrote none."""
    ended(engine, 1, seconds=None)
    found = Journal(engine).track_record("restart", WEB, NOON, 30)
    assert found == TrackRecord(runs=1, healed=1, days=30)


def test_what_wrote_nothing_neither_counts_for_it_nor_against_it(engine: Engine) -> None:
    """Denied, unanswered, with nothing to do, or its lock given back; what is unknown does."""
    ended(engine, 1, lock=None, status="declined")
    ended(engine, 2, lock=None, status="expired")
    ended(engine, 3, lock=None, status="resolved")
    ended(engine, 4, lock="released", status="refused")
    assert Journal(engine).track_record("restart", WEB, NOON, 90) == TrackRecord()
    ended(engine, 5, lock="unknown", status="failed")
    assert Journal(engine).track_record("restart", WEB, NOON, 90) == TrackRecord(runs=1)


def test_only_the_attempt_that_wrote_counts(engine: Engine) -> None:
    """Two runs of one incident are two answers."""
    ended(engine, 1, status="escalated")
    Journal(engine).record(
        Record(
            incident="inc-1",
            events=(
                Event(
                    key="again",
                    at=NOON - timedelta(hours=1),
                    actor="firebreak",
                    type="outcome",
                    text="t",
                    data={"runbook": "restart", "status": "declined", "attempt": 2},
                ),
            ),
        )
    )
    assert Journal(engine).track_record("restart", WEB, NOON, 90) == TrackRecord(runs=1)
