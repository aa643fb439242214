"""What only time shows: budgets that come back, nodes that stay away, work that is tried again."""

from typing import Any

import pytest

FAULT = "sandbox.firebreak/fault"
BUDGETS = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets"
MERGE = "application/merge-patch+json"


def protect(shop: Any, **spec: Any) -> None:
    """A budget for the shop's pods."""
    selector = {"matchLabels": {"app": "user-auth"}}
    body = {"metadata": {"name": "web"}, "spec": spec | {"selector": selector}}
    assert shop.raw("POST", BUDGETS, body).code == 201
    shop.advance(0.2)


def budget(shop: Any) -> dict[str, Any]:
    """Its status."""
    status: dict[str, Any] = shop.raw("GET", f"{BUDGETS}/web").body["status"]
    return status


def evict(shop: Any, pod: str, uid: str) -> int:
    """The code of an eviction that pins a uid."""
    body = {"metadata": {"name": pod}, "deleteOptions": {"preconditions": {"uid": uid}}}
    code: int = shop.raw("POST", f"/api/v1/namespaces/shop/pods/{pod}/eviction", body).code
    return code


def test_a_budget_that_was_spent_for_nothing_comes_back_after_two_minutes(shop: Any) -> None:
    """And not before."""
    protect(shop, minAvailable=2)
    pod = shop.pods()[0]["metadata"]["name"]
    writes = len(shop.server.requests())
    assert evict(shop, pod, "someone-else") == 409

    shop.advance(118, step_seconds=1)
    assert (budget(shop)["disruptionsAllowed"], list(budget(shop)["disruptedPods"])) == (0, [pod])
    shop.advance(4, step_seconds=1)
    assert budget(shop)["disruptionsAllowed"] == 1
    assert "disruptedPods" not in budget(shop)
    assert len(shop.server.requests()) > writes


def test_a_budget_that_was_not_looked_at_yet_says_when_to_come_again(shop: Any) -> None:
    """The only 429 of a budget with Retry-After."""
    protect(shop, minAvailable=2)
    patch = {"spec": {"minAvailable": 1}}
    assert shop.raw("PATCH", f"{BUDGETS}/web", patch, Content_Type=MERGE).code == 200
    pod = shop.pods()[0]["metadata"]
    body = {"metadata": {"name": pod["name"]}}
    path = f"/api/v1/namespaces/shop/pods/{pod['name']}/eviction"
    answer = shop.raw("POST", path, body)

    assert (answer.code, answer.headers["Retry-After"]) == (429, "10")
    assert answer.body["details"]["causes"][0]["reason"] == "DisruptionBudget"
    shop.advance(0.2)
    assert shop.raw("POST", path, body).code == 201


def mark(shop: Any, node: str, fault: str | None) -> None:
    """Set or take a node's fault."""
    patch = {"metadata": {"labels": {FAULT: fault}}}
    assert shop.raw("PATCH", f"/api/v1/nodes/{node}", patch, Content_Type=MERGE).code == 200
    shop.advance(0.3)


def on(shop: Any, node: str) -> list[dict[str, Any]]:
    """The pods on a node."""
    return [pod for pod in shop.pods() if pod["spec"].get("nodeName") == node]


@pytest.mark.parametrize(("fault", "status"), [("not-ready", "False"), ("unreachable", "Unknown")])
def test_pods_bear_a_node_that_is_away_for_five_minutes(shop: Any, fault: str, status: str) -> None:
    """First they are not ready, then they go elsewhere."""
    node = shop.pods()[0]["spec"]["nodeName"]
    mark(shop, node, fault)
    found = shop.raw("GET", f"/api/v1/nodes/{node}").body["status"]["conditions"]
    assert {item["status"] for item in found if item["type"] == "Ready"} == {status}
    victim = on(shop, node)[0]
    ready = {item["type"]: item["status"] for item in victim["status"]["conditions"]}
    assert ready["Ready"] == "False"

    shop.advance(295, step_seconds=5)
    assert "deletionTimestamp" not in on(shop, node)[0]["metadata"]
    shop.advance(15, step_seconds=5)
    staying = [pod for pod in shop.pods() if "deletionTimestamp" not in pod["metadata"]]
    assert node not in {pod["spec"]["nodeName"] for pod in staying}
    # Nobody there could tell that a pod has ended.
    assert bool(on(shop, node)) == (fault == "unreachable")


def test_a_node_that_comes_back_has_its_pods_again(shop: Any) -> None:
    """Within the time that they bear."""
    node = shop.pods()[0]["spec"]["nodeName"]
    mark(shop, node, "unreachable")
    mark(shop, node, None)

    assert "taints" not in shop.raw("GET", f"/api/v1/nodes/{node}").body["spec"]
    assert shop.deployment()["status"]["availableReplicas"] == 3


def test_no_node_takes_what_asks_for_too_much(shop: Any) -> None:
    """Or what a fault says of it; the reason is in the condition."""
    wanted = {"containers": [{"name": "user-auth", "resources": {"requests": {"cpu": "99"}}}]}
    shop.patch({"spec": {"template": {"spec": wanted}}})
    shop.advance(1)
    waiting = [pod for pod in shop.pods() if not pod["spec"].get("nodeName")]
    told = waiting[0]["status"]["conditions"][0]

    assert (told["type"], told["reason"]) == ("PodScheduled", "Unschedulable")
    assert told["message"].startswith("0/3 nodes are available: 3 Insufficient cpu.")


@pytest.mark.parametrize(
    ("fault", "phase", "reason"),
    [("config", "Pending", "CreateContainerConfigError"), ("probe", "Running", "")],
)
def test_faults_may_be_labels_too(shop: Any, fault: str, phase: str, reason: str) -> None:
    """As the simulated kubelets of a real control plane want them."""
    shop.patch({"spec": {"template": {"metadata": {"labels": {FAULT: fault}}}}})
    shop.advance(3)
    sick = shop.pods(f"{FAULT}={fault}")[0]["status"]
    state = sick["containerStatuses"][0]["state"]

    assert sick["phase"] == phase
    assert state.get("waiting", {}).get("reason", "") == reason
    assert sick["containerStatuses"][0]["ready"] is False


def test_a_quota_is_asked_less_and_less_often(shop: Any) -> None:
    """As the work queue of a controller does; given room, the pods come."""
    path = "/api/v1/namespaces/shop/resourcequotas"
    quota = {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "3"}}}
    assert shop.raw("POST", path, quota).code == 201
    shop.patch({"spec": {"replicas": 5}})
    shop.advance(10)
    events = shop.raw("GET", "/api/v1/namespaces/shop/events?fieldSelector=reason=FailedCreate")
    assert 2 < len(events.body["items"]) < 8
    assert len(shop.pods()) == 3

    patch = {"spec": {"hard": {"pods": "9"}}}
    shop.raw("PATCH", f"{path}/small", patch, Content_Type=MERGE)
    shop.advance(20)
    assert shop.deployment()["status"]["availableReplicas"] == 5
    kinds = {item["type"] for item in shop.deployment()["status"]["conditions"]}
    assert "ReplicaFailure" not in kinds
