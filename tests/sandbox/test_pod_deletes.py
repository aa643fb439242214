"""Deleting pods: grace, preconditions, replacement."""

from typing import Any


def delete(shop: Any, name: str, body: dict[str, Any] | None = None, **options: Any) -> Any:
    """Delete one pod."""
    return shop.call(shop.core.delete_namespaced_pod, name, "shop", body=body, **options)


def test_a_deleted_pod_is_marked_first_and_replaced_under_a_new_name_and_uid(shop: Any) -> None:
    """The answer is the pod itself, terminating."""
    victim = shop.pods()[0]["metadata"]
    answer = delete(shop, victim["name"], {"preconditions": {"uid": victim["uid"]}})

    assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 30
    assert "deletionTimestamp" in answer.body["metadata"]
    shop.advance()
    left = {pod["metadata"]["uid"] for pod in shop.pods()}
    assert len(left) == 3
    assert victim["uid"] not in left
    assert victim["name"] not in {pod["metadata"]["name"] for pod in shop.pods()}


def test_a_wrong_uid_is_409_and_deletes_nothing(shop: Any) -> None:
    """The replay of a delete cannot hit the successor."""
    victim = shop.pods()[0]["metadata"]
    answer = delete(shop, victim["name"], {"preconditions": {"uid": "someone-else"}})

    assert (answer.code, answer.reason) == (409, "Conflict")
    assert answer.message == (
        f'Operation cannot be fulfilled on Pod "{victim["name"]}": the UID in the precondition '
        f"(someone-else) does not match the UID in record ({victim['uid']}). The object might "
        "have been deleted and then recreated"
    )
    assert "deletionTimestamp" not in shop.pods()[0]["metadata"]


def test_a_stale_version_is_409(shop: Any) -> None:
    """The second precondition a delete knows."""
    name = shop.pods()[0]["metadata"]["name"]
    answer = delete(shop, name, {"preconditions": {"resourceVersion": "1"}})

    assert answer.code == 409
    assert "ResourceVersion in the precondition (1)" in answer.message


def test_a_second_delete_of_a_terminating_pod_is_no_write(shop: Any) -> None:
    """It answers with the pod, and shortens only when told to."""
    name, writes = shop.pods()[0]["metadata"]["name"], shop.writes()
    first = delete(shop, name).body["metadata"]
    again = delete(shop, name).body["metadata"]
    assert again["resourceVersion"] == first["resourceVersion"]
    assert shop.writes() == writes + 1

    shorter = delete(shop, name, {"gracePeriodSeconds": 5}).body["metadata"]
    assert shorter["deletionGracePeriodSeconds"] == 5


def test_no_grace_removes_at_once(shop: Any) -> None:
    """A forced delete leaves no pod to wait for."""
    name = shop.pods()[0]["metadata"]["name"]
    delete(shop, name, {"gracePeriodSeconds": 0})

    assert shop.call(shop.core.read_namespaced_pod, name, "shop").code == 404


def test_a_dry_run_in_the_body_deletes_nothing(shop: Any) -> None:
    """`kubectl delete --dry-run=server` says so only there."""
    name, writes = shop.pods()[0]["metadata"]["name"], shop.writes()
    answer = delete(shop, name, {"dryRun": ["All"]})

    assert answer.code == 200
    assert "deletionTimestamp" not in shop.pods()[0]["metadata"]
    assert shop.writes() == writes


def test_with_a_body_the_dry_run_of_the_query_is_not_read(shop: Any) -> None:
    """The real server takes DeleteOptions from the body or from the query, never from both."""
    victim = shop.pods()[0]["metadata"]
    delete(shop, victim["name"], {"preconditions": {"uid": victim["uid"]}}, dry_run="All")

    assert "deletionTimestamp" in shop.pods()[0]["metadata"]


def test_without_a_body_the_query_counts(shop: Any) -> None:
    """Dry run and grace."""
    name = shop.pods()[0]["metadata"]["name"]

    assert delete(shop, name, dry_run="All").code == 200
    assert "deletionTimestamp" not in shop.pods()[0]["metadata"]
    answer = delete(shop, name, grace_period_seconds=7)
    assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 7


def test_propagation_that_is_not_done_is_refused(shop: Any) -> None:
    """Foreground and Orphan need a real garbage collector; nonsense is 422."""
    name = shop.pods()[0]["metadata"]["name"]

    assert delete(shop, name, {"propagationPolicy": "Orphan"}).code == 501
    assert delete(shop, name, {"propagationPolicy": "Sideways"}).code == 422
    assert delete(shop, name, {"propagationPolicy": "Background"}).code == 200


def test_a_missing_pod_is_404(shop: Any) -> None:
    """Which a replay reads as done."""
    assert delete(shop, "nope").message == 'pods "nope" not found'
