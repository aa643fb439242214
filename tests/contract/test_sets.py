"""StatefulSets and DaemonSets: ordinals, revisions, and the ways in which they get stuck."""

from typing import Any

from contract.face import FAULT, Face, workload

SETS, DB = "apps/v1/statefulsets", "apps/v1/statefulsets/db"
DAEMONS = "apps/v1/daemonsets"
RESTARTED = "kubectl.kubernetes.io/restartedAt"


def restart(at: str | None) -> dict[str, Any]:
    """The patch of a restart."""
    return {"spec": {"template": {"metadata": {"annotations": {RESTARTED: at}}}}}


def database(face: Face, replicas: int = 2, **spec: Any) -> None:
    """Create a StatefulSet and wait until it is complete."""
    body = workload("StatefulSet", "db", replicas, {}, {"serviceName": "db"} | spec)
    assert face.post(SETS, body).code == 201
    face.live.wait(lambda: face.available("db", "statefulsets") == replicas)


def status(face: Face, path: str = DB) -> dict[str, Any]:
    """Its status."""
    found: dict[str, Any] = face.get(path).body["status"]
    return found


def uids(face: Face, app: str = "db") -> dict[str, str]:
    """The uids of its pods, by name."""
    return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in face.pods(app)}


def revisions(face: Face, app: str = "db") -> dict[str, int]:
    """The numbers of its revisions, by name."""
    items = face.get(f"apps/v1/controllerrevisions?labelSelector=app={app}").body["items"]
    return {item["metadata"]["name"]: item["revision"] for item in items}


def complete(face: Face) -> bool:
    """Whether all pods are of the newest revision and ready."""
    found = face.get(DB).body
    seen = found["status"].get("observedGeneration") == found["metadata"]["generation"]
    same = found["status"]["currentRevision"] == found["status"]["updateRevision"]
    ready: int = found["status"].get("readyReplicas", 0)
    return bool(seen and same and ready == found["spec"]["replicas"])


def test_pods_have_ordinals_and_say_their_revision(face: Face) -> None:
    """Names that come back after a delete."""
    database(face)
    pods = {pod["metadata"]["name"]: pod for pod in face.pods("db")}

    assert set(pods) == {"db-0", "db-1"}
    labels = pods["db-1"]["metadata"]["labels"]
    assert labels["apps.kubernetes.io/pod-index"] == "1"
    assert labels["statefulset.kubernetes.io/pod-name"] == "db-1"
    assert labels["controller-revision-hash"] == status(face)["updateRevision"]
    assert pods["db-1"]["spec"]["hostname"] == "db-1"


def test_a_replacement_has_the_same_name_and_another_uid(face: Face) -> None:
    """Which is why a delete pins the uid."""
    database(face)
    before = uids(face)
    options = {"preconditions": {"uid": before["db-0"]}}
    assert face.delete("pods/db-0", options).code == 200
    face.live.wait(lambda: uids(face).get("db-0", before["db-0"]) != before["db-0"])

    assert face.delete("pods/db-0", options).what == (409, "Conflict")


def test_a_restart_replaces_from_the_highest_ordinal(face: Face) -> None:
    """A second revision; complete when current and update are one."""
    database(face)
    before = uids(face)
    face.patch(DB, restart("2026-01-01T00:00:00Z"))
    face.live.wait(lambda: complete(face))

    assert sorted(revisions(face).values()) == [1, 2]
    assert not set(before.values()) & set(uids(face).values())


def test_a_partition_keeps_the_lower_ordinals(face: Face) -> None:
    """The two revisions stay apart."""
    database(face)
    before = uids(face)
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    patch = restart("2026-01-01T00:00:00Z")
    patch["spec"]["updateStrategy"] = rolling
    face.patch(DB, patch)
    face.live.wait(lambda: status(face).get("updatedReplicas") == 1)
    face.live.wait(lambda: status(face).get("readyReplicas") == 2)

    assert uids(face)["db-0"] == before["db-0"]
    assert status(face)["currentRevision"] != status(face)["updateRevision"]


