"""The judgement of a rehearsal, and what is refused before one begins."""

import asyncio
from typing import Any

import pytest

from contracts.errors import InvalidInput
from contracts.target import Target
from playing import Choice, Ended, Ending, Story
from rehearsal import against_sandbox, as_it_should, expected_of, judge, policy_of
from sandbox.scenario_file import Scenario

TARGET = Target(cluster="default", namespace="payments", kind="Deployment", name="worker")


def scenario(**parts: Any) -> Scenario:
    """One that should be healed by a restart."""
    told = {
        "title": "t",
        "story": "s",
        "workload": {"namespace": "payments", "name": "worker"},
        "bad": {"image": "x:1", "fault": "crash-loop-until-restarted"},
        "alerts": [{"name": "A"}],
        "expect": {"runbook": "r", "outcome": "resolved", "effective_writes": 1, "healthy": True},
    }
    return Scenario.model_validate(told | parts)


def ended(**differences: Any) -> Ended:
    """What should have happened, but for the differences."""
    told = {
        "ok": False,
        "incident": "inc-1",
        "outcome": "resolved",
        "target": "payments/deployment/worker",
        "receipts": 1,
        "effective_writes": 1,
        "observations": 1,
        "entries": 1,
        "seconds_to_heal": 2.0,
    }
    story = Story.model_validate({key: differences.pop(key, told[key]) for key in told})
    known: dict[str, Any] = {
        "runbook": "r",
        "summary": "well",
        "healthy": True,
        "answers": 1,
        "timeline": (),
    }
    return Ended(story, **(known | differences))


def test_what_happened_as_expected_is_as_it_should_be() -> None:
    """The judged story carries both ends."""
    judged = judge("mine", scenario().expect, ended())

    assert (judged.ok, judged.scenario, judged.runbook, judged.healthy) == (True, "mine", "r", True)
    assert judged.expected == scenario().expect


@pytest.mark.parametrize(
    "difference",
    [
        {"runbook": "another"},
        {"runbook": None, "outcome": None},
        {"outcome": "escalated"},
        {"outcome": None},
        {"effective_writes": 2},
        {"healthy": False},
        {"receipts": 0},
        {"entries": 2},
        {"observations": 0},
        {"answers": 2},
    ],
    ids=str,
)
def test_every_difference_fails_it(difference: dict[str, Any]) -> None:
    """Also one in the books: an answer that was not counted, a write that was counted twice."""
    assert as_it_should(scenario().expect, ended())
    assert not as_it_should(scenario().expect, ended(**difference))


@pytest.mark.parametrize(
    ("ending", "outcome", "writes", "healthy"),
    [
        ("approve", "resolved", 1, True),
        ("deny", "declined", 0, False),
        ("expire", "expired", 0, False),
    ],
)
def test_another_answer_means_another_end(
    ending: Ending, outcome: str, writes: int, *, healthy: bool
) -> None:
    """What was sick stays sick when nobody agrees."""
    expect = expected_of(scenario(), Choice(ending))

    assert (expect.outcome, expect.effective_writes, expect.healthy) == (outcome, writes, healthy)


def test_a_slow_release_that_nobody_may_undo_stays_healthy() -> None:
    """It had no fault."""
    slow = scenario(bad={"image": "x:2"})

    assert expected_of(slow, Choice("deny")).healthy is True


@pytest.mark.parametrize(
    "parts",
    [
        {"policy": {"autonomy": {"r": "auto"}}},
        {
            "expect": {
                "runbook": "r",
                "outcome": "escalated",
                "effective_writes": 0,
                "healthy": False,
            }
        },
    ],
    ids=["it writes by itself", "it writes nothing"],
)
def test_who_is_not_asked_has_no_say(parts: dict[str, Any]) -> None:
    """The expectation of the file holds for every answer."""
    asked = scenario(**parts)

    assert expected_of(asked, Choice("deny")) == asked.expect


def test_the_rehearsals_policy_knows_its_workload() -> None:
    """And allows its namespace, and nothing else; the autonomy is the scenario's."""
    policy = policy_of(scenario(policy={"autonomy": {"r": "ask"}}), Choice("expire"))

    assert policy.limits.namespaces == ("payments",)
    service = policy.service_of(None, {"service": "worker", "namespace": "payments"})
    assert service is not None
    assert service.target == TARGET
    assert policy.autonomy_of("r", "worker") == "ask"
    assert policy.incident.approval_seconds == 3
    assert policy_of(scenario(), Choice("deny")).incident.approval_seconds == 900


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "StatefulSet"}, "the sandbox has Deployments only"),
        ({"name": "a.b"}, "on the sandbox: String should match pattern"),
    ],
)
def test_a_target_that_the_sandbox_cannot_play_is_refused(
    change: dict[str, str], said: str
) -> None:
    """Before anything starts."""
    body = {"version": "4", "alerts": []}
    work = against_sandbox("r", TARGET.model_copy(update=change), body, "approve")

    with pytest.raises(InvalidInput, match=said):
        asyncio.run(work)
