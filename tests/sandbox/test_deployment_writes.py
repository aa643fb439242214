"""Create, PUT and the three patches of a Deployment, and every precondition that can fail."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.scenario import shop_deployment

RESTARTED = "kubectl.kubernetes.io/restartedAt"
MERGE = "application/merge-patch+json"


def restart(at: str) -> dict[str, Any]:
    """What `kubectl rollout restart` sends."""
    return {"spec": {"template": {"metadata": {"annotations": {RESTARTED: at}}}}}


def test_defaults_are_those_of_apps_v1(shop: Any) -> None:
    """A minimal Deployment comes back complete."""
    spec = shop.deployment()["spec"]

    assert spec["progressDeadlineSeconds"] == 600
    assert spec["revisionHistoryLimit"] == 10
    assert spec["strategy"]["type"] == "RollingUpdate"
    container = spec["template"]["spec"]["containers"][0]
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert container["ports"] == [{"containerPort": 8080, "protocol": "TCP"}]


def test_a_second_create_is_409_already_exists(shop: Any) -> None:
    """Reason and message are the real ones."""
    answer = shop.call(shop.apps.create_namespaced_deployment, "shop", shop_deployment())

    assert (answer.code, answer.reason) == (409, "AlreadyExists")
    assert answer.message == 'deployments.apps "user-auth" already exists'


def test_a_create_in_a_missing_namespace_is_404(cluster: Any) -> None:
    """It is the namespace that is not found."""
    answer = cluster.call(cluster.apps.create_namespaced_deployment, "shop", shop_deployment())

    assert answer.message == 'namespaces "shop" not found'


def test_a_strategic_patch_changes_one_container_by_name(shop: Any) -> None:
    """Environment and ports survive, the generation grows by one."""
    before = shop.deployment()
    after = shop.release("registry.example/user-auth:1.6.0").body

    container = after["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "registry.example/user-auth:1.6.0"
    assert container["env"] == before["spec"]["template"]["spec"]["containers"][0]["env"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1


def test_a_merge_patch_replaces_lists(shop: Any) -> None:
    """RFC 7396 has no merge keys: the container's environment is gone."""
    containers = [{"name": "user-auth", "image": "other"}]
    patch = {"spec": {"template": {"spec": {"containers": containers}}}}
    after = shop.patch(patch, _content_type=MERGE).body

    assert "env" not in after["spec"]["template"]["spec"]["containers"][0]


def test_the_same_restart_twice_is_one_write(shop: Any) -> None:
    """A no-op keeps resourceVersion and generation, and does not count."""
    writes = shop.writes()
    first = shop.patch(restart("2026-11-20T02:10:00Z")).body["metadata"]
    again = shop.patch(restart("2026-11-20T02:10:00Z")).body["metadata"]

    assert again["resourceVersion"] == first["resourceVersion"]
    assert again["generation"] == first["generation"]
    assert shop.writes() == writes + 1


def test_labels_change_no_generation_but_annotations_do(shop: Any) -> None:
    """The controller copies annotations to ReplicaSets, so the real strategy counts them."""
    start = shop.deployment()["metadata"]["generation"]
    labelled = shop.patch({"metadata": {"labels": {"team": "auth"}}}).body["metadata"]
    annotated = shop.patch({"metadata": {"annotations": {"note": "x"}}}).body["metadata"]

    assert (labelled["generation"], annotated["generation"]) == (start, start + 1)


def test_status_cannot_be_patched_through_the_main_resource(shop: Any) -> None:
    """It is kept as it was, so this is a no-op."""
    before = shop.deployment()

    assert shop.patch({"status": {"replicas": 99}}).body == before


@pytest.mark.parametrize("content_type", [MERGE, "application/strategic-merge-patch+json"])
def test_a_stale_resource_version_is_409(shop: Any, content_type: str) -> None:
    """In both merges, with the sentence that clients look for."""
    stale = {"metadata": {"resourceVersion": "1"}, "spec": {"paused": True}}
    answer = shop.patch(stale, _content_type=content_type)

    assert (answer.code, answer.reason) == (409, "Conflict")
    assert answer.message == (
        'Operation cannot be fulfilled on deployments.apps "user-auth": the object has been '
        "modified; please apply your changes to the latest version and try again"
    )
    assert "paused" not in shop.deployment()["spec"]