def test_on_delete_waits_for_somebody_to_delete(face: Face) -> None:
    """The revision is there, the pods are not."""
    database(face, updateStrategy={"type": "OnDelete"})
    before = uids(face)
    face.patch(DB, restart("2026-01-01T00:00:00Z"))
    face.live.wait(lambda: len(revisions(face)) == 2)
    assert uids(face) == before

    face.delete("pods/db-0")
    face.live.wait(lambda: status(face).get("updatedReplicas") == 1)


def test_a_template_that_comes_back_takes_its_revision_along(face: Face) -> None:
    """Renumbered, as with Deployments."""
    database(face)
    first = status(face)["updateRevision"]
    face.patch(DB, restart("2026-01-01T00:00:00Z"))
    face.live.wait(lambda: complete(face))
    face.patch(DB, restart(None))
    face.live.wait(lambda: complete(face))

    assert revisions(face)[first] == 3
    assert status(face)["currentRevision"] == first


def test_a_revision_can_be_patched_back_as_it_is(face: Face) -> None:
    """Its data is a strategic merge that replaces the template: how kubectl undoes."""
    database(face)
    first = status(face)["updateRevision"]
    face.patch(DB, restart("2026-01-01T00:00:00Z"))
    face.live.wait(lambda: complete(face))
    data = face.get(f"apps/v1/controllerrevisions/{first}").body["data"]
    assert data["spec"]["template"]["$patch"] == "replace"
    face.patch(DB, data, "application/strategic-merge-patch+json")
    face.live.wait(lambda: complete(face))

    assert status(face)["currentRevision"] == first


def test_a_broken_pod_blocks_its_own_cure(face: Face) -> None:
    """OrderedReady: mending the template helps only after the pod was deleted."""
    sick = workload("StatefulSet", "db", 2, {FAULT: "crash-loop"}, {"serviceName": "db"})
    face.post(SETS, sick)
    face.live.wait(lambda: face.pods("db"))
    broken = uids(face)
    patch: dict[str, Any] = {"spec": {"template": {"metadata": {"labels": {FAULT: None}}}}}
    face.patch(DB, patch)
    face.live.wait(lambda: len(revisions(face)) == 2)
    assert uids(face) == broken

    face.delete("pods/db-0")
    face.live.wait(lambda: complete(face))


def test_fields_that_a_stateful_set_may_not_change_are_422(face: Face) -> None:
    """One sentence for all of them."""
    database(face, 1)
    answer = face.patch(DB, {"spec": {"serviceName": "other"}})

    assert answer.what == (422, "Invalid")
    assert answer.causes[0]["reason"] == "FieldValueForbidden"
    assert "updates to statefulset spec for fields other than 'replicas'" in answer.message


def test_a_daemon_set_has_a_pod_on_every_node_and_counts_its_templates(face: Face) -> None:
    """Also on a node that is cordoned."""
    node = face.live.add_node()
    spec = {"template": workload("DaemonSet", "agent", 0, {}, {})["spec"]["template"]}
    spec["template"]["spec"]["nodeSelector"] = {"kubernetes.io/hostname": node}
    face.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": True}})
    face.post(DAEMONS, workload("DaemonSet", "agent", 0, {}, spec))
    face.live.wait(lambda: status(face, f"{DAEMONS}/agent").get("numberAvailable") == 1)
    first = uids(face, "agent")
    face.patch(f"{DAEMONS}/agent", restart("2026-01-01T00:00:00Z"))
    face.live.wait(lambda: first.keys() != uids(face, "agent").keys())
    face.live.wait(lambda: status(face, f"{DAEMONS}/agent").get("numberAvailable") == 1)

    found = face.get(f"{DAEMONS}/agent").body
    assert found["status"]["desiredNumberScheduled"] == 1
    assert found["metadata"]["annotations"]["deprecated.daemonset.template.generation"] == "2"
    assert sorted(revisions(face, "agent").values()) == [1, 2]
    assert face.pods("agent")[0]["spec"]["nodeName"] == node
