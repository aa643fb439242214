"""What the runbooks about a workload's pods do at each fork, played without a cluster."""

from typing import Any

import pytest

from contracts.errors import Unavailable
from runbooks.relieve_service import RelieveService
from runbooks.replace_sick_pod import ReplaceSickPod
from runbooks.restart_crash_loop import RestartCrashLoop
from workflows.authoring.play.player import play
from workflows.authoring.play.sample_case import sample_case
from workflows.authoring.play.transcript import Play
from workflows.authoring.play.world import Script

OLD = {"current_age_seconds": 90_000, "older_revisions": [1]}
YOUNG = {"current_age_seconds": 600, "older_revisions": [1]}
WELL = {"pods_total": 3, "pods_ready": 3, "pods": [], "causes": {}, "cause": "", "remedy": ""}
WRITES = ("PLAN", "ASK", "ACT")


def sick(cause: str, remedy: str, count: int = 1) -> dict[str, Any]:
    """The facts of PodStates when so many of three pods are sick of that."""
    pods = [{"pod": f"web-{n}", "ready": False, "cause": cause} for n in range(count)]
    return WELL | {
        "pods_ready": 3 - count,
        "pods": [*pods, {"pod": "web-9", "ready": True, "cause": ""}],
        "causes": {cause: count},
        "cause": cause,
        "remedy": remedy,
    }


def played(runbook: type, **find: object) -> Play:
    """With what the looks find, by their short names."""
    return play(runbook, sample_case(runbook), Script(find=find))


def wrote(run: Play) -> list[str]:
    """The actions that were written."""
    return [receipt.action.rpartition(".")[2] for receipt in run.receipts]


@pytest.mark.parametrize("cause", ["oom", "image", "config"])
def test_a_restart_never_answers_what_every_new_pod_would_have(cause: str) -> None:
    """With no rollout to blame people get the evidence, and nobody is asked."""
    run = played(RestartCrashLoop, pod_states=sick(cause, "rollback"), rollout_history=OLD)

    assert run.outcome.status == "escalated"
    assert f"a restart does not cure {cause}" in run.outcome.summary
    assert f"2 of 3 pods are ready ({cause} 1)" in run.outcome.summary
    assert not [step for step in run.steps if step.startswith(WRITES)]


@pytest.mark.parametrize("cause", ["oom", "image", "config"])
def test_a_young_rollout_is_rolled_back_instead_of_restarted(cause: str) -> None:
    """It brought the image, the configuration or the limit."""
    run = played(RestartCrashLoop, pod_states=sick(cause, "rollback"), rollout_history=YOUNG)

    assert (run.outcome.status, wrote(run)) == ("resolved", ["rollback_deployment"])


@pytest.mark.parametrize("cause", ["crash_loop", "probe"])
def test_what_a_new_pod_may_cure_is_restarted(cause: str) -> None:
    """Once."""
    run = played(RestartCrashLoop, pod_states=sick(cause, "restart"))

    assert (run.outcome.status, wrote(run)) == ("resolved", ["rollout_restart"])


def test_pods_that_could_not_be_classified_are_not_restarted() -> None:
    """What is not known to help is not done."""
    run = played(RestartCrashLoop, pod_states=Unavailable("the API server is away"))

    assert (run.outcome.status, wrote(run)) == ("escalated", [])


@pytest.mark.parametrize("cause", ["crash_loop", "probe", "node"])
@pytest.mark.parametrize(("allowed", "action"), [(1, "evict_pod"), (0, "delete_pod")])
def test_one_sick_pod_is_replaced(cause: str, allowed: int, action: str) -> None:
    """By eviction, or by deletion where its disruption budget would refuse for ever."""
    around = {"budgets": [{"name": "web", "allowed": allowed, "healthy": 2, "desired": 2}]}
    run = played(ReplaceSickPod, pod_states=sick(cause, "none"), surroundings=around)

    assert (run.outcome.status, wrote(run)) == ("resolved", [action])
    assert run.outcome.summary.endswith("its replacement is well")


def test_pods_that_were_evicted_do_not_count() -> None:
    """They are of the past: their controller has made others."""
    states = sick("crash_loop", "restart")
    old = {"pod": "web-old", "ready": False, "cause": "evicted"}
    run = played(ReplaceSickPod, pod_states=states | {"pods": [*states["pods"], old]})

    assert (run.outcome.status, wrote(run)) == ("resolved", ["evict_pod"])


