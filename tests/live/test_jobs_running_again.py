"""Running a failed Job again: one new Job, whatever happens, and its completion."""

import pytest

from contracts.errors import InvalidInput, PlanChanged, Refused
from contracts.kubernetes import JobComplete, RerunJob
from contracts.plan import Plan
from contracts.target import Target
from live.hands import KEY, Hands, hands_fixture

__all__ = ["hands_fixture"]
CREATED = ["create jobs"]


def _planned(hands: Hands, target: Target) -> tuple[RerunJob, Plan]:
    step = RerunJob(target=target)
    return step, hands.plan(hands.rerun, step)


def _run_of(hands: Hands, cron_job: Target, name: str, fault: str = "crash-loop") -> None:
    """A run of a CronJob, as its controller would start one."""
    uid = hands.team.read("CronJob", cron_job.name)["metadata"]["uid"]
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": cron_job.name,
        "uid": uid,
        "controller": True,
    }
    hands.job(name, fault=fault, owners=[owner])


def test_a_failed_job_is_run_again(hands: Hands) -> None:
    """A copy without the traces of the old one, that nothing cleans up too early."""
    target = hands.failed_job("nightly")
    step, plan = _planned(hands, target)
    assert plan.before == "job nightly, failed: BackoffLimitExceeded"
    assert plan.around.dry_run == "accepted"
    assert len(hands.jobs()) == 1
    receipt = hands.ensure(hands.rerun, step, plan)
    (changed,) = receipt.changed
    new = hands.team.read("Job", changed.name)
    assert new["metadata"]["uid"] == changed.uid
    assert new["metadata"]["annotations"]["firebreak.dev/key"] == KEY
    assert "ownerReferences" not in new["metadata"]
    assert new["spec"]["ttlSecondsAfterFinished"] == 86_400
    assert new["spec"]["selector"] != hands.team.read("Job", "nightly")["spec"].get("selector")
    assert receipt.summary.endswith(f"as job {changed.name}")
    assert hands.written() == CREATED


def test_a_replay_makes_no_second_job(hands: Hands) -> None:
    """The name is the write's own, and the annotation says whose it is."""
    target = hands.failed_job("nightly")
    step, plan = _planned(hands, target)
    first = hands.ensure(hands.rerun, step, plan)
    hands.retry()
    second = hands.ensure(hands.rerun, step, plan)
    assert second.did == "already_done"
    assert second.changed == first.changed
    assert len(hands.jobs()) == 2
    assert hands.written() == CREATED


def test_a_replay_finds_its_job_after_the_failed_one_is_gone(hands: Hands) -> None:
    """What it was made from does not matter any more."""
    target = hands.failed_job("nightly")
    step, plan = _planned(hands, target)
    hands.ensure(hands.rerun, step, plan)
    hands.team.delete("Job", "nightly", {"propagationPolicy": "Background"})
    hands.live.wait(lambda: len(hands.team.items("Job")) == 1)
    hands.retry()
    assert hands.ensure(hands.rerun, step, plan).did == "already_done"


@pytest.mark.parametrize("kind", ["reset_after_commit", "status_after_commit"])
def test_a_lost_answer_makes_no_second_job(hands: Hands, kind: str) -> None:
    """It is looked for by its name."""
    target = hands.failed_job("nightly")
    step, plan = _planned(hands, target)
    hands.fail("/jobs$", kind, status=504)
    receipt = hands.ensure(hands.rerun, step, plan)
    assert receipt.did == "written"
    assert receipt.changed[0].uid
    assert hands.written() == CREATED


def test_somebody_elses_job_of_that_name_voids_the_plan(hands: Hands) -> None:
    """It is never taken for ours."""
    target = hands.failed_job("nightly")
    step, plan = _planned(hands, target)
    probe = hands.ensure(hands.rerun, step, plan)
    name = probe.changed[0].name
    hands.team.patch("Job", name, {"metadata": {"annotations": {"firebreak.dev/key": "x"}}})
    hands.team.patch("Job", name, {"metadata": {"annotations": {"firebreak.dev/rerun-of": "x"}}})
    with pytest.raises(PlanChanged, match="not ours"):
        hands.ensure(hands.rerun, step, plan)
    assert len(hands.jobs()) == 2


