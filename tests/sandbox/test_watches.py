"""Watches: what was forgotten, and who leaves or joins a selection."""

import json
from typing import Any

import urllib3

PODS = "/api/v1/namespaces/shop/pods"


def lines(shop: Any, query: str) -> list[dict[str, Any]]:
    """The events of a watch of one second."""
    url = f"{shop.server.url}{PODS}?watch=true&timeoutSeconds=1&{query}"
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        answer = pool.request("GET", url, headers={"Authorization": "Bearer token-bot"})
    return [json.loads(line) for line in answer.data.splitlines()]


def test_a_version_that_was_forgotten_is_an_error_inside_of_the_stream(shop: Any) -> None:
    """Code 410, reason Expired: list again."""
    since = shop.server.store.resource_version
    shop.advance()
    shop.call(shop.core.delete_namespaced_pod, shop.pods()[0]["metadata"]["name"], "shop")
    shop.server.store.history.forget()
    (event,) = lines(shop, f"resourceVersion={since}")

    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert "too old resource version" in event["object"]["message"]


def test_a_stopping_server_ends_its_watches(shop: Any) -> None:
    """The stream ends well, without waiting for its time-out."""
    shop.server._gate.stopping.set()
    answer = shop.raw("GET", f"{PODS}?watch=true&timeoutSeconds=60&fieldSelector=metadata.name=x")
    shop.server._gate.stopping.clear()

    assert answer.code == 200


def test_who_leaves_the_selection_is_deleted_for_the_watcher(shop: Any) -> None:
    """And who joins it is added, although both were only modified."""
    name = shop.pods()[0]["metadata"]["name"]
    since = shop.server.store.resource_version
    for color in ("red", None):
        patch = {"metadata": {"labels": {"color": color}}}
        media = "application/merge-patch+json"
        assert shop.raw("PATCH", f"{PODS}/{name}", patch, Content_Type=media).code == 200
    found = lines(shop, f"resourceVersion={since}&labelSelector=color=red")

    assert [event["type"] for event in found] == ["ADDED", "DELETED"]
