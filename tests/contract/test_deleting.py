"""Deletes: grace, dry runs, and what becomes of the dependents."""

from typing import Any

import pytest

from contract.face import FAULT, Face, template

JOBS = "batch/v1/jobs"


def job(face: Face, name: str = "task", fault: str = "never-ready", **spec: Any) -> str:
    """Create a Job with a pod; its uid."""
    labels = {FAULT: fault} if fault else {}
    inside = template(name, labels, restartPolicy="Never")
    made = face.post(JOBS, {"metadata": {"name": name}, "spec": {"template": inside} | spec})
    assert made.code == 201, made.body
    face.live.wait(lambda: face.pods(name))
    return made.uid


def test_a_deleted_pod_is_marked_first_and_then_replaced(web: Face) -> None:
    """The answer is the pod; the replacement has another uid and another name."""
    pod = web.pods("web")[0]["metadata"]
    options = {"preconditions": {"uid": pod["uid"]}, "propagationPolicy": "Background"}
    answer = web.delete(f"pods/{pod['name']}", options)

    assert answer.body["kind"] == "Pod"
    assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 30
    web.live.wait(lambda: len(web.names("web")) == 3)
    web.live.wait(lambda: web.get(f"pods/{pod['name']}").code == 404)
    assert pod["name"] not in web.names("web")


def test_a_dry_run_in_the_body_deletes_nothing(web: Face) -> None:
    """Not even a mark is left."""
    pod = web.pods("web")[0]["metadata"]["name"]

    assert web.delete(f"pods/{pod}", {"dryRun": ["All"]}).code == 200
    assert "deletionTimestamp" not in web.get(f"pods/{pod}").body["metadata"]


def test_deleting_a_deployment_takes_everything_along(web: Face) -> None:
    """In the background, behind a Status with the uid."""
    uid = web.get("apps/v1/deployments/web").uid
    answer = web.delete("apps/v1/deployments/web")

    assert (answer.code, answer.body["status"]) == (200, "Success")
    assert answer.body["details"]["uid"] == uid
    web.live.wait(lambda: not web.pods("web"))
    assert web.get("apps/v1/replicasets?labelSelector=app=web").body["items"] == []


def test_deleting_a_job_without_saying_more_orphans_its_pods(face: Face) -> None:
    """The default of batch/v1, unlike all others."""
    job(face)
    answer = face.delete(f"{JOBS}/task")

    assert (answer.code, answer.body["kind"]) == (200, "Job")
    assert answer.body["metadata"]["finalizers"] == ["orphan"]
    face.live.wait(lambda: face.get(f"{JOBS}/task").code == 404)
    pod = face.pods("task")[0]["metadata"]
    assert "ownerReferences" not in pod
    assert "deletionTimestamp" not in pod


def test_deleting_a_job_in_the_background_takes_its_pods(face: Face) -> None:
    """The Job is gone at once."""
    job(face)
    answer = face.delete(f"{JOBS}/task", {"propagationPolicy": "Background"})

    assert answer.body["status"] == "Success"
    assert face.get(f"{JOBS}/task").code == 404
    face.live.wait(lambda: not face.pods("task"))


def test_deleting_a_job_in_the_foreground_waits_for_its_pods(face: Face) -> None:
    """Until then it is still there, and says so."""
    job(face)
    answer = face.delete(f"{JOBS}/task", {"propagationPolicy": "Foreground"})

    assert answer.body["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert "deletionTimestamp" in answer.body["metadata"]
    face.live.wait(lambda: face.get(f"{JOBS}/task").code == 404)
    assert not face.names("task")


def test_a_job_with_a_wrong_uid_stays(face: Face) -> None:
    """409, and nothing is orphaned."""
    uid = job(face)
    options = {"preconditions": {"uid": "someone-else"}, "propagationPolicy": "Background"}

    assert face.delete(f"{JOBS}/task", options).what == (409, "Conflict")
    assert face.get(f"{JOBS}/task").uid == uid


@pytest.mark.parametrize("options", [{"dryRun": ["Some"]}, {"propagationPolicy": "Nonsense"}])
def test_options_that_mean_nothing_are_422(web: Face, options: dict[str, Any]) -> None:
    """Even before the object is looked for."""
    answer = web.delete("apps/v1/deployments/nobody", options)

    assert answer.what == (422, "Invalid")
    assert "Unsupported value" in answer.message


def test_what_is_not_there_is_404(face: Face) -> None:
    """A replayed delete that came too late."""
    answer = face.delete("pods/nobody", {"preconditions": {"uid": "x"}})

    assert answer.what == (404, "NotFound")
    assert answer.message == 'pods "nobody" not found'
