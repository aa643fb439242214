"""The approval gate as the plain object it is."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.approval import Approval, Decision
from contracts.errors import (
    AlreadyDecided,
    Expired,
    FirebreakError,
    NotAllowed,
    PlanChanged,
    ReasonMissing,
)
from contracts.plan import Plan, Verdict
from contracts.target import Target
from workflows.gate import Gate

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
TARGET = Target(cluster="default", namespace="shop", kind="Deployment", name="web")


def gate(needed: int = 1, requester: str = "firebreak") -> Gate:
    """A question to Ana, Ben and Cho that is open for a quarter of an hour."""
    plan = Plan(
        action="kubernetes.rollout_restart",
        target=TARGET,
        uid="u",
        generation=1,
        before="a",
        after="b",
        summary="restart",
        kubectl="kubectl rollout restart",
        at=NOW,
    )
    return Gate(
        Approval(
            id="apr-1",
            incident="inc-1",
            workflow="runbook/inc-1/1",
            runbook="restart_crash_loop",
            target=TARGET,
            plan=plan,
            verdict=Verdict(ruling="ask"),
            needed=needed,
            approvers=("ana", "ben", "cho"),
            requester=requester,
            opened_at=NOW,
            expires_at=NOW + timedelta(minutes=15),
        )
    )


def says(person: str, decision: str = "approve", **more: str) -> Decision:
    """An answer to the question."""
    return Decision.model_validate(
        {"approval": "apr-1", "person": person, "decision": decision, **more}
    )


def given(asked: Gate, *decisions: Decision) -> Gate:
    """The gate after these answers, each of which it lets pass."""
    for decision in decisions:
        asked.check(decision, NOW)
        asked.add(decision, NOW)
    return asked


def refused(asked: Gate, decision: Decision, now: datetime = NOW) -> type[FirebreakError]:
    """The kind of refusal that the answer meets."""
    with pytest.raises(FirebreakError) as caught:
        asked.check(decision, now)
    assert caught.value.message
    assert caught.value.fix
    return type(caught.value)


def test_enough_distinct_people_approve() -> None:
    """Two of two, in any order."""
    assert given(gate(2), says("ben")).approval.state == "open"
    assert given(gate(2), says("ben"), says("ana")).approval.state == "approved"


def test_one_denial_is_enough() -> None:
    """Also after an approval, and by whoever had approved."""
    no = says("ana", "deny", reason="wait")

    assert given(gate(2), says("ana"), no).approval.state == "denied"


def test_the_same_person_is_one_person() -> None:
    """A second approval of the same person is refused, with how many are missing."""
    assert refused(given(gate(2), says("ana")), says("ana")) is AlreadyDecided


def test_the_requester_may_not_approve() -> None:
    """Even when policy lists them."""
    assert refused(gate(requester="ana"), says("ana")) is NotAllowed


def test_strangers_may_not_approve() -> None:
    """The refusal names who may."""
    assert refused(gate(), says("mallory")) is NotAllowed


def test_a_denial_needs_a_reason() -> None:
    """Blanks are none."""
    assert refused(gate(), says("ana", "deny", reason="  ")) is ReasonMissing


def test_an_answer_to_another_plan_is_refused() -> None:
    """Whoever looked at another plan has not seen this one."""
    assert refused(gate(), says("ana", digest="sha256:other")) is PlanChanged
    asked = gate()
    asked.check(says("ana", digest=asked.approval.plan.digest), NOW)


@pytest.mark.parametrize(
    ("state", "kind"),
    [("void", PlanChanged), ("expired", Expired), ("approved", AlreadyDecided)],
)
def test_a_closed_question_says_how_it_ended(state: str, kind: type[FirebreakError]) -> None:
    """Each end has its own refusal."""
    asked = given(gate(2), says("ben"))
    asked.approval = asked.approval.model_copy(update={"state": state})

    assert refused(asked, says("ana")) is kind


def test_at_the_deadline_it_is_too_late() -> None:
    """Even before the timer has fired."""
    late = NOW + timedelta(minutes=15)

    assert refused(gate(), says("ana"), late) is Expired
    gate().check(says("ana"), late - timedelta(seconds=1))
