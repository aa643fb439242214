"""Running a failed Job again: one new Job, whatever happens, and its completion."""

from typing import Any

import pytest

from contracts.errors import InvalidInput, PlanChanged, Refused
from contracts.kubernetes import JobComplete, RerunJob
from contracts.plan import Plan
from contracts.target import Target
from live.hands import KEY, Hands, hands_fixture, template

__all__ = ["hands_fixture"]
CREATED = ["create jobs"]


def _planned(hands: Hands, target: Target) -> tuple[RerunJob, Plan]:
    step = RerunJob(target=target)
    return step, hands.plan(hands.rerun, step)


def _cron_job(hands: Hands, **spec: Any) -> Target:
    """One that may run, on a day that never comes, and whose runs are kept."""
    return hands.cron_job("report", suspend=False, failedJobsHistoryLimit=10, **spec)


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
    cron_job = _cron_job(hands)
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
    cron_job = _cron_job(hands)
    _run_of(hands, cron_job, "report-1")
    hands.live.wait(lambda: hands.has_failed("report-1"))
    _run_of(hands, cron_job, "report-2", fault="")
    hands.live.wait(lambda: hands.has_completed("report-2"))
    with pytest.raises(Refused, match="job report-2, complete") as refused:
        _planned(hands, hands.target("report-1", "Job"))
    assert "delete job report-1" in refused.value.fix


def test_a_changed_template_voids_the_plan(hands: Hands) -> None:
    """What was approved was another program."""
    cron_job = _cron_job(hands)
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
        _planned(hands, _cron_job(hands))


def _two_failed_runs(hands: Hands, **spec: Any) -> tuple[Target, list[Target]]:
    cron_job = _cron_job(hands, **spec)
    for name in ("report-1", "report-2"):
        _run_of(hands, cron_job, name)
    hands.live.wait(lambda: hands.has_failed("report-1") and hands.has_failed("report-2"))
    return cron_job, [hands.target(name, "Job") for name in ("report-1", "report-2")]


def test_all_runs_of_a_cron_job_share_one_lock(hands: Hands) -> None:
    """Two of them that failed would otherwise run again at once."""
    cron_job, failed = _two_failed_runs(hands)
    plans = [_planned(hands, target)[1] for target in (*failed, cron_job)]
    assert [plan.lock_keys[0] for plan in plans] == [plan.target.key for plan in plans]
    assert all(cron_job.key in plan.lock_keys for plan in plans)
    assert plans[-1].lock_keys == (cron_job.key,)


def test_what_was_run_again_shares_the_lock_of_the_first_run(hands: Hands) -> None:
    """Without a CronJob above it is the first Job's."""
    target = hands.failed_job("nightly")
    made = hands.act(hands.rerun, RerunJob(target=target)).changed[0].name
    hands.live.wait(lambda: hands.has_failed(made))
    step = RerunJob(target=hands.target(made, "Job"))
    plan = hands.plan(hands.rerun, step, "inc-1/2/1")
    assert plan.also_locks == (target.key,)


def test_a_run_of_ours_belongs_to_its_cron_job(hands: Hands) -> None:
    """Nothing owns it, so it names the uid itself; a namesake is not taken for the owner."""
    made_from = template("report", fault="crash-loop")
    made_from["spec"]["restartPolicy"] = "Never"
    spec = {"backoffLimit": 0, "template": made_from}
    cron_job = _cron_job(hands, jobTemplate={"spec": spec})
    _run_of(hands, cron_job, "report-1")
    hands.live.wait(lambda: hands.has_failed("report-1"))
    made = hands.act(hands.rerun, RerunJob(target=cron_job)).changed[0].name
    hands.live.wait(lambda: hands.has_failed(made))
    step = RerunJob(target=hands.target(made, "Job"))
    assert hands.plan(hands.rerun, step, "inc-1/2/1").also_locks == (cron_job.key,)
    other = {"metadata": {"annotations": {"firebreak.dev/rerun-of-uid": "another"}}}
    hands.team.patch("Job", made, other)
    assert cron_job.key not in hands.plan(hands.rerun, step, "inc-1/2/1").also_locks


@pytest.mark.parametrize(("note", "said"), [("opt-out", (True, False)), ("opt-in", (False, True))])
def test_the_owners_of_a_cron_job_have_a_say(
    hands: Hands, note: str, said: tuple[bool, bool]
) -> None:
    """Its annotations are not on its Jobs."""
    _, failed = _two_failed_runs(hands)
    _, plan = _planned(hands, failed[0])
    assert (plan.opted_out, plan.opted_in) == (False, False)
    notes = {f"firebreak.dev/{note}": "true"}
    hands.team.patch("CronJob", "report", {"metadata": {"annotations": notes}})
    _, plan = _planned(hands, failed[0])
    assert (plan.opted_out, plan.opted_in) == said


def test_a_suspended_cron_job_is_not_run(hands: Hands) -> None:
    """Somebody stopped it: before the plan, or after it."""
    cron_job, failed = _two_failed_runs(hands)
    step, plan = _planned(hands, failed[0])
    hands.team.patch("CronJob", "report", {"spec": {"suspend": True}})
    for target in (cron_job, *failed):
        with pytest.raises(Refused, match="CronJob report is suspended") as refused:
            _planned(hands, target)
        assert "resume it: kubectl" in refused.value.fix
    with pytest.raises(PlanChanged, match="CronJob report is suspended by now"):
        hands.ensure(hands.rerun, step, plan)
    assert hands.written() == []


@pytest.mark.parametrize(("policy", "told"), [("Forbid", 1), ("Replace", 1), ("Allow", 0)])
def test_a_policy_on_concurrent_runs_is_told(hands: Hands, policy: str, told: int) -> None:
    """The CronJob's controller does not count a run that it has not made."""
    _, failed = _two_failed_runs(hands, concurrencyPolicy=policy)
    _, plan = _planned(hands, failed[0])
    assert sum("concurrencyPolicy" in said for said in plan.findings) == told


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
