"""A record lands once, whole, and never turns the journal back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts.alert import Alert
from contracts.approval import Approval, ApprovalState, Vote
from contracts.errors import InvalidInput
from contracts.journal import Event, IncidentChange, Record
from contracts.plan import Plan, Verdict
from contracts.target import Target
from contracts.toil import Observation
from toil.journal import Journal
from toil.ledger import Ledger

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TARGET = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")


def event(key: str, kind: str = "note") -> Event:
    """One line of a timeline."""
    return Event(key=key, at=NOON, actor="firebreak", type=kind, text=f"{kind} {key}")


def opening(incident: str = "inc-1", **change: Any) -> Record:
    """The first record of an incident."""
    return Record(
        incident=incident,
        change=IncidentChange(
            workflow=TARGET.workflow_id, opened_at=NOON, target=TARGET, team="shop", **change
        ),
        alerts=(alert(),),
        events=(event(f"{incident}/opened", "opened"),),
    )


def alert(**other: Any) -> Alert:
    """The alert of `opening`, with other values."""
    values = {"source": "am", "fingerprint": "f1", "status": "firing", "name": "HighLatency"}
    return Alert.model_validate(values | {"starts_at": NOON, "labels": {"a": "b"}} | other)


def change(key: str, **values: Any) -> Record:
    """A change of state with its event."""
    return Record(incident="inc-1", change=IncidentChange(**values), events=(event(key),))


def approval(state: ApprovalState = "open", votes: tuple[Vote, ...] = ()) -> Approval:
    """The one question of these tests."""
    plan = Plan(
        action="kubernetes.rollback_deployment", target=TARGET, uid="u", generation=2, at=NOON,
        before="2", after="1", summary="back to 1", kubectl="kubectl rollout undo",
    )  # fmt: skip
    return Approval(
        id="apr-1", incident="inc-1", workflow="w", runbook="rollback_deployment", target=TARGET,
        plan=plan, verdict=Verdict(ruling="ask"), needed=1, approvers=("ana",), opened_at=NOON,
        expires_at=NOON + timedelta(minutes=15), state=state, votes=votes,
    )  # fmt: skip


VOTE = Vote(person="ana", decision="approve", at=NOON)


def test_the_first_record_opens_the_incident(engine: Engine) -> None:
    """What was recorded is what a page gets, with the target and the alert."""
    journal = Journal(engine)
    assert journal.record(opening(runbook="rollback_deployment")).revision == 1
    found = journal.incident("inc-1")
    assert found is not None
    assert (
        found.status,
        found.target,
        found.opened_at,
        found.revision,
    ) == ("open", TARGET, NOON, 1)
    assert [a.name for a in found.alerts] == ["HighLatency"]
    assert [(item.seq, item.type) for item in found.timeline] == [(1, "opened")]
    assert found.runbooks == ("rollback_deployment",)
    assert TARGET.workflow_id == journal.workflow_of("inc-1")


def test_a_record_of_an_unknown_incident_must_open_it(engine: Engine) -> None:
    """Nothing of a record that cannot land is kept, and the error says what is missing."""
    journal = Journal(engine)
    observation = Observation(key="o", person="ana", at=NOON, source="s", action="a")
    with pytest.raises(InvalidInput) as refused:
        journal.record(Record(incident="inc-9", events=(event("e"),), observations=(observation,)))
    assert "opened_at" in refused.value.fix
    assert journal.incident("inc-9") is None
    assert Ledger(engine).observations() == ()


def test_a_hundred_repeats_change_nothing(engine: Engine) -> None:
    """The revision stays and every list keeps its length."""
    journal = Journal(engine)
    observation = Observation(key="o", person="ana", at=NOON, source="s", action="approve")
    record = opening().model_copy(update={"approval": approval(), "observations": (observation,)})
    first = journal.record(record)
    before = journal.incident("inc-1")
    assert {first.revision} == {journal.record(record).revision for _ in range(100)}
    assert before == journal.incident("inc-1")
    assert (observation,) == Ledger(engine).observations()


def test_a_repeat_without_events_changes_nothing_either(engine: Engine) -> None:
    """State that is as it was is no news."""
    journal = Journal(engine)
    journal.record(opening())
    quiet = Record(incident="inc-1", alerts=(alert(),), change=IncidentChange(team="shop"))
    assert journal.record(quiet).revision == 1


def test_text_that_the_database_changes_is_still_a_repeat(engine: Engine) -> None:
    """A NUL in a label or a summary does not make every repeat look new."""
    journal = Journal(engine)
    dirty = Record(
        incident="inc-1",
        change=IncidentChange(summary="a\x00b"),
        alerts=(alert(labels={"x": "\x00"}),),
    )
    journal.record(opening())
    assert journal.record(dirty).revision == 2
    assert journal.record(dirty).revision == 2


def test_two_workers_may_record_the_same_at_once(engine: Engine) -> None:
    """One of them writes; both get the same answer."""
    journal = Journal(engine)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: journal.record(opening()).revision, range(8)))
    assert answers == [1] * 8
    found = journal.incident("inc-1")
    assert found is not None
    assert len(found.timeline) == 1


def test_two_workers_may_record_different_things_at_once(engine: Engine) -> None:
    """Every event gets its own place and every record its own revision."""
    journal = Journal(engine)
    journal.record(opening())
    with ThreadPoolExecutor(8) as pool:
        records = [Record(incident="inc-1", events=(event(f"e{n}"),)) for n in range(16)]
        revisions = sorted(r.revision for r in pool.map(journal.record, records))
    found = journal.incident("inc-1")
    assert found is not None
    assert list(range(2, 18)) == revisions
    assert list(range(1, 18)) == [item.seq for item in found.timeline]


def test_a_late_repeat_does_not_turn_the_journal_back(engine: Engine) -> None:
    """An activity that is tried again after newer records leaves the newer state alone."""
    journal = Journal(engine)
    journal.record(opening())
    waiting = change("waiting", status="waiting")
    journal.record(waiting)
    journal.record(change("acting", status="acting"))
    assert journal.record(waiting).revision == 3
    found = journal.incident("inc-1")
    assert found is not None
    assert found.status == "acting"


def test_a_closed_incident_opens_again(engine: Engine) -> None:
    """A flap clears the end and the outcome, and keeps the rest."""
    journal = Journal(engine)
    journal.record(opening())
    later = NOON + timedelta(minutes=5)
    journal.record(change("closed", status="closed", outcome="resolved", closed_at=later))
    journal.record(change("reopened", status="open", reopen=True))
    found = journal.incident("inc-1")
    assert found is not None
    assert (
        found.status,
        found.outcome,
        found.closed_at,
        found.team,
    ) == ("open", None, None, "shop")


def test_how_an_incident_ended_is_final(engine: Engine) -> None:
    """A run that tells afterwards is told in the timeline, and the headline stays."""
    journal = Journal(engine)
    journal.record(opening())
    end = NOON + timedelta(minutes=5)
    healed = {"outcome": "resolved", "summary": "back to 1", "closed_at": end}
    journal.record(change("closed", status="closed", **healed))
    late = {"outcome": "refused", "summary": "not needed", "closed_at": end + timedelta(hours=1)}
    journal.record(change("late", status="escalated", runbook="rollback_deployment", **late))
    found = journal.incident("inc-1")
    assert found is not None
    assert (found.status, found.outcome, found.summary, found.closed_at) == (
        "closed",
        "resolved",
        "back to 1",
        end,
    )
    assert found.runbooks == ("rollback_deployment",)
    assert [item.text for item in found.timeline][-1] == "note late"


def test_a_reopened_incident_takes_a_new_outcome(engine: Engine) -> None:
    """The end of the second time is final in its turn."""
    journal = Journal(engine)
    journal.record(opening())
    journal.record(change("closed", status="closed", outcome="resolved", closed_at=NOON))
    journal.record(change("reopened", status="open", reopen=True))
    journal.record(change("outcome", outcome="declined", summary="not tonight"))
    journal.record(change("again", status="closed", closed_at=NOON))
    journal.record(change("late", outcome="failed"))
    found = journal.incident("inc-1")
    assert found is not None
    assert (found.status, found.outcome, found.summary) == ("closed", "declined", "not tonight")


def test_an_older_episode_of_an_alert_does_not_undo_a_newer_one(engine: Engine) -> None:
    """Messages overtake each other; the later `starts_at` wins."""
    journal = Journal(engine)
    later = NOON + timedelta(minutes=5)
    journal.record(opening())
    journal.record(Record(incident="inc-1", alerts=(alert(starts_at=later),)))
    stale = alert(status="resolved", ends_at=NOON + timedelta(minutes=1))
    assert journal.record(Record(incident="inc-1", alerts=(stale,))).revision == 2


def test_an_alert_is_found_while_an_open_incident_holds_it_firing(engine: Engine) -> None:
    """Not before, not after it resolved, and not once the incident is closed."""
    journal = Journal(engine)
    assert journal.open_workflow_of("am/f1") is None
    journal.record(opening())
    assert TARGET.workflow_id == journal.open_workflow_of("am/f1")
    journal.record(Record(incident="inc-1", alerts=(alert(status="resolved"),)))
    assert journal.open_workflow_of("am/f1") is None
    journal.record(Record(incident="inc-1", alerts=(alert(),)))
    journal.record(change("closed", status="closed"))
    assert journal.open_workflow_of("am/f1") is None


def test_a_decided_approval_never_opens_again_nor_loses_a_vote(engine: Engine) -> None:
    """The question as it stood earlier changes nothing."""
    journal = Journal(engine)
    journal.record(opening())
    journal.record(Record(incident="inc-1", approval=approval("approved", (VOTE,))))
    for older in (approval(), approval("approved"), approval("expired")):
        assert journal.record(Record(incident="inc-1", approval=older)).revision == 2
    assert approval("approved", (VOTE,)) == journal.approval("apr-1")


def test_approvals_are_found_by_state_and_incident(engine: Engine) -> None:
    """A list shows what was asked for; an incident names its approvals."""
    journal = Journal(engine)
    journal.record(opening())
    journal.record(Record(incident="inc-1", approval=approval()))
    assert (approval(),) == journal.approvals("open", "inc-1")
    assert journal.approvals("approved") == ()
    assert journal.approvals(None, "inc-2") == ()
    found = journal.incident("inc-1")
    assert found is not None
    assert found.approvals == ("apr-1",)
    assert journal.approval("apr-2") is None
