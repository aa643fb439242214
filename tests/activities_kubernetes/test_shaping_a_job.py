"""The body of a Job that is run again, its name, and what counts as work."""

from typing import Any

import pytest

from activities.kubernetes.jobs import state_words, working_of
from activities.kubernetes.pods import PodState
from activities.kubernetes.rerun import name_for
from activities.kubernetes.rerun_body import Source
from activities.kubernetes.subject import Subject
from activities.kubernetes.workload import Workload
from contracts.target import Target

Object = dict[str, Any]
TRACES = {
    "controller-uid": "u",
    "job-name": "nightly",
    "batch.kubernetes.io/controller-uid": "u",
    "batch.kubernetes.io/job-name": "nightly",
}


def _source(**spec: Any) -> Source:
    labels = {"app": "nightly"} | TRACES
    whole = {
        "selector": {"matchLabels": {"controller-uid": "u"}},
        "backoffLimit": 2,
        "template": {"metadata": {"labels": labels}, "spec": {"containers": []}},
    } | spec
    job = {"metadata": {"name": "nightly", "labels": {"app": "x"}}, "spec": whole}
    return Source(Subject(job), Workload(job, kind="Job"), Subject({}), "nightly", whole)


def _target(name: str) -> Target:
    return Target(cluster="lab", namespace="shop", kind="Job", name=name)


def test_the_traces_of_the_old_job_stay_behind() -> None:
    """A copy with its selector would take the old one's pods."""
    body = _source(suspend=False).body("nightly-1", "inc-1/1/1")
    assert "selector" not in body["spec"]
    assert "suspend" not in body["spec"]
    assert body["spec"]["backoffLimit"] == 2
    assert body["spec"]["template"]["metadata"]["labels"] == {"app": "nightly"}
    assert set(body["metadata"]) == {"name", "annotations"}


@pytest.mark.parametrize(("own", "kept"), [(None, 86_400), (0, 3600), (60, 3600), (9_000, 9_000)])
def test_its_record_outlives_a_lost_answer(own: int | None, kept: int) -> None:
    """Were it cleaned up at once, a retry would find nothing and make a second one."""
    assert _source(ttlSecondsAfterFinished=own).spec["ttlSecondsAfterFinished"] == kept


def test_the_digest_is_that_of_what_will_run() -> None:
    """What a controller wrote into the old job does not count."""
    assert _source().digest == _source(selector={"matchLabels": {}}).digest
    assert _source().digest != _source(backoffLimit=3).digest


def test_the_name_belongs_to_the_write() -> None:
    """Always the same for one key, another for another, and never too long."""
    name = name_for("inc-1/1/1", _target("nightly"))
    assert name == name_for("inc-1/1/1", _target("nightly"))
    assert name != name_for("inc-1/2/1", _target("nightly"))
    assert name.startswith("nightly-")
    assert len(name_for("inc-1/1/1", _target("n" * 63))) == 63
    assert "-." not in name_for("k", _target("n" * 51 + ".x"))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({}, "not finished"),
        ({"conditions": [{"type": "Complete", "status": "True"}]}, "complete"),
        ({"conditions": [{"type": "Failed", "status": "True", "reason": "X"}]}, "failed: X"),
        ({"conditions": [{"type": "Failed", "status": "False", "reason": "X"}]}, "not finished"),
    ],
)
def test_a_job_is_in_one_state(status: Object, words: str) -> None:
    """Only a condition that is true counts."""
    assert state_words(Workload({"status": status}, kind="Job")) == words


def test_a_suspended_job_says_so() -> None:
    """It has not finished, and does not run."""
    assert state_words(Workload({"spec": {"suspend": True}}, kind="Job")) == "suspended"


def test_a_job_works_while_a_pod_of_it_is_ready() -> None:
    """By its pods, or by its own count where they are not seen."""
    ready, sick = PodState({}, "a", "1", True, 0), PodState({}, "b", "2", False, 3)
    idle = Workload({"status": {"active": 1}}, kind="Job")
    assert working_of(idle, [sick, ready]) == "pod a is ready"
    assert working_of(idle, [sick]) == ""
    counted = Workload({"status": {"ready": 1}}, kind="Job")
    assert working_of(counted, []) == "1 of its pods are ready"