def test_a_wrong_uid_in_a_patch_is_422(shop: Any) -> None:
    """The uid is a field like others here: immutable."""
    answer = shop.patch({"metadata": {"uid": "someone-else"}, "spec": {"paused": True}})

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.message == (
        'Deployment.apps "user-auth" is invalid: metadata.uid: Invalid value: '
        '"someone-else": field is immutable'
    )
    assert answer.body["details"]["causes"][0]["field"] == "metadata.uid"


def test_the_right_uid_and_version_in_a_patch_are_accepted(shop: Any) -> None:
    """How a remediation writes."""
    live = shop.deployment()["metadata"]
    patch = {"metadata": {"uid": live["uid"], "resourceVersion": live["resourceVersion"]}}
    answer = shop.patch(patch | {"spec": {"paused": True}})

    assert answer.code == 200
    assert answer.body["spec"]["paused"] is True


def test_json_patch_tests_and_replaces(shop: Any) -> None:
    """The pinned rollback: uid tested, version replaced, template replaced."""
    live = shop.deployment()
    template = live["spec"]["template"] | {"metadata": {"labels": {"app": "user-auth", "v": "1"}}}
    good = [
        {"op": "test", "path": "/metadata/uid", "value": live["metadata"]["uid"]},
        {
            "op": "replace",
            "path": "/metadata/resourceVersion",
            "value": live["metadata"]["resourceVersion"],
        },
        {"op": "replace", "path": "/spec/template", "value": template},
    ]
    assert shop.patch(good).body["spec"]["template"]["metadata"]["labels"]["v"] == "1"
    # The very same patch again is stale now.
    assert shop.patch(good).code == 409


