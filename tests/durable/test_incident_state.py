"""What an incident knows, by the clock of its workflow; no server is needed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.alert import Alert
from contracts.calls import IncidentStart, Match, RunRequest
from contracts.case import NOBODY, Outcome
from contracts.errors import AlreadyDecided, InvalidInput
from workflows.incident_state import ALERTS_MAX, IncidentState

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PAYLOAD_BYTES_MAX = 2 * 1024 * 1024


def alert(fingerprint: str = "a", status: str = "firing", minute: int = 0) -> Alert:
    """One notification; `minute` tells its episode."""
    return Alert.model_validate(
        {
            "source": "am",
            "fingerprint": fingerprint,
            "status": status,
            "name": "High",
            "starts_at": NOW + timedelta(minutes=minute),
        }
    )


def test_a_repeat_changes_nothing_but_is_heard() -> None:
    """It keeps the incident from growing stale."""
    state = IncidentState()
    assert state.absorb(alert(), NOW)
    later = NOW + timedelta(hours=11)

    assert not state.absorb(alert(), later)
    assert not state.is_stale(NOW + timedelta(hours=13))


def after(outcome: str, actor: str = NOBODY) -> IncidentState:
    """An incident whose run of `rollback` ended like that."""
    state = IncidentState()
    state.absorb(alert(), NOW)
    state.began(actor)
    state.ended(Outcome.model_validate({"status": outcome, "summary": "s"}), "rollback", NOW)
    return state


def again(request: str = "r1", runbook: str = "rollback", **more: object) -> RunRequest:
    """Ben asks for it again."""
    facts = {"request": request, "runbook": runbook, "person": "ben", "again": True}
    return RunRequest.model_validate({**facts, **more})


def test_an_unanswered_question_may_be_asked_again() -> None:
    """Once, by whoever comes first; the same request twice is one."""
    state = after("expired")
    assert state.why_not_again(again()) is None
    state.ask_for(again(), NOW)
    assert state.why_not_again(again()) is None
    assert isinstance(state.why_not_again(again("r2")), AlreadyDecided)


@pytest.mark.parametrize("outcome", ["declined", "escalated", "refused", "failed", "resolved"])
def test_only_an_expiry_is_asked_again(outcome: str) -> None:
    """Every other end was somebody's word, or the guardrails'."""
    assert isinstance(after(outcome).why_not_again(again()), AlreadyDecided)


def test_what_a_person_asked_for_is_not_asked_again_as_firebreaks_own() -> None:
    """Or they could approve what they have asked for."""
    assert isinstance(after("expired", "ben").why_not_again(again()), AlreadyDecided)


def test_what_is_asked_again_is_the_same_thing() -> None:
    """The same runbook, with nothing to choose; not once it is closed."""
    state = after("expired")
    assert isinstance(state.why_not_again(again(runbook="restart")), AlreadyDecided)
    assert isinstance(state.why_not_again(again(params={"a": 1})), InvalidInput)
    assert isinstance(state.why_not_again(again(dry_run=True)), InvalidInput)
    state.close(NOW)
    assert isinstance(state.why_not_again(again()), AlreadyDecided)


def test_an_older_firing_after_the_resolve_is_stale() -> None:
    """Only a newer episode counts."""
    state = IncidentState()
    state.absorb(alert(), NOW)
    state.absorb(alert(status="resolved"), NOW)

    assert not state.absorb(alert(), NOW)
    assert state.absorb(alert(minute=1), NOW)


def test_a_resolve_that_nobody_waits_for_changes_nothing() -> None:
    """Neither an unknown one nor a second one."""
    state = IncidentState()
    assert not state.absorb(alert(status="resolved"), NOW)
    state.absorb(alert(), NOW)
    state.absorb(alert(status="resolved"), NOW)

    assert not state.absorb(alert(status="resolved"), NOW)


def test_one_of_two_resolved_is_not_quiet() -> None:
    """Quiet begins with the last resolve."""
    state = IncidentState()
    state.absorb(alert("a"), NOW)
    state.absorb(alert("b"), NOW)
    state.absorb(alert("a", "resolved"), NOW)
    assert not state.is_quiet(NOW + timedelta(hours=1))

    state.absorb(alert("b", "resolved"), NOW + timedelta(hours=1))

    assert state.is_quiet(NOW + timedelta(hours=1, minutes=1))


def test_a_storm_is_listed_up_to_a_bound_and_says_so_once() -> None:
    """What is not listed is not silently lost."""
    state = IncidentState()
    for number in range(ALERTS_MAX + 5):
        state.absorb(alert(f"f{number}"), NOW)

    assert len(state.alerts) == ALERTS_MAX
    assert len(state.overflow_notes()) == 1
    assert state.overflow_notes() == []


def test_the_largest_state_fits_into_one_argument() -> None:
    """The server refuses more than 2 MiB, and the incident must go on."""
    state = IncidentState()
    big = {f"label-{n}": "x" * 4000 for n in range(4)}
    notes = {"summary": "s" * 16_000}
    for number in range(ALERTS_MAX):
        fat = alert(f"f{number}").model_copy(update={"labels": big, "annotations": notes})
        state.absorb(fat, NOW)

    carried = state.carried()

    assert len(str(carried).encode()) < PAYLOAD_BYTES_MAX
    again = IncidentState.begin(IncidentStart(carried=carried))
    assert again.alerts.keys() == state.alerts.keys()
    assert again.unhandled


def test_a_manual_run_that_ends_badly_waits_for_people() -> None:
    """There is no alert whose resolve could close it, so only people or twelve hours do."""
    state = IncidentState()
    state.ask_for(RunRequest(request="r", runbook="x", person="ana"), NOW)
    state.ended(Outcome(status="escalated", summary="sick"), "x", NOW)

    assert not state.is_quiet(NOW + timedelta(hours=2))
    assert state.is_stale(NOW + timedelta(hours=12))


def test_a_person_closes_what_still_fires_and_its_repeats_stay_closed() -> None:
    """Until they resolve, or nobody repeats them for twelve hours."""
    state = IncidentState()
    state.absorb(alert(), NOW)
    state.close(NOW)

    assert not state.absorb(alert(), NOW + timedelta(hours=4))
    assert not state.unhandled
    assert not state.is_over(NOW + timedelta(hours=15))
    assert state.is_over(NOW + timedelta(hours=16))


def live(state: IncidentState, past: str) -> None:
    """Let it go through one of the things that change what it waits for."""
    if past != "fresh":
        state.began(NOBODY)
    if past == "healed":
        state.ended(Outcome(status="resolved", summary="", receipts=1), "x", NOW)
    if past == "given up":
        state.ended(Outcome(status="failed", summary=""), "x", NOW)
    if past == "closed":
        state.close(NOW)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.sampled_from(["firing", "resolved"]),
            st.integers(0, 3),
        ),
        max_size=12,
    ),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["fresh", "begun", "healed", "given up", "closed"]),
)
def test_a_moment_to_wake_at_that_has_passed_has_something_to_do(
    said: list[tuple[str, str, int]], running: bool, calmed: bool, past: str
) -> None:
    """Otherwise the loop would spin: wake, find nothing to do, and wake again at once."""
    state = IncidentState()
    for fingerprint, status, minute in said:
        state.absorb(alert(fingerprint, status, minute), NOW)
    state.adopt(Match(reason="test"), NOW)
    live(state, past)
    wake = state.wake_at(running=running, calmed=calmed)
    if wake is None:
        return

    later = max(wake, NOW)
    due = state.may_start(later) and not running
    quiet = state.is_quiet(later) and (not running or (bool(state.alerts) and not calmed))
    timed = not running and (state.still_alerting(later) or state.is_stale(later))
    assert due or quiet or timed or state.is_over(later) or state.is_forgotten(later)
