"""Refusals: the code, the reason and the details by which a client tells them apart."""

from collections.abc import Iterator
from typing import Any

import pytest
from clusters import Live

from contract.face import JSON_PATCH, STRATEGIC, Face, workload
from sandbox.server import SandboxServer
from tools.controlplane.files import READER

DEPLOYMENTS, WEB = "apps/v1/deployments", "apps/v1/deployments/web"
READ = [{"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["get", "list"]}]


@pytest.fixture
def reader(live: Live, request: pytest.FixtureRequest) -> Iterator[Face]:
    """Somebody who may read; on the sandbox he is restricted for this test."""
    made = Face(live, "reader")
    if live.name == "sandbox":
        server: SandboxServer = request.getfixturevalue("sandbox_server")
        server.access.restrict(READER, READ)
        yield made
        server.access.release(READER)
    else:
        yield made
    made.close()


def test_a_missing_object_is_404_with_its_plural(face: Face) -> None:
    """The group is in the details and in the sentence."""
    answer = face.get(f"{DEPLOYMENTS}/nobody")

    assert answer.what == (404, "NotFound")
    assert answer.message == 'deployments.apps "nobody" not found'
    assert answer.body["details"] == {"name": "nobody", "group": "apps", "kind": "deployments"}
    assert (answer.body["kind"], answer.body["status"]) == ("Status", "Failure")


def test_a_group_that_is_not_installed_is_404_in_plain_text(face: Face) -> None:
    """There is nobody who could write a Status."""
    answer = face.get("argoproj.io/v1alpha1/rollouts")

    assert (answer.code, answer.message) == (404, "404 page not found\n")


@pytest.mark.parametrize("path", ["apps/v1beta1/deployments", "apps/v1/daemonsets/web/scale"])
def test_what_a_served_group_does_not_have_is_404_with_a_status(face: Face, path: str) -> None:
    """An old version, and a DaemonSet that cannot be scaled."""
    answer = face.get(path)

    assert answer.what == (404, "NotFound")
    assert answer.message == "the server could not find the requested resource"


def test_a_taken_name_is_409_already_exists(face: Face) -> None:
    """Not a Conflict: another reason, another meaning."""
    body = workload("Deployment", "web", 0, {}, {})
    assert face.post(DEPLOYMENTS, body).code == 201
    answer = face.post(DEPLOYMENTS, body)

    assert answer.what == (409, "AlreadyExists")
    assert answer.message == 'deployments.apps "web" already exists'


def test_a_namespace_that_is_not_there_is_404(face: Face) -> None:
    """For a create; a list of it is empty."""
    path = "/apis/apps/v1/namespaces/nowhere-at-all/deployments"
    answer = face.post(path, workload("Deployment", "web", 0, {}, {}))

    assert answer.message == 'namespaces "nowhere-at-all" not found'
    assert face.get(path).body["items"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"replicas": -1}, "spec.replicas"),
        ({"selector": {"matchLabels": {"app": "other"}}}, "spec.template.metadata.labels"),
        ({"strategy": {"type": "Sometimes"}}, "spec.strategy"),
    ],
)
def test_an_invalid_object_is_422_with_the_field(
    face: Face, change: dict[str, Any], field: str
) -> None:
    """The causes name every field."""
    answer = face.post(DEPLOYMENTS, workload("Deployment", "web", 0, {}, change))

    assert answer.what == (422, "Invalid")
    assert field in {cause["field"] for cause in answer.causes}
    assert answer.message.startswith('Deployment.apps "web" is invalid: ')


def test_another_name_in_the_body_is_400(face: Face) -> None:
    """The path decides who is meant."""
    face.post(DEPLOYMENTS, workload("Deployment", "web", 0, {}, {}))
    answer = face.patch(WEB, {"metadata": {"name": "other"}})

    assert answer.what == (400, "BadRequest")


@pytest.mark.parametrize("media", ["text/plain", "application/json"])
def test_a_patch_of_an_unknown_format_is_415(face: Face, media: str) -> None:
    """Plain JSON is no patch."""
    face.post(DEPLOYMENTS, workload("Deployment", "web", 0, {}, {}))
    answer = face.patch(WEB, {"spec": {"paused": True}}, media)

    assert answer.what == (415, "UnsupportedMediaType")
    assert answer.message == "415: Unsupported Media Type"


def test_a_custom_resource_takes_no_strategic_merge(face: Face) -> None:
    """It has no Go struct that could say which lists merge."""
    scaled = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": {"name": "web"}, "minReplicaCount": 1},
    }
    path, patch = "keda.sh/v1alpha1/scaledobjects/web", {"spec": {"minReplicaCount": 3}}
    assert face.post("keda.sh/v1alpha1/scaledobjects", scaled).code == 201

    assert face.patch(path, patch, STRATEGIC).what == (415, "UnsupportedMediaType")
    assert face.patch(path, patch).body["spec"]["minReplicaCount"] == 3
    assert face.get(path).body["metadata"]["generation"] == 2
    assert face.patch(path, {"metadata": {"resourceVersion": "1"}}).code == 409
    assert face.patch(path, {"metadata": {"uid": "x"}}).code == 422


def test_a_json_patch_that_is_no_list_is_400(face: Face) -> None:
    """And one that does not apply is 422."""
    face.post(DEPLOYMENTS, workload("Deployment", "web", 0, {}, {}))
    wrong = face.call("PATCH", WEB, {"spec": {}}, Content_Type=JSON_PATCH)

    assert wrong.what == (400, "BadRequest")
    assert face.patch(WEB, [{"op": "remove", "path": "/spec/nothing"}]).code == 422


def test_a_wrong_token_is_401(face: Face) -> None:
    """It does not say what was wrong."""
    answer = face.call("GET", "pods", Authorization="Bearer wrong")

    assert answer.what == (401, "Unauthorized")
    assert answer.message == "Unauthorized"


def test_a_verb_without_a_rule_is_403_and_says_which(reader: Face) -> None:
    """The subresource is named as rules name it."""
    assert reader.get("pods").code == 200
    answer = reader.patch(f"{WEB}/scale", {"spec": {"replicas": 1}})

    assert answer.what == (403, "Forbidden")
    said = f'User "{READER}" cannot patch resource "deployments/scale" in API group "apps"'
    assert answer.message.startswith(f'deployments.apps "web" is forbidden: {said}')
    assert answer.body["details"] == {"name": "web", "group": "apps", "kind": "deployments"}


def test_who_may_what_is_told_beforehand(reader: Face) -> None:
    """To everybody who can say who he is."""

    def may(verb: str) -> bool:
        wanted = {"verb": verb, "group": "apps", "resource": "deployments"}
        spec = {"resourceAttributes": wanted | {"namespace": reader.live.namespace}}
        kind = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = reader.post(path, kind | {"spec": spec})
        assert answer.code == 201, answer.body
        allowed: bool = answer.body["status"]["allowed"]
        return allowed

    assert (may("get"), may("patch")) == (True, False)


def test_a_read_at_a_version_that_is_not_yet_there_is_504_with_retry_after(face: Face) -> None:
    """The details say why."""
    answer = face.get("pods?resourceVersion=99999999999")

    assert answer.what == (504, "Timeout")
    assert answer.headers["Retry-After"] == "1"
    assert answer.causes[0]["reason"] == "ResourceVersionTooLarge"


def test_methods_that_make_no_sense_are_405(face: Face) -> None:
    """POST to one object."""
    assert face.post("pods/a", {}).what == (405, "MethodNotAllowed")
