"""Deleting a stuck Job, with its pods, once."""

import pytest

from contracts.errors import InvalidInput, PlanChanged
from contracts.kubernetes import DeleteJob
from contracts.plan import Plan
from contracts.target import Target
from live.hands import Hands, hands_fixture

__all__ = ["hands_fixture"]
DELETED = ["delete jobs"]


def _planned(hands: Hands, target: Target) -> tuple[DeleteJob, Plan]:
    step = DeleteJob(target=target)
    return step, hands.plan(hands.delete_job, step)


def test_a_failed_job_goes_with_its_pods(hands: Hands) -> None:
    """Left to its default, the API server would keep the pods as orphans."""
    target = hands.failed_job("nightly")
    step, plan = _planned(hands, target)
    assert plan.before == "job nightly, failed: BackoffLimitExceeded"
    assert plan.around.dry_run == "accepted"
    assert "nothing makes it again by itself" in plan.findings
    receipt = hands.ensure(hands.delete_job, step, plan)
    assert receipt.did == "written"
    hands.live.wait(lambda: not hands.jobs() and not hands.pods("nightly"))
    assert hands.written() == DELETED


def test_a_stuck_job_may_be_deleted(hands: Hands) -> None:
    """It is active, and none of its pods works."""
    target = hands.job("stuck", fault="wrong-image")
    hands.live.wait(lambda: hands.settled("stuck", "wrong-image"))
    step, plan = _planned(hands, target)
    assert "it is not finished" in plan.findings
    assert hands.ensure(hands.delete_job, step, plan).did == "written"


def test_a_replayed_deletion_never_hits_a_new_job_of_the_name(hands: Hands) -> None:
    """The uid is another one."""
    target = hands.failed_job("nightly")
    step, plan = _planned(hands, target)
    hands.ensure(hands.delete_job, step, plan)
    hands.live.wait(lambda: not hands.team.items("Job"))
    hands.failed_job("nightly")
    hands.retry()
    assert hands.ensure(hands.delete_job, step, plan).did == "already_done"
    assert len(hands.jobs()) == 1
    assert hands.written() == DELETED


@pytest.mark.parametrize("kind", ["reset_after_commit", "status_after_commit"])
def test_a_lost_answer_is_not_answered_by_a_second_deletion(hands: Hands, kind: str) -> None:
    """The job is looked for; it is gone, or on its way out."""
    target = hands.failed_job("nightly")
    step, plan = _planned(hands, target)
    hands.fail("/jobs/nightly$", kind, verb="delete", status=504)
    hands.ensure(hands.delete_job, step, plan)
    assert hands.written() == DELETED


def test_another_generation_voids_the_plan(hands: Hands) -> None:
    """Somebody has changed it since."""
    target = hands.failed_job("nightly")
    step, plan = _planned(hands, target)
    hands.team.patch("Job", "nightly", {"spec": {"activeDeadlineSeconds": 5}})
    with pytest.raises(PlanChanged, match="generation"):
        hands.ensure(hands.delete_job, step, plan)
    assert hands.written() == []


@pytest.mark.parametrize(("note", "said"), [("opt-out", (True, False)), ("opt-in", (False, True))])
def test_the_owners_of_its_cron_job_have_a_say(
    hands: Hands, note: str, said: tuple[bool, bool]
) -> None:
    """Its annotations are not on its Jobs; those of a namesake say nothing."""
    cron_job = hands.cron_job("report")
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": cron_job.name,
        "uid": hands.team.read("CronJob", cron_job.name)["metadata"]["uid"],
        "controller": True,
    }
    target = hands.job("report-1", fault="crash-loop", owners=[owner])
    other = hands.failed_job("nightly")
    hands.live.wait(lambda: hands.has_failed("report-1"))
    notes = {f"firebreak.dev/{note}": "true"}
    hands.team.patch("CronJob", "report", {"metadata": {"annotations": notes}})
    _, plan = _planned(hands, target)
    assert (plan.opted_out, plan.opted_in) == said
    _, plan = _planned(hands, other)
    assert (plan.opted_out, plan.opted_in) == (False, False)


def test_only_jobs_are_deleted(hands: Hands) -> None:
    """A CronJob would make no next one."""
    with pytest.raises(InvalidInput, match="not to a CronJob"):
        _planned(hands, hands.target("nightly", "CronJob"))
