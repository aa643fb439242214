"""Which precondition answers what: the table that `ensure` relies on."""

from typing import Any

import pytest

from contract.face import STRATEGIC, Answer, Face

WEB, SCALE = "apps/v1/deployments/web", "apps/v1/deployments/web/scale"
MODIFIED = "the object has been modified; please apply your changes to the latest version"


@pytest.fixture
def quiet(face: Face) -> Face:
    """A Deployment that nobody works on: its version stays."""
    face.deploy(replicas=0, paused=True)
    return face


def replaced(version: str) -> list[dict[str, str]]:
    """A JSON patch that pins the version."""
    return [{"op": "replace", "path": "/metadata/resourceVersion", "value": version}]


def stale(answer: Answer) -> None:
    """409, in the server's words."""
    assert answer.what == (409, "Conflict")
    assert MODIFIED in answer.message
    assert answer.body["details"] == {"name": "web", "group": "apps", "kind": "deployments"}


@pytest.mark.parametrize("media", ["application/merge-patch+json", STRATEGIC])
def test_a_stale_version_in_a_patch_is_409(quiet: Face, media: str) -> None:
    """Merge and strategic merge alike."""
    stale(quiet.patch(WEB, {"metadata": {"resourceVersion": "1"}}, media))


def test_a_stale_version_replaced_by_json_patch_is_409(quiet: Face) -> None:
    """And the present one is no conflict."""
    stale(quiet.patch(WEB, replaced("1")))
    assert quiet.patch(WEB, replaced(quiet.get(WEB).version)).code == 200


def test_a_stale_version_in_a_scale_is_409_with_patch_and_put(quiet: Face) -> None:
    """The details name the Deployment."""
    scale = quiet.get(SCALE).body
    stale(quiet.patch(SCALE, {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 1}}))
    scale["metadata"]["resourceVersion"] = "1"
    stale(quiet.call("PUT", SCALE, scale))


def test_a_put_of_a_scale_without_a_version_is_taken(quiet: Face) -> None:
    """No version, no precondition."""
    scale = quiet.get(SCALE).body
    del scale["metadata"]["resourceVersion"]
    scale["spec"]["replicas"] = 1

    assert quiet.call("PUT", SCALE, scale).body["spec"] == {"replicas": 1}


@pytest.mark.parametrize("media", ["application/merge-patch+json", STRATEGIC])
def test_a_wrong_uid_in_a_patch_is_422(quiet: Face, media: str) -> None:
    """Not 409: the field is immutable."""
    answer = quiet.patch(WEB, {"metadata": {"uid": "someone-else"}}, media)

    assert answer.what == (422, "Invalid")
    assert 'metadata.uid: Invalid value: "someone-else": field is immutable' in answer.message
    assert {cause["field"] for cause in answer.causes} == {"metadata.uid"}


def test_a_wrong_uid_in_a_scale_is_409(quiet: Face) -> None:
    """The details name the subresource."""
    answer = quiet.patch(SCALE, {"metadata": {"uid": "someone-else"}, "spec": {"replicas": 1}})

    assert answer.what == (409, "Conflict")
    assert "Precondition failed: UID in precondition: someone-else" in answer.message
    assert answer.body["details"]["kind"] == "deployments/scale"


def test_a_json_patch_test_that_fails_is_422_without_causes(quiet: Face) -> None:
    """And one that holds lets the patch through."""
    generation = quiet.get(WEB).body["metadata"]["generation"]
    test = {"op": "test", "path": "/metadata/generation"}
    answer = quiet.patch(WEB, [test | {"value": generation + 5}])

    assert answer.what == (422, "Invalid")
    assert answer.message == "the server rejected our request due to an error in our request"
    assert answer.body["details"] == {}
    assert quiet.patch(WEB, [test | {"value": generation}]).code == 200


def test_a_patch_without_a_version_never_conflicts(quiet: Face) -> None:
    """It is applied to whatever is newest."""
    assert quiet.patch(WEB, {"metadata": {"annotations": {"a": "1"}}}).code == 200
    assert quiet.patch(WEB, {"metadata": {"annotations": {"b": "2"}}}).code == 200
    notes = quiet.get(WEB).body["metadata"]["annotations"]
    assert (notes["a"], notes["b"]) == ("1", "2")


def test_a_patch_that_changes_nothing_keeps_version_and_generation(quiet: Face) -> None:
    """Which makes a retry after success a no-op."""
    patch = {"metadata": {"annotations": {"a": "1"}}, "spec": {"revisionHistoryLimit": 5}}
    quiet.patch(WEB, patch)
    quiet.live.wait(lambda: quiet.available("web") >= 0)
    first = quiet.get(WEB).body["metadata"]
    again = quiet.patch(WEB, patch).body["metadata"]

    assert (again["resourceVersion"], again["generation"]) == (
        first["resourceVersion"],
        first["generation"],
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("uid", "someone-else", "the UID in the precondition (someone-else) does not match"),
        ("resourceVersion", "1", "the ResourceVersion in the precondition (1) does not match"),
    ],
)
def test_a_delete_with_a_wrong_precondition_is_409_and_deletes_nothing(
    web: Face, key: str, value: str, said: str
) -> None:
    """The details name the kind of a pod, not its plural."""
    name = web.pods("web")[0]["metadata"]["name"]
    answer = web.delete(f"pods/{name}", {"preconditions": {key: value}})

    assert answer.what == (409, "Conflict")
    assert answer.message.startswith(f'Operation cannot be fulfilled on Pod "{name}": {said}')
    assert answer.body["details"] == {"name": name, "kind": "Pod"}
    assert "deletionTimestamp" not in web.get(f"pods/{name}").body["metadata"]


def test_of_two_writers_with_one_version_the_second_conflicts(quiet: Face) -> None:
    """Compare and set."""
    pinned: dict[str, Any] = {"resourceVersion": quiet.get(WEB).version}
    first = quiet.patch(WEB, {"metadata": pinned | {"annotations": {"who": "first"}}})
    second = quiet.patch(WEB, {"metadata": pinned | {"annotations": {"who": "second"}}})

    assert (first.code, second.code) == (200, 409)