def test_another_write_makes_another_job(hands: Hands) -> None:
    """The second attempt of an incident has a key of its own."""
    target = hands.failed_job("nightly")
    step, plan = _planned(hands, target)
    first = hands.ensure(hands.rerun, step, plan, key="inc-1/1/1")
    with pytest.raises(PlanChanged, match="another run of it has begun"):
        hands.ensure(hands.rerun, step, plan, key="inc-1/2/1")
    assert len(hands.jobs()) == 2
    assert first.changed


def test_a_job_that_has_not_failed_is_refused(hands: Hands) -> None:
    """Another run would meet it."""
    target = hands.job("slow", fault="never-ready")
    hands.live.wait(lambda: hands.settled("slow", "never-ready"))
    with pytest.raises(Refused, match="another run would meet it"):
        _planned(hands, target)


def test_a_run_of_a_cron_job_takes_its_template_as_it_is_now(hands: Hands) -> None:
    """That is where it is mended."""
    cron_job = hands.cron_job("report")
    _run_of(hands, cron_job, "report-1")
    hands.live.wait(lambda: hands.has_failed("report-1"))
    _, plan = _planned(hands, hands.target("report-1", "Job"))
    assert "the template is that of CronJob report now" in plan.findings
    assert "--from=cronjob/report" in plan.kubectl
    step, plan = _planned(hands, cron_job)
    receipt = hands.ensure(hands.rerun, step, plan)
    assert receipt.changed[0].name.startswith("report-")
    new = hands.team.read("Job", receipt.changed[0].name)
    assert new["spec"]["template"]["metadata"]["labels"]["app"] == "report"
    result = hands.check(hands.complete, JobComplete(target=cron_job), receipt)
    assert result.ok, result.detail


def test_a_later_run_that_completed_leaves_nothing_to_do(hands: Hands) -> None:
    """The failed one only alerts."""
    cron_job = hands.cron_job("report")
    _run_of(hands, cron_job, "report-1")
    hands.live.wait(lambda: hands.has_failed("report-1"))
    _run_of(hands, cron_job, "report-2", fault="")
    hands.live.wait(lambda: hands.has_completed("report-2"))
    with pytest.raises(Refused, match="job report-2, complete") as refused:
        _planned(hands, hands.target("report-1", "Job"))
    assert "delete job report-1" in refused.value.fix


def test_a_changed_template_voids_the_plan(hands: Hands) -> None:
    """What was approved was another program."""
    cron_job = hands.cron_job("report")
    _run_of(hands, cron_job, "report-1")
    hands.live.wait(lambda: hands.has_failed("report-1"))
    step, plan = _planned(hands, cron_job)
    job = {"spec": {"jobTemplate": {"spec": {"backoffLimit": 3}}}}
    hands.team.patch("CronJob", "report", job)
    with pytest.raises(PlanChanged, match="something else now"):
        hands.ensure(hands.rerun, step, plan)
    assert hands.written() == []


def test_a_cron_job_that_never_ran_is_refused(hands: Hands) -> None:
    """There is nothing to run again."""
    with pytest.raises(Refused, match="has not run yet"):
        _planned(hands, hands.cron_job("report"))


def test_the_check_waits_for_the_new_job(hands: Hands) -> None:
    """The old one has failed and stays so."""
    target = hands.failed_job("nightly")
    step, plan = _planned(hands, target)
    receipt = hands.ensure(hands.rerun, step, plan)
    alone = hands.check(hands.complete, JobComplete(target=target))
    assert not alone.ok
    assert "failed: BackoffLimitExceeded" in alone.detail
    again = hands.check(hands.complete, JobComplete(target=target), receipt, within_seconds=1)
    assert receipt.changed[0].name in again.detail


def test_the_check_wants_a_job(hands: Hands) -> None:
    """A CronJob has many."""
    with pytest.raises(InvalidInput, match="no run of it is known"):
        hands.check(hands.complete, JobComplete(target=hands.target("report", "CronJob")))
    gone = hands.check(hands.complete, JobComplete(target=hands.target("gone", "Job")))
    assert not gone.ok