def test_a_failed_json_patch_test_is_422_without_causes(shop: Any) -> None:
    """The answer says nothing about which test failed, as on the real server."""
    answer = shop.patch([{"op": "test", "path": "/metadata/generation", "value": 99}])

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.message == ("the server rejected our request due to an error in our request")
    assert answer.body["details"] == {}


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ([{"op": "remove", "path": "/spec/nothing"}], 422),
        ([{"op": "jump", "path": "/spec"}], 400),
        ([{"op": "replace", "path": "", "value": 3}], 422),
        ({"metadata": {"name": "other"}}, 400),
        ({"metadata": {"namespace": "other"}}, 400),
        ({"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}}, 422),
        ({"metadata": {"finalizers": ["a/b"]}}, 501),
        ({"spec": {"replicas": -1}}, 422),
        ({"spec": {"replicas": "three"}}, 422),
        ({"spec": {"selector": {"matchLabels": {"app": "other"}}}}, 422),
        ({"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}}, 422),
        ({"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}, 500),
        ({"spec": {"template": {"spec": {"containers": [{"name": "new"}]}}}}, 422),
        ({"spec": {"strategy": {"type": "Recreate"}}}, 422),
        ({"spec": {"strategy": {"rollingUpdate": {"maxSurge": "lots"}}}}, 422),
        ({"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}}}, 422),
        ({"spec": {"template": {"metadata": {"annotations": {"a": 1}}}}}, 422),
        ({"$deleteFromPrimitiveList/finalizers": ["a"]}, 501),
    ],
)
def test_a_bad_patch_is_refused_and_changes_nothing(shop: Any, patch: Any, code: int) -> None:
    """Whatever the refusal is, the object stays."""
    before, writes = shop.deployment(), shop.writes()

    assert shop.patch(patch).code == code
    assert shop.deployment() == before
    assert shop.writes() == writes


@pytest.mark.parametrize(
    "notes", [{"fault": "meteor"}, {"fault": "crash-loop", "ready-seconds": "soon"}]
)
def test_a_pod_profile_that_means_nothing_is_422(shop: Any, notes: dict[str, str]) -> None:
    """A typo in a fault must not give a healthy pod."""
    assert shop.release("registry.example/user-auth:2", **notes).code == 422


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("application/json", 415),
        ("text/plain", 415),
        ("application/apply-patch+yaml", 501),
    ],
)
def test_the_content_type_decides(shop: Any, content_type: str, code: int) -> None:
    """Server-side apply exists on a real server and not here."""
    path = "/apis/apps/v1/namespaces/shop/deployments/user-auth"

    assert shop.raw("PATCH", path, body={}, Content_Type=content_type).code == code


def test_put_replaces_and_honours_version_and_uid(shop: Any) -> None:
    """A stale version and a foreign uid are both 409 in a PUT."""
    write = shop.apps.replace_namespaced_deployment
    current = shop.deployment()
    current["spec"]["replicas"] = 4
    assert shop.call(write, "user-auth", "shop", current).body["spec"]["replicas"] == 4
    assert shop.call(write, "user-auth", "shop", current).code == 409

    del current["metadata"]["resourceVersion"]
    assert shop.call(write, "user-auth", "shop", current).code == 200
    current["metadata"]["uid"] = "someone-else"
    answer = shop.call(write, "user-auth", "shop", current)
    assert answer.code == 409
    assert "Precondition failed: UID in precondition: someone-else" in answer.message


def test_put_of_another_kind_or_name_is_400(shop: Any) -> None:
    """And of something missing, 404."""
    write, current = shop.apps.replace_namespaced_deployment, shop.deployment()

    assert shop.call(write, "user-auth", "shop", current | {"kind": "Pod"}).code == 400
    assert shop.call(write, "other", "shop", current).code == 404
    current["metadata"]["name"] = "other"
    assert shop.call(write, "user-auth", "shop", current).code == 400


@pytest.mark.parametrize("content_type", [MERGE, "application/strategic-merge-patch+json"])
def test_a_dry_run_answers_and_persists_nothing(shop: Any, content_type: str) -> None:
    """The answer shows what would be, the generation included."""
    before, writes = shop.deployment(), shop.writes()
    patch = restart("2026-11-20T03:00:00Z")
    answer = shop.patch(patch, dry_run="All", _content_type=content_type)

    assert answer.body["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert shop.deployment() == before
    assert shop.writes() == writes


def test_a_dry_run_conflicts_like_a_real_run(shop: Any) -> None:
    """Otherwise it would prove nothing."""
    assert shop.patch({"metadata": {"resourceVersion": "1"}}, dry_run="All").code == 409


def test_a_dry_run_create_leaves_nothing_behind(cluster: Any) -> None:
    """The name is still free."""
    body = {"metadata": {"name": "shop"}}

    assert cluster.call(cluster.core.create_namespace, body, dry_run="All").code == 201
    assert cluster.call(cluster.core.read_namespace, "shop").code == 404


def test_any_other_dry_run_value_is_422(shop: Any) -> None:
    """Measured on a real server: not 400."""
    answer = shop.patch(restart("2026-11-20T03:00:00Z"), dry_run="Some")

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert "Unsupported value" in answer.message
    assert answer.body["details"]["causes"][0]["field"] == "dryRun"


def test_strict_field_validation_is_refused(shop: Any) -> None:
    """There is no schema here, so the promise cannot be kept."""
    assert shop.patch({}, field_validation="Strict").code == 501


def test_a_delete_takes_replica_sets_and_pods_along(shop: Any) -> None:
    """The answer is a Status with the uid; the rest goes in the background."""
    uid = shop.deployment()["metadata"]["uid"]
    answer = shop.call(shop.apps.delete_namespaced_deployment, "user-auth", "shop")
    shop.advance()

    assert answer.body["status"] == "Success"
    assert answer.body["details"]["uid"] == uid
    assert (shop.pods(), shop.replica_sets()) == ([], {})


def test_of_many_writers_with_one_version_exactly_one_wins(shop: Any) -> None:
    """Eight threads, one resourceVersion."""
    version, writes = shop.deployment()["metadata"]["resourceVersion"], shop.writes()

    def write(number: int) -> int:
        metadata = {"resourceVersion": version, "annotations": {"winner": str(number)}}
        code: int = shop.patch({"metadata": metadata}).code
        return code

    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(write, range(8)))

    assert codes == [200] + [409] * 7
    assert shop.writes() == writes + 1
