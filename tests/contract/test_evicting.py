"""Evictions: who may go, what a refusal says, and what it costs."""

from typing import Any

import pytest

from contract.face import Answer, Face

BUDGETS = "policy/v1/poddisruptionbudgets"


def evict(face: Face, pod: str, query: str = "", **options: Any) -> Answer:
    """Evict a pod with these delete options."""
    metadata = {"name": pod, "namespace": face.live.namespace}
    body: dict[str, Any] = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    if options:
        body["deleteOptions"] = options
    return face.post(f"pods/{pod}/eviction{query}", body)


def protect(face: Face, name: str = "web", app: str = "web", **spec: Any) -> None:
    """Create a budget for an app and wait until its status was computed."""
    budget = {
        "metadata": {"name": name},
        "spec": spec | {"selector": {"matchLabels": {"app": app}}},
    }
    made = face.post(BUDGETS, budget)
    assert made.code == 201, made.body
    face.live.wait(lambda: status(face, name).get("observedGeneration") == 1)


def status(face: Face, name: str = "web") -> dict[str, Any]:
    """The status of the budget."""
    found: dict[str, Any] = face.get(f"{BUDGETS}/{name}").body["status"]
    return found


def first(face: Face, app: str = "web") -> dict[str, Any]:
    """The metadata of one pod."""
    found: dict[str, Any] = face.pods(app)[0]["metadata"]
    return found


def test_a_budget_counts_what_may_go(web: Face) -> None:
    """Three healthy, two wanted: one."""
    protect(web, minAvailable=2)
    found = status(web)

    assert (found["expectedPods"], found["currentHealthy"], found["desiredHealthy"]) == (3, 3, 2)
    assert found["disruptionsAllowed"] == 1
    condition = found["conditions"][0]
    assert (condition["type"], condition["status"]) == ("DisruptionAllowed", "True")
    assert condition["reason"] == "SufficientPods"


def test_percentages_are_of_what_the_owner_wants(web: Face) -> None:
    """A third of three, rounded up."""
    protect(web, maxUnavailable="10%")

    assert (status(web)["desiredHealthy"], status(web)["disruptionsAllowed"]) == (2, 1)


@pytest.mark.parametrize("where", ["query", "body"])
def test_a_dry_run_leaves_the_budget_untouched(web: Face, where: str) -> None:
    """A true question, wherever it says that it is one."""
    protect(web, minAvailable=2)
    before, pod = web.get(f"{BUDGETS}/web").version, first(web)["name"]
    dry = evict(web, pod, "?dryRun=All") if where == "query" else evict(web, pod, dryRun=["All"])

    assert dry.code == 201
    assert dry.body["status"] == "Success"
    assert web.get(f"{BUDGETS}/web").version == before
    assert "deletionTimestamp" not in web.get(f"pods/{pod}").body["metadata"]


def test_an_eviction_marks_the_pod_and_deletes_it(web: Face) -> None:
    """The condition says by whom; the grace is the pod's own."""
    pod = first(web)
    answer = evict(web, pod["name"], preconditions={"uid": pod["uid"]})
    assert (answer.code, answer.body["kind"], answer.body["status"]) == (201, "Status", "Success")

    marked = web.get(f"pods/{pod['name']}").body
    condition = marked["status"]["conditions"][-1]
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert (condition["type"], condition["status"]) == ("DisruptionTarget", "True")
    assert condition["reason"] == "EvictionByEvictionAPI"
    web.live.wait(lambda: web.get(f"pods/{pod['name']}").code == 404)


def test_a_second_eviction_of_a_terminating_pod_succeeds(web: Face) -> None:
    """A replay is no failure, and spends nothing more."""
    protect(web, minAvailable=2)
    pod = first(web)
    assert evict(web, pod["name"]).code == 201

    assert evict(web, pod["name"], preconditions={"uid": pod["uid"]}).code == 201


def test_a_wrong_uid_is_409_and_has_spent_the_budget(web: Face) -> None:
    """The trap: the budget is taken before the precondition is looked at, for two minutes."""
    protect(web, minAvailable=2)
    pod = first(web)["name"]
    answer = evict(web, pod, preconditions={"uid": "someone-else"})

    assert answer.what == (409, "Conflict")
    assert "the UID in the precondition (someone-else)" in answer.message
    assert answer.body["details"] == {"name": pod, "kind": "Pod"}
    assert list(status(web)["disruptedPods"]) == [pod]
    assert status(web)["disruptionsAllowed"] == 0
    assert "deletionTimestamp" not in web.get(f"pods/{pod}").body["metadata"]
    assert evict(web, pod).code == 429


def test_a_wrong_uid_in_a_dry_run_is_409_for_nothing(web: Face) -> None:
    """The dry run costs nothing even then."""
    protect(web, minAvailable=2)

    assert evict(web, first(web)["name"], "?dryRun=All", preconditions={"uid": "x"}).code == 409
    assert status(web)["disruptionsAllowed"] == 1


def test_a_spent_budget_is_429_with_a_cause_and_no_retry_after(web: Face) -> None:
    """Nobody knows when it will be over."""
    protect(web, minAvailable=3)
    answer = evict(web, first(web)["name"])

    assert answer.what == (429, "TooManyRequests")
    said = "Cannot evict pod as it would violate the pod's disruption budget."
    assert answer.message == said
    why = "The disruption budget web needs 3 healthy pods and has 3 currently"
    assert answer.causes == [{"reason": "DisruptionBudget", "message": why}]
    assert "Retry-After" not in answer.headers
    assert "retryAfterSeconds" not in answer.body["details"]
    assert evict(web, first(web)["name"], "?dryRun=All").code == 429


def test_two_budgets_are_500_for_ever(web: Face) -> None:
    """A code that looks as if it would pass."""
    protect(web, minAvailable=1)
    protect(web, name="other", maxUnavailable=1)
    answer = evict(web, first(web)["name"])

    assert answer.code == 500
    assert answer.message.startswith("This pod has more than one PodDisruptionBudget")


def test_an_unready_pod_of_a_violated_budget_stays_unless_it_may_always_go(face: Face) -> None:
    """The default keeps crash-looping pods for ever."""
    face.deploy("sick", 2, fault="crash-loop")
    protect(face, name="sick", app="sick", minAvailable=1)
    pod = first(face, "sick")["name"]
    face.live.wait(lambda: face.get(f"pods/{pod}").body["status"]["phase"] == "Running")
    assert evict(face, pod).code == 429

    face.patch(f"{BUDGETS}/sick", {"spec": {"unhealthyPodEvictionPolicy": "AlwaysAllow"}})
    face.live.wait(lambda: status(face, "sick")["observedGeneration"] == 2)
    assert evict(face, pod).code == 201


def test_a_pending_pod_asks_no_budget(face: Face) -> None:
    """It never counted as healthy."""
    face.deploy("stuck", 1, fault="wrong-image")
    protect(face, name="stuck", app="stuck", minAvailable=1)
    pod = first(face, "stuck")["name"]
    assert face.get(f"pods/{pod}").body["status"]["phase"] == "Pending"

    assert evict(face, pod).code == 201


def test_a_missing_pod_is_404_and_a_body_of_another_name_400(web: Face) -> None:
    """As for every object, and as for no other."""
    assert evict(web, "nobody").what == (404, "NotFound")
    pod = first(web)["name"]
    answer = web.post(f"pods/{pod}/eviction", {"metadata": {"name": "other"}})
    assert answer.what == (400, "BadRequest")
    assert answer.message == "name in URL does not match name in Eviction object"
