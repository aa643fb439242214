"""What `live.writes()` says: who asked for what, and whether it changed anything."""

from collections.abc import Iterator
from http import HTTPStatus

import httpx
import pytest
from clusters import Live
from rest import Json, Rest

from controlplane.manifests import IMAGE, deployment

NOTE = {"spec": {"template": {"metadata": {"annotations": {"note": "once"}}}}}


@pytest.fixture(name="ours")
def _ours(live: Live) -> Iterator[Rest]:
    """Firebreak, as the server sees it."""
    with live.rest_as("actor", "firebreak/test") as rest:
        yield rest


@pytest.fixture(name="really_ours")
def _really_ours(real_cluster: Live) -> Iterator[Rest]:
    """Firebreak on the real cluster alone."""
    with real_cluster.rest_as("actor", "firebreak/test") as rest:
        yield rest


def test_a_patch_that_changes_nothing_is_no_effective_write(live: Live, ours: Rest) -> None:
    """The same annotation twice is one write; a dry run is none."""
    live.rest.create(deployment())
    ours.patch("Deployment", "web", NOTE, dryRun="All")
    ours.patch("Deployment", "web", NOTE)
    ours.patch("Deployment", "web", NOTE)
    found = live.writes()
    assert [(it.dry_run, it.effective) for it in found] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert {(it.verb, it.resource, it.name, it.code) for it in found} == {
        ("patch", "deployments", "web", 200)
    }
    assert live.writes("deploy-pipeline")[-1].verb == "create"


def test_a_conditioned_patch_that_changes_nothing_is_none_either(live: Live, ours: Rest) -> None:
    """Its own condition names the version that it left as it was."""
    live.rest.create(deployment())
    for _ in range(2):
        version = live.wait(lambda: _settled_version(live.rest.read("Deployment", "web")))
        metadata = {"resourceVersion": version, "annotations": {"note": "once"}}
        ours.patch("Deployment", "web", {"metadata": metadata})
    assert [it.effective for it in live.writes()] == [True, False]


def _settled_version(found: Json) -> str:
    """The version, once the controllers have nothing more to write."""
    status = found.get("status", {})
    seen = status.get("observedGeneration") == found["metadata"]["generation"]
    settled = seen and status.get("availableReplicas") == 1
    return str(found["metadata"]["resourceVersion"]) if settled else ""


def test_a_scale_is_one_write_of_its_deployment(live: Live, ours: Rest) -> None:
    """The subresource answers with the version of the whole, which the controllers move on."""
    live.rest.create(deployment())
    for _ in range(2):
        ours.patch("Deployment", "web/scale", {"spec": {"replicas": 3}})
    assert [(it.resource, it.subresource, it.effective) for it in live.writes()] == [
        ("deployments", "scale", True),
        ("deployments", "scale", False),
    ]


def test_a_refused_write_is_none(live: Live, ours: Rest) -> None:
    """What is not there is not deleted."""
    with pytest.raises(httpx.HTTPStatusError) as caught:
        ours.delete("Pod", "nobody")
    assert caught.value.response.status_code == HTTPStatus.NOT_FOUND
    assert [(it.verb, it.code, it.effective) for it in live.writes()] == [("delete", 404, False)]


def test_a_pod_is_evicted_once_however_often_it_is_asked(
    real_cluster: Live, really_ours: Rest
) -> None:
    """The server answers a second eviction with success, too; and a delete after it."""
    # The finalizer keeps the pod in its end, where a second eviction finds it.
    metadata = {"name": "web", "finalizers": ["firebreak.test/keep"]}
    spec = {"containers": [{"name": "web", "image": IMAGE}]}
    real_cluster.rest.create({"kind": "Pod", "metadata": metadata, "spec": spec})
    really_ours.evict("web", {"dryRun": ["All"]})
    really_ours.evict("web")
    really_ours.evict("web")
    really_ours.delete("Pod", "web")
    found = real_cluster.writes()
    real_cluster.rest.patch("Pod", "web", {"metadata": {"finalizers": None}})
    assert [(it.verb, it.subresource, it.dry_run, it.effective) for it in found] == [
        ("create", "eviction", True, False),
        ("create", "eviction", False, True),
        ("create", "eviction", False, False),
        ("delete", "", False, False),
    ]


def test_a_new_pod_of_the_same_name_is_deleted_anew(real_cluster: Live, really_ours: Rest) -> None:
    """A replica of a StatefulSet comes back under its name."""
    pod = {
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "web", "image": IMAGE}]},
    }
    for _ in range(2):
        real_cluster.rest.create(pod)
        really_ours.delete("Pod", "web")
        real_cluster.wait(lambda: not real_cluster.rest.items("Pod"))
    assert [(it.verb, it.effective) for it in real_cluster.writes()] == [("delete", True)] * 2


def test_a_question_is_no_write(real_cluster: Live) -> None:
    """`can-i` creates something that is never stored."""
    done = real_cluster.kubectl("auth", "can-i", "list", "pods", role="actor")
    assert done.stdout == "yes\n", done.stderr
    asked = [it for it in real_cluster.writes("kubectl/") if "accessreviews" in it.resource]
    assert [it.effective for it in asked] == [False]
