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


def says(person: str, decision: str = "approve", **more: object) -> Decision:
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


def test_the_requester_may_withdraw() -> None:
    """Whether policy lists them or not, also after somebody has agreed; with a reason."""
    no = says("dan", "deny", reason="wrong workload")
    assert given(gate(requester="dan"), no).approval.state == "denied"
    assert given(gate(2, "dan"), says("ben"), no).approval.state == "denied"
    assert refused(gate(requester="dan"), says("dan", "deny")) is ReasonMissing


def test_nobody_withdraws_what_an_alert_asked_for() -> None:
    """Whatever they call themselves."""
    no = says("firebreak", "deny", reason="no")
    assert refused(gate(), no) is NotAllowed
    assert refused(gate(requester="ana"), says("mallory", "deny", reason="no")) is NotAllowed


def test_strangers_may_not_approve() -> None:
    """The refusal names who may."""
    assert refused(gate(), says("mallory")) is NotAllowed


def on_call(needed: int = 1, requester: str = "firebreak") -> Gate:
    """A question to Ana, to whoever is on call, and to a user group."""
    asked = gate(needed, requester)
    may = ("ana", "oncall:primary", "usergroup:S01")
    asked.approval = asked.approval.model_copy(update={"approvers": may})
    return asked


def test_who_is_in_a_named_group_may_approve() -> None:
    """The door says in which groups a person is; that of another question does not count."""
    assert given(on_call(), says("dan", groups=["oncall:primary"])).approval.state == "approved"
    assert refused(on_call(), says("dan")) is NotAllowed
    assert refused(on_call(), says("dan", groups=["oncall:secondary"])) is NotAllowed


def test_a_person_is_no_group() -> None:
    """Whoever claims to be in the group `ana` is in nothing."""
    assert refused(on_call(), says("dan", groups=["ana"])) is NotAllowed


def test_two_of_a_group_are_two_people() -> None:
    """And one of them in two groups is one."""
    dan = says("dan", groups=["oncall:primary", "usergroup:S01"])
    eve = says("eve", groups=["oncall:primary"])
    assert given(on_call(2), dan).approval.state == "open"
    assert refused(given(on_call(2), dan), dan) is AlreadyDecided
    assert given(on_call(2), dan, eve).approval.state == "approved"


def test_the_requester_may_not_approve_by_a_group() -> None:
    """On call or not."""
    mine = on_call(requester="dan")
    assert refused(mine, says("dan", groups=["oncall:primary"])) is NotAllowed


def test_a_refusal_names_people_and_groups() -> None:
    """As people call them."""
    with pytest.raises(NotAllowed, match="only ana, on-call primary, user group S01 may decide"):
        on_call().check(says("dan"), NOW)


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
