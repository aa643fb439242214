"""Server-side dry runs: what the API server would say, and nothing stored."""

import pytest

from activities.kubernetes.client import JSON_PATCH, MERGE_PATCH, Patch, Place
from activities.kubernetes.raw import Object
from activities.kubernetes.rehearse import dry_run
from activities_kubernetes.shop import Shop
from contracts.errors import Refused, Unavailable
from sandbox import Fault

PLACE = Place("Deployment", "shop", "user-auth")


def _guard(shop: Shop) -> dict[str, str]:
    return {"uid": shop.deployment()["metadata"]["uid"], "resourceVersion": "1"}


def test_an_accepted_rehearsal_stores_nothing(shop: Shop) -> None:
    """It does not mind an old resourceVersion: state is compared at the write itself."""
    shop.open()
    before = shop.deployment()
    patch = Patch({"metadata": _guard(shop), "spec": {"replicas": 9}}, MERGE_PATCH)
    assert dry_run(shop.cluster, PLACE, patch) == "accepted"
    assert shop.deployment()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert shop.writes() == 0


def test_a_json_patch_is_rehearsed_too(shop: Shop) -> None:
    """Without its operation on the resourceVersion."""
    shop.open()
    body: list[Object] = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "1"},
        {"op": "replace", "path": "/spec/replicas", "value": 9},
    ]
    assert dry_run(shop.cluster, PLACE, Patch(body, JSON_PATCH)) == "accepted"
    assert shop.deployment()["spec"]["replicas"] == 3


def test_what_the_server_would_not_accept_is_refused_in_its_words(shop: Shop) -> None:
    """422, with the server's sentence."""
    shop.open()
    patch = Patch({"metadata": {"uid": "another"}, "spec": {"replicas": 9}}, MERGE_PATCH)
    with pytest.raises(Refused, match=r"would not accept this write: .*422 .*immutable"):
        dry_run(shop.cluster, PLACE, patch)


def test_a_missing_permission_names_the_remedy(shop: Shop) -> None:
    """Here a token that is not known; the fix is the permission's or the token's."""
    shop.open()
    shop.use_token("wrong")
    patch = Patch({"metadata": {}, "spec": {"replicas": 9}}, MERGE_PATCH)
    with pytest.raises(Refused, match="401") as refused:
        dry_run(shop.cluster, PLACE, patch)
    assert "token" in refused.value.fix


def test_what_is_gone_is_refused(shop: Shop) -> None:
    """404."""
    shop.open()
    patch = Patch({"metadata": {}, "spec": {"replicas": 9}}, MERGE_PATCH)
    with pytest.raises(Refused, match="not found"):
        dry_run(shop.cluster, PLACE._replace(name="other"), patch)


def test_a_server_that_does_not_answer_is_asked_again_later(shop: Shop) -> None:
    """Silence is no consent."""
    shop.open()
    shop.server.faults.add(Fault(verb="patch", path_regex="deployments", times=1, status=503))
    patch = Patch({"metadata": {}, "spec": {"replicas": 9}}, MERGE_PATCH)
    with pytest.raises(Unavailable):
        dry_run(shop.cluster, PLACE, patch)
