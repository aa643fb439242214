"""The bookkeeping of revisions, and what a status says while it changes."""

from typing import Any

from contract.face import FAULT, Face, template

WEB = "apps/v1/deployments/web"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
RESTARTED = "kubectl.kubernetes.io/restartedAt"


def restart(at: str) -> dict[str, Any]:
    """The patch of a restart."""
    return {"spec": {"template": {"metadata": {"annotations": {RESTARTED: at}}}}}


def settle(face: Face, replicas: int = 3) -> None:
    """Wait until the newest template is all there is."""

    def done() -> bool:
        found = face.get(WEB).body
        status = found["status"]
        seen = status.get("observedGeneration") == found["metadata"]["generation"]
        keys = ("replicas", "updatedReplicas", "availableReplicas")
        return seen and all(status.get(key, 0) == replicas for key in keys)

    face.live.wait(done)


def revisions(face: Face) -> dict[str, dict[str, Any]]:
    """ReplicaSets by revision."""
    items = face.get("apps/v1/replicasets?labelSelector=app=web").body["items"]
    return {item["metadata"]["annotations"][REVISION]: item for item in items}


def progressing(face: Face) -> dict[str, Any]:
    """The Progressing condition."""
    conditions: list[dict[str, Any]] = face.get(WEB).body["status"]["conditions"]
    return next(item for item in conditions if item["type"] == "Progressing")


def test_a_new_template_is_a_new_revision(web: Face) -> None:
    """The old ReplicaSet stays, empty; the Deployment names the new one."""
    web.patch(WEB, restart("2026-01-01T00:00:00Z"))
    settle(web)

    found = revisions(web)
    assert set(found) == {"1", "2"}
    assert found["1"]["spec"]["replicas"] == 0
    assert found["2"]["spec"]["replicas"] == 3
    assert web.get(WEB).body["metadata"]["annotations"][REVISION] == "2"
    owner = found["2"]["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["uid"], owner["controller"]) == (
        "Deployment",
        web.get(WEB).uid,
        True,
    )


def test_the_same_restart_again_changes_nothing(web: Face) -> None:
    """No generation, no revision."""
    web.patch(WEB, restart("2026-01-01T00:00:00Z"))
    settle(web)
    generation = web.get(WEB).body["metadata"]["generation"]
    again = web.patch(WEB, restart("2026-01-01T00:00:00Z"))

    assert again.body["metadata"]["generation"] == generation
    assert set(revisions(web)) == {"1", "2"}


def test_a_template_that_comes_back_is_renumbered(web: Face) -> None:
    """Revision 1 becomes 3, and remembers that it was 1: 'the one before' is another one now."""
    first = web.get(WEB).body["spec"]["template"]
    web.patch(WEB, restart("2026-01-01T00:00:00Z"))
    settle(web)
    web.patch(WEB, [{"op": "replace", "path": "/spec/template", "value": first}])
    settle(web)

    found = revisions(web)
    assert set(found) == {"2", "3"}
    assert found["3"]["metadata"]["annotations"][HISTORY] == "1"
    assert web.get(WEB).body["metadata"]["annotations"][REVISION] == "3"


def test_a_paused_deployment_does_not_roll_out(web: Face) -> None:
    """Its deadline is suspended; resumed, it rolls out at once."""
    web.patch(WEB, {"spec": {"paused": True}})
    web.patch(WEB, restart("2026-01-01T00:00:00Z"))
    web.live.wait(lambda: progressing(web)["reason"] == "DeploymentPaused")
    assert progressing(web)["status"] == "Unknown"
    assert set(revisions(web)) == {"1"}

    web.patch(WEB, {"spec": {"paused": None}})
    settle(web)
    assert set(revisions(web)) == {"1", "2"}


def test_a_rollout_that_is_stuck_says_so_and_recovers(face: Face) -> None:
    """ProgressDeadlineExceeded is the old rollout's until the new one has moved."""
    face.deploy(replicas=1, progressDeadlineSeconds=1, strategy={"type": "Recreate"})
    good = face.get(WEB).body["spec"]["template"]
    bad = template("web", {FAULT: "crash-loop"})
    face.patch(WEB, [{"op": "replace", "path": "/spec/template", "value": bad}])
    face.live.wait(lambda: progressing(face)["reason"] == "ProgressDeadlineExceeded")
    assert progressing(face)["status"] == "False"

    face.patch(WEB, [{"op": "replace", "path": "/spec/template", "value": good}])
    settle(face, 1)
    face.live.wait(lambda: progressing(face)["reason"] == "NewReplicaSetAvailable")


def test_conditions_of_a_healthy_deployment(web: Face) -> None:
    """The two that are always there."""
    web.live.wait(lambda: progressing(web)["reason"] == "NewReplicaSetAvailable")
    conditions = web.get(WEB).body["status"]["conditions"]

    told = {item["type"]: (item["status"], item["reason"]) for item in conditions}
    assert told == {
        "Available": ("True", "MinimumReplicasAvailable"),
        "Progressing": ("True", "NewReplicaSetAvailable"),
    }


def test_who_wrote_what_is_kept(web: Face) -> None:
    """Each field has the manager that changed it last; a scale has an entry of its own."""
    web.patch(f"{WEB}?fieldManager=argocd-controller", {"metadata": {"annotations": {"a": "1"}}})
    web.patch(f"{WEB}/scale?fieldManager=scaler", {"spec": {"replicas": 2}})
    fields = web.get(WEB).body["metadata"]["managedFields"]
    entries = {(item["manager"], item.get("subresource", "")): item for item in fields}

    argo = entries["argocd-controller", ""]
    assert (argo["operation"], argo["apiVersion"]) == ("Update", "apps/v1")
    assert "f:a" in argo["fieldsV1"]["f:metadata"]["f:annotations"]
    assert entries["scaler", "scale"]["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in entries["contract", ""]["fieldsV1"]["f:spec"]
