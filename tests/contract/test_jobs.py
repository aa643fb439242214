"""Jobs: how they end, and what is left of them."""

from typing import Any

from contract.face import FAULT, Face, template

JOBS = "batch/v1/jobs"


def run(face: Face, name: str = "task", fault: str = "", **spec: Any) -> None:
    """Create a Job whose pods never restart."""
    labels = {FAULT: fault} if fault else {}
    inside = template(name, labels, restartPolicy="Never")
    made = face.post(JOBS, {"metadata": {"name": name}, "spec": {"template": inside} | spec})
    assert made.code == 201, made.body


def conditions(face: Face, name: str = "task") -> dict[str, dict[str, Any]]:
    """The conditions that hold."""
    found = face.get(f"{JOBS}/{name}").body["status"].get("conditions", [])
    return {item["type"]: item for item in found if item["status"] == "True"}


def test_a_job_completes_and_keeps_its_pod(face: Face) -> None:
    """With the time at which it did."""
    run(face)
    face.live.wait(lambda: "Complete" in conditions(face))
    status = face.get(f"{JOBS}/task").body["status"]

    assert conditions(face)["Complete"]["reason"] == "CompletionsReached"
    assert (status["succeeded"], "completionTime" in status) == (1, True)
    assert face.pods("task")[0]["status"]["phase"] == "Succeeded"


def test_a_job_fails_after_its_last_retry(face: Face) -> None:
    """The reason is the limit, not the exit code."""
    run(face, fault="crash-loop", backoffLimit=0)
    face.live.wait(lambda: "Failed" in conditions(face))
    status = face.get(f"{JOBS}/task").body["status"]

    assert conditions(face)["Failed"]["reason"] == "BackoffLimitExceeded"
    assert (status["failed"], "completionTime" in status) == (1, False)
    assert face.pods("task")[0]["status"]["phase"] == "Failed"


def test_a_suspended_job_has_no_pods_and_goes_on_when_told(face: Face) -> None:
    """Suspended by a patch, too."""
    run(face, suspend=True)
    face.live.wait(lambda: "Suspended" in conditions(face))
    assert face.pods("task") == []

    face.patch(f"{JOBS}/task", {"spec": {"suspend": False}})
    face.live.wait(lambda: "Complete" in conditions(face))


def test_a_job_labels_itself_and_its_pods(face: Face) -> None:
    """By its name and by its uid."""
    run(face)
    job = face.get(f"{JOBS}/task").body
    labels = job["spec"]["template"]["metadata"]["labels"]

    assert labels["batch.kubernetes.io/job-name"] == "task"
    assert labels["batch.kubernetes.io/controller-uid"] == job["metadata"]["uid"]
    assert job["spec"]["selector"]["matchLabels"] == {
        "batch.kubernetes.io/controller-uid": job["metadata"]["uid"]
    }


def test_the_same_name_twice_is_409_already_exists(face: Face) -> None:
    """A name that is always the same makes a rerun idempotent."""
    run(face, suspend=True)
    inside = template("task", restartPolicy="Never")
    again = face.post(JOBS, {"metadata": {"name": "task"}, "spec": {"template": inside}})

    assert again.what == (409, "AlreadyExists")


def test_a_job_whose_pods_would_always_restart_is_422(face: Face) -> None:
    """The policy must be said."""
    answer = face.post(JOBS, {"metadata": {"name": "x"}, "spec": {"template": template("x")}})

    assert answer.causes[0]["field"] == "spec.template.spec.restartPolicy"
    said = 'Required value: valid values: "OnFailure", "Never"'
    assert answer.causes[0]["message"] == said