def test_a_pod_whose_replacement_is_as_sick_goes_to_people() -> None:
    """There is no second try."""
    run = played(ReplaceSickPod, pod_replaced=False)

    assert (run.outcome.status, wrote(run)) == ("escalated", ["evict_pod"])
    assert "still lacks a pod that is ready" in run.outcome.summary


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (sick("crash_loop", "restart", 2), "1 of 3 pods are ready (crash_loop 2)"),
        (sick("unschedulable", "person"), "2 of 3 pods are ready (unschedulable 1)"),
        (sick("image", "rollback"), "2 of 3 pods are ready (image 1)"),
        (WELL | {"pods_total": 2}, "3 of 2 pods are ready"),
        ({"pods": []}, "its pods could not be read"),
    ],
)
def test_what_one_new_pod_does_not_cure_goes_to_people(states: dict[str, Any], said: str) -> None:
    """With what was seen, the quota that is used up among it."""
    quota = {"name": "shop", "resource": "pods", "used": "6", "hard": "6"}
    around = {"quotas": [quota]}
    run = played(ReplaceSickPod, pod_states=states, surroundings=around, rollout_history=OLD)

    assert (run.outcome.status, wrote(run)) == ("escalated", [])
    assert said in run.outcome.summary
    assert "quota shop: pods 6 of 6" in run.outcome.summary


def test_a_mismatch_of_a_young_release_is_rolled_back() -> None:
    """A wrong image of today."""
    run = played(ReplaceSickPod, pod_states=sick("image", "rollback", 2), rollout_history=YOUNG)

    assert (run.outcome.status, wrote(run)) == ("resolved", ["rollback_deployment"])


def test_a_set_is_rolled_back_as_sets_are() -> None:
    """A Deployment's rollback refuses a StatefulSet."""
    case = sample_case(ReplaceSickPod)
    target = case.target.model_copy(update={"kind": "StatefulSet"})
    find: dict[str, object] = {
        "pod_states": sick("image", "rollback", 2),
        "rollout_history": YOUNG,
    }
    run = play(ReplaceSickPod, case.model_copy(update={"target": target}), Script(find=find))

    assert (run.outcome.status, wrote(run)) == ("resolved", ["rollback_set"])


def test_a_slow_service_is_looked_at_from_all_sides_before_anything() -> None:
    """Six looks, and a question for each expression that its alert came from."""
    run = played(RelieveService)

    looks = [step.removeprefix("LOOK ") for step in run.steps if step.startswith("LOOK")]
    assert sorted(looks) == sorted(
        ["rollout_history", "pod_states", "surroundings", "metrics", "pod_logs", "events"]
    )
    assert wrote(run) == ["rollback_deployment"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [({"served": True, "value": 0.7}, "the query gives 0.7; "), ({"served": False}, "ready; ")],
)
def test_the_rules_own_query_is_asked_and_told(answer: dict[str, Any], said: str) -> None:
    """Where the cluster has a Prometheus; its answer is evidence, and decides nothing."""
    case = sample_case(RelieveService).model_copy(update={"params": {"query": "up"}})
    find = {"query": answer, "rollout_history": OLD, "pod_states": WELL}
    run = play(RelieveService, case, Script(find=find))

    assert "LOOK query" in run.steps
    assert f"{said}nothing was written" in run.outcome.summary


def test_a_service_with_room_is_left_to_people_with_all_that_was_seen() -> None:
    """No young rollout, pods that are well, no end reached: nothing is done for its own sake."""
    scaler = {"name": "web", "min": 2, "max": 6, "at_max": False}
    run = played(
        RelieveService,
        rollout_history=OLD,
        pod_states=WELL,
        surroundings={"replicas": 3, "autoscaler": scaler},
        metrics={"served": True, "cpu_of_limit": 0.4},
    )

    assert (run.outcome.status, wrote(run)) == ("escalated", [])
    assert run.outcome.summary == (
        "no rollout of the last day to blame; 3 of 3 pods are ready; web is below its maximum of "
        "6; its busiest pod uses 40% of its CPU limit; nothing was written"
    )
