"""How the policy file becomes facts: autonomy and approvers."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from contracts.calls import JudgeCall
from contracts.policy import Autonomy, Person, Policy, RunbookPolicy, Service
from guardrails import facts_of
from guardrails.facts import autonomy_of

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("runbook", "service", "expected"),
    [
        (None, None, "ask"),
        ("auto", None, "auto"),
        ("auto", "ask", "ask"),
        ("auto", "observe", "observe"),
        ("observe", "auto", "observe"),
        (None, "auto", "ask"),
        ("auto", "auto", "auto"),
    ],
)
def test_the_more_cautious_of_runbook_and_service_holds(
    runbook: Autonomy | None, service: Autonomy | None, expected: Autonomy
) -> None:
    """Neither a team nor a runbook can talk the other into more than it allows."""
    policy = Policy(
        runbooks={"Restart": RunbookPolicy(autonomy=runbook)} if runbook else {},
        services=(Service(name="user-auth", autonomy=service),),
    )
    assert autonomy_of(policy, "Restart", "user-auth") == expected


def test_an_approver_who_is_no_person_does_not_count(call_with: Callable[..., JudgeCall]) -> None:
    """An id that nobody has can never answer, and an id that stands twice counts once."""
    policy = Policy(
        people=(Person(id="ana", name="Ana"),),
        services=(Service(name="user-auth", approvers=("ana", "gone", "ana")),),
    )
    call = call_with().model_copy(update={"service": "user-auth"})
    assert facts_of(policy, call, NOW).approvers == ("ana",)
