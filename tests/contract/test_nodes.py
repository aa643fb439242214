"""Nodes: what a cordon does, and what pods do on a node that is not well."""

from typing import Any

from contract.face import FAULT, Face, template


def pinned(node: str) -> dict[str, Any]:
    """A template whose pods only fit this node."""
    return template("web", nodeSelector={"kubernetes.io/hostname": node})


def conditions(face: Face, path: str) -> dict[str, dict[str, Any]]:
    """The conditions of an object, by type."""
    found = face.get(path).body["status"].get("conditions", [])
    return {item["type"]: item for item in found}


def test_a_cordoned_node_gets_a_taint_and_no_new_pod(face: Face) -> None:
    """What is there stays; what comes waits, and says why; uncordoned, it comes."""
    node = face.live.add_node()
    path = f"/api/v1/nodes/{node}"
    face.deploy(replicas=1, template=pinned(node))
    assert face.patch(path, {"spec": {"unschedulable": True}}).body["spec"]["unschedulable"] is True
    face.live.wait(lambda: face.get(path).body["spec"].get("taints"))
    taint = face.get(path).body["spec"]["taints"][0]
    assert (taint["key"], taint["effect"]) == ("node.kubernetes.io/unschedulable", "NoSchedule")

    face.patch("apps/v1/deployments/web/scale", {"spec": {"replicas": 2}})
    face.live.wait(lambda: [pod for pod in face.pods("web") if not pod["spec"].get("nodeName")])
    waiting = next(pod for pod in face.pods("web") if not pod["spec"].get("nodeName"))
    where = f"pods/{waiting['metadata']['name']}"
    face.live.wait(lambda: conditions(face, where).get("PodScheduled"))
    told = conditions(face, where)["PodScheduled"]
    assert (told["status"], told["reason"]) == ("False", "Unschedulable")
    assert "nodes are available" in told["message"]
    assert "node(s) were unschedulable" in told["message"]

    face.patch(path, {"spec": {"unschedulable": None}})
    face.live.wait(lambda: face.available("web") == 2)
    assert "taints" not in face.get(path).body["spec"]


def test_false_is_the_same_as_not_cordoned(face: Face) -> None:
    """It is left out of the answer."""
    path = f"/api/v1/nodes/{face.live.add_node()}"

    assert "unschedulable" not in face.patch(path, {"spec": {"unschedulable": False}}).body["spec"]


def test_a_node_knows_preconditions_as_all_others_do(face: Face) -> None:
    """A stale version is 409, a wrong uid 422."""
    path = f"/api/v1/nodes/{face.live.add_node()}"
    cordon = {"spec": {"unschedulable": True}}

    assert face.patch(path, {"metadata": {"resourceVersion": "1"}} | cordon).code == 409
    assert face.patch(path, {"metadata": {"uid": "someone-else"}} | cordon).code == 422
    assert face.patch(f"{path}?dryRun=All", cordon).body["spec"]["unschedulable"] is True
    assert "unschedulable" not in face.get(path).body["spec"]


def test_a_node_that_is_not_ready_is_tainted(face: Face) -> None:
    """Nothing new is placed there, and what runs there must bear it."""
    node = face.live.add_node()
    path = f"/api/v1/nodes/{node}"
    face.patch(path, {"metadata": {"labels": {FAULT: "not-ready"}}})
    face.live.wait(lambda: conditions(face, path)["Ready"]["status"] == "False")
    face.live.wait(lambda: len(face.get(path).body["spec"].get("taints", [])) == 2)

    taints = face.get(path).body["spec"]["taints"]
    assert {taint["key"] for taint in taints} == {"node.kubernetes.io/not-ready"}
    assert {taint["effect"] for taint in taints} == {"NoSchedule", "NoExecute"}
    face.patch(path, {"metadata": {"labels": {FAULT: None}}})
    face.live.wait(lambda: conditions(face, path)["Ready"]["status"] == "True")
