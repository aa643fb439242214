"""The scale subresource: absolute numbers, and preconditions that answer 409."""

from typing import Any

import pytest


def scale(shop: Any, patch: dict[str, Any], **options: Any) -> Any:
    """Patch the scale."""
    write = shop.apps.patch_namespaced_deployment_scale
    return shop.call(write, "user-auth", "shop", patch, **options)


def test_scale_shows_replicas_and_the_selector_as_text(shop: Any) -> None:
    """The selector is a string in autoscaling/v1."""
    body = shop.call(shop.apps.read_namespaced_deployment_scale, "user-auth", "shop").body

    assert (body["kind"], body["spec"]) == ("Scale", {"replicas": 3})
    assert body["status"] == {"replicas": 3, "selector": "app=user-auth"}


def test_scaling_moves_the_one_replica_set_without_a_new_revision(shop: Any) -> None:
    """Five pods, still revision 1."""
    answer = scale(shop, {"spec": {"replicas": 5}})
    shop.advance()

    assert answer.body["spec"]["replicas"] == 5
    assert shop.deployment()["status"]["availableReplicas"] == 5
    assert len(shop.replica_sets()) == 1


def test_scaling_to_zero_leaves_replicas_out(shop: Any) -> None:
    """Go's omitempty."""
    assert scale(shop, {"spec": {"replicas": 0}}).body["spec"] == {}
    shop.advance()
    assert shop.pods() == []


def test_a_wrong_uid_in_a_scale_is_409(shop: Any) -> None:
    """Unlike in the Deployment itself, where it is 422."""
    answer = scale(shop, {"metadata": {"uid": "someone-else"}, "spec": {"replicas": 5}})

    assert answer.code == 409
    assert "Precondition failed: UID in precondition: someone-else" in answer.message


def test_a_stale_version_in_a_scale_is_409(shop: Any) -> None:
    """The same sentence as everywhere."""
    answer = scale(shop, {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 5}})

    assert answer.code == 409
    assert "the object has been modified" in answer.message


@pytest.mark.parametrize(("replicas", "code"), [(-1, 422), ("five", 400)])
def test_a_bad_number_of_replicas_is_refused(shop: Any, replicas: object, code: int) -> None:
    """Negative is invalid, text does not decode."""
    assert scale(shop, {"spec": {"replicas": replicas}}).code == code
    assert shop.deployment()["spec"]["replicas"] == 3


def test_the_same_number_again_is_no_write(shop: Any) -> None:
    """And neither is a dry run."""
    writes = shop.writes()
    scale(shop, {"spec": {"replicas": 3}})
    scale(shop, {"spec": {"replicas": 5}}, dry_run="All")

    assert shop.writes() == writes
    assert shop.deployment()["spec"]["replicas"] == 3


def test_a_put_without_a_version_is_accepted(shop: Any) -> None:
    """Measured on a real server."""
    body = {"metadata": {"name": "user-auth", "namespace": "shop"}, "spec": {"replicas": 2}}
    write = shop.apps.replace_namespaced_deployment_scale

    assert shop.call(write, "user-auth", "shop", body).code == 200
    assert shop.deployment()["spec"]["replicas"] == 2
