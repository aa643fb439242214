"""What the runbooks about Jobs and Nodes do at each fork, played without a cluster."""

from typing import Any

import pytest

from contracts.case import Case
from contracts.target import Target
from runbooks.drain_sick_node import DrainSickNode
from runbooks.rerun_failed_job import RerunFailedJob
from workflows.authoring.play.player import play
from workflows.authoring.play.sample_case import sample_case
from workflows.authoring.play.transcript import Play
from workflows.authoring.play.world import Script

JOB = Target(cluster="default", namespace="shop", kind="Job", name="nightly-1")
NODE = Target(cluster="default", kind="Node", name="node-1")
FAILED = {"failed": 1, "reason": "BackoffLimitExceeded", "cron_job": "nightly"}
NO_PODS = {"pods_total": 0, "pods_ready": 0, "causes": {}, "cause": "", "remedy": ""}
DOWN: dict[str, Any] = {
    "ready": "False",
    "control_plane": False,
    "nodes_total": 3,
    "nodes_ready": 2,
    "workloads": [
        {"kind": "Deployment", "namespace": "shop", "name": "web", "pods": 2},
        {"kind": "DaemonSet", "namespace": "kube-system", "name": "proxy", "pods": 1},
    ],
}


def about(runbook: type, target: Target, **more: Any) -> Case:
    """The sample case of that target."""
    return sample_case(runbook).model_copy(update={"target": target} | more)


def rerun(answer: Any = "approve", **find: object) -> Play:
    """A failed Job of a CronJob."""
    found = {"job_state": FAILED, "pod_states": NO_PODS} | find
    return play(RerunFailedJob, about(RerunFailedJob, JOB), Script(answer=answer, find=found))


def drained(answer: Any = "approve", **find: object) -> Play:
    """A node that is not ready."""
    found = {"node_conditions": DOWN} | find
    return play(DrainSickNode, about(DrainSickNode, NODE), Script(answer=answer, find=found))


def wrote(run: Play) -> list[str]:
    """The actions that were written."""
    return [receipt.action.rpartition(".")[2] for receipt in run.receipts]


def test_a_failed_job_of_a_cron_job_runs_once_more() -> None:
    """And its completion is waited for; the failed one stays to be read."""
    run = rerun()

    assert (run.outcome.status, wrote(run)) == ("resolved", ["rerun_job"])
    assert "it completed; delete job shop/nightly-1 when its logs are read" in run.outcome.summary


def test_a_job_that_fails_again_goes_to_people() -> None:
    """There is no third try."""
    run = rerun(job_complete=False)

    assert (run.outcome.status, wrote(run)) == ("escalated", ["rerun_job"])
    assert "did not complete in 30 min" in run.outcome.summary


@pytest.mark.parametrize(
    ("find", "said"),
    [
        ({"job_state": FAILED | {"cron_job": ""}}, "no CronJob made it"),
        ({"job_state": FAILED | {"suspended": True}}, "it is suspended, or runs"),
        ({"job_state": FAILED | {"active": 1}}, "it is suspended, or runs"),
        ({"job_state": FAILED | {"complete": True}}, "has completed by now"),
        ({"job_state": {}}, "its state could not be read"),
        ({"pod_states": NO_PODS | {"remedy": "rollback"}}, "it would fail of the same again"),
        ({"pod_states": NO_PODS | {"remedy": "person"}}, "it would fail of the same again"),
    ],
)
def test_a_job_is_not_run_again_where_nobody_would(find: dict[str, object], said: str) -> None:
    """Its owner is told why."""
    run = rerun(**find)

    assert (run.outcome.status, wrote(run)) == ("escalated", [])
    assert said in run.outcome.summary


@pytest.mark.parametrize(("answer", "status"), [("deny", "declined"), ("silence", "expired")])
def test_without_a_yes_neither_runs_nor_moves_anything(answer: str, status: str) -> None:
    """Jobs and nodes alike."""
    for run in (rerun(answer), drained(answer)):
        assert (run.outcome.status, wrote(run)) == (status, [])


def test_a_node_that_is_well_again_is_left_alone() -> None:
    """Ready, and it stays so for five minutes: nobody is asked."""
    run = drained(node_conditions=DOWN | {"ready": "True"})

    assert (run.outcome.status, wrote(run)) == ("resolved", [])
    assert run.outcome.summary == "node node-1 is Ready again, and stayed so for 5 min"


def test_a_node_that_flaps_is_drained() -> None:
    """Ready when it was looked at, and not for five minutes."""
    run = drained(node_conditions=DOWN | {"ready": "True"}, node_ready=False)

    assert (run.outcome.status, wrote(run)) == ("escalated", ["drain"])


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"nodes_ready": 1}, "2 of 3 nodes are not ready, so it is not this node alone"),
        ({"control_plane": True}, "node node-1 is a control plane, which a person drains"),
    ],
)
def test_some_nodes_are_not_drained_at_night(facts: dict[str, Any], said: str) -> None:
    """Two at once, or a control plane."""
    run = drained(node_conditions=DOWN | facts)

    assert (run.outcome.status, wrote(run)) == ("escalated", [])
    assert run.outcome.summary == f"{said}; nothing was written"


def test_a_node_that_could_not_be_read_is_left_alone() -> None:
    """Unknown is not sick."""
    run = drained(node_conditions="no such node")

    assert (run.outcome.status, wrote(run)) == ("escalated", [])


def test_a_drained_node_goes_to_people_with_its_pods_safe() -> None:
    """What ran there runs elsewhere; a DaemonSet's pods are not waited for, and only a person
    knows when the node may be used again.
    """
    run = drained()

    assert (run.outcome.status, wrote(run)) == ("escalated", ["drain"])
    assert run.outcome.summary.endswith(
        "its workloads are well elsewhere; repair node node-1, then uncordon it"
    )
    assert run.steps.count("VERIFY replicas_ready") == 1


def many(number: int) -> list[dict[str, object]]:
    """So many Deployments."""
    web = {"kind": "Deployment", "namespace": "shop", "pods": 1}
    return [web | {"name": f"web-{n}"} for n in range(number)]


@pytest.mark.parametrize(
    ("facts", "unseen"),
    [
        ({"workloads": many(20), "workloads_total": 20}, 0),
        ({"workloads": many(23), "workloads_total": 23}, 3),
        ({"workloads": many(50), "workloads_total": 64}, 44),
        ({"workloads": many(2), "workloads_total": 5}, 3),
    ],
)
def test_workloads_that_nobody_looked_at_are_not_called_well(
    facts: dict[str, Any], unseen: int
) -> None:
    """Twenty are waited for, and the look lists fifty: the others are a person's."""
    run = drained(node_conditions=DOWN | facts)

    said = f"{unseen} more of its workloads were not looked at: see whether they are ready"
    assert (said in run.outcome.summary) is bool(unseen)
    assert ("its workloads are well elsewhere" in run.outcome.summary) is not bool(unseen)
    failed = drained(node_conditions=DOWN | facts, replicas_ready=False)
    assert "not ready elsewhere: deployment shop/web-0" in failed.outcome.summary
    assert (said in failed.outcome.summary) is bool(unseen)


def test_pods_that_find_no_other_place_are_named() -> None:
    """The drain was not in vain, and not enough."""
    run = drained(replicas_ready=False)

    assert (run.outcome.status, wrote(run)) == ("escalated", ["drain"])
    assert "not ready elsewhere: deployment shop/web" in run.outcome.summary
