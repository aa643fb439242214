"""The deployment controller on a manual clock: revisions, strategies, conditions."""

import re
from typing import Any

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
GOOD = "registry.example/user-auth:1.4.2"
BAD = "registry.example/user-auth:1.5.0"


def revision(obj: dict[str, Any]) -> str:
    """The revision annotation."""
    return str(obj["metadata"]["annotations"][REVISION])


def progressing(deployment: dict[str, Any]) -> tuple[str, str]:
    """(status, reason) of the Progressing condition."""
    conditions = {item["type"]: item for item in deployment["status"]["conditions"]}
    return conditions["Progressing"]["status"], conditions["Progressing"]["reason"]


def template_of(replica_set: dict[str, Any]) -> dict[str, Any]:
    """The template as a rollback writes it: without the hash."""
    template: dict[str, Any] = replica_set["spec"]["template"]
    del template["metadata"]["labels"]["pod-template-hash"]
    return template


def roll_back(shop: Any, image: str) -> Any:
    """A rollback that is pinned to the template of one ReplicaSet."""
    template = template_of(shop.replica_sets()[image])
    return shop.patch([{"op": "replace", "path": "/spec/template", "value": template}])


def test_a_new_deployment_becomes_revision_1(shop: Any) -> None:
    """Everything the status counts is there, and the new generation was seen."""
    deployment = shop.deployment()
    status = deployment["status"]

    assert revision(deployment) == "1"
    assert status["observedGeneration"] == deployment["metadata"]["generation"] == 1
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    assert [status[key] for key in counts] == [3, 3, 3, 3]
    assert "unavailableReplicas" not in status
    assert progressing(deployment) == ("True", "NewReplicaSetAvailable")


def test_names_use_the_real_alphabet(shop: Any) -> None:
    """`<deployment>-<hash>-<suffix>`, hash and label alike."""
    pod = shop.pods()[0]["metadata"]
    found = re.fullmatch(
        r"user-auth-([456789bcdf]{6,10})-[bcdfghjklmnpqrstvwxz2456789]{5}", pod["name"]
    )

    assert found is not None
    assert pod["labels"]["pod-template-hash"] == found[1]


def test_owners_form_a_chain_by_uid(shop: Any) -> None:
    """Pod, ReplicaSet, Deployment; each with controller: true."""
    replica_set = shop.replica_sets()[GOOD]
    pod_owner = shop.pods()[0]["metadata"]["ownerReferences"][0]
    set_owner = replica_set["metadata"]["ownerReferences"][0]

    assert (pod_owner["controller"], set_owner["controller"]) == (True, True)
    assert pod_owner["uid"] == replica_set["metadata"]["uid"]
    assert set_owner["uid"] == shop.deployment()["metadata"]["uid"]


def test_a_release_makes_revision_2_and_keeps_the_old_set_empty(shop: Any) -> None:
    """The old ReplicaSet stays as history."""
    shop.release(BAD)
    shop.advance()
    sets = shop.replica_sets()

    assert (revision(sets[GOOD]), revision(sets[BAD])) == ("1", "2")
    assert (sets[GOOD]["spec"]["replicas"], sets[BAD]["spec"]["replicas"]) == (0, 3)
    assert sets[BAD]["metadata"]["annotations"]["deployment.kubernetes.io/max-replicas"] == "4"
    assert sets[BAD]["metadata"]["annotations"]["kubernetes.io/change-cause"] == "release 1.4.2"
    assert revision(shop.deployment()) == "2"


def test_a_rolling_update_never_breaks_its_bounds(cluster: Any) -> None:
    """With maxUnavailable 0 and maxSurge 1 there are always 3 available and at most 4 wanted."""
    rolling = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    cluster.create_shop(strategy=rolling)
    cluster.release(BAD)
    for _ in range(40):
        cluster.advance(0.1)
        sets = cluster.replica_sets().values()
        assert sum(item["spec"]["replicas"] for item in sets) <= 4
        assert cluster.deployment()["status"]["availableReplicas"] >= 3

    assert cluster.replica_sets()[BAD]["status"]["availableReplicas"] == 3


def test_recreate_never_mixes_revisions(cluster: Any) -> None:
    """All old pods go before the first new one comes."""
    cluster.create_shop(strategy={"type": "Recreate"})
    cluster.release(BAD)
    for _ in range(30):
        cluster.advance(0.1)
        images = {pod["spec"]["containers"][0]["image"] for pod in cluster.pods()}
        assert len(images) <= 1

    assert images == {BAD}
    assert len(cluster.pods()) == 3


def test_undo_to_a_pinned_template_renumbers_its_replica_set(shop: Any) -> None:
    """Revision 1 becomes revision 3: 'previous' is the bad one now."""
    before = shop.replica_sets()[GOOD]["metadata"]["uid"]
    shop.release(BAD, fault="crash-loop")
    shop.advance()
    assert roll_back(shop, GOOD).code == 200
    shop.advance()
    good = shop.replica_sets()[GOOD]

    assert good["metadata"]["uid"] == before
    assert revision(good) == revision(shop.deployment()) == "3"
    assert good["metadata"]["annotations"][HISTORY] == "1"
    assert shop.deployment()["status"]["availableReplicas"] == 3
    assert progressing(shop.deployment()) == ("True", "NewReplicaSetAvailable")


def test_every_reuse_is_added_to_the_history(shop: Any) -> None:
    """1, then 3, then 5."""
    for _ in range(2):
        shop.release(BAD)
        shop.advance()
        roll_back(shop, GOOD)
        shop.advance()
    good = shop.replica_sets()[GOOD]

    assert (revision(good), good["metadata"]["annotations"][HISTORY]) == ("5", "1,3")


def test_the_same_rollback_again_is_a_no_op(shop: Any) -> None:
    """A replayed activity changes nothing and counts nothing."""
    shop.release(BAD)
    shop.advance()
    roll_back(shop, GOOD)
    shop.advance()
    writes, version = shop.writes(), shop.deployment()["metadata"]["resourceVersion"]
    roll_back(shop, GOOD)
    shop.advance()

    assert shop.writes() == writes
    assert shop.deployment()["metadata"]["resourceVersion"] == version


def test_a_restart_replaces_all_pods(shop: Any) -> None:
    """The annotation makes a new template, and so a new revision."""
    before = {pod["metadata"]["uid"] for pod in shop.pods()}
    notes = {"kubectl.kubernetes.io/restartedAt": "2026-11-20T02:10:00Z"}
    shop.patch({"spec": {"template": {"metadata": {"annotations": notes}}}})
    shop.advance()

    assert not before & {pod["metadata"]["uid"] for pod in shop.pods()}
    assert revision(shop.deployment()) == "2"


def test_paused_deployments_scale_but_do_not_roll(shop: Any) -> None:
    """Observed, sized, and the new template waits."""
    shop.patch({"spec": {"paused": True}})
    shop.release(BAD)
    shop.patch({"spec": {"replicas": 4}})
    shop.advance()
    deployment = shop.deployment()

    assert set(shop.replica_sets()) == {GOOD}
    assert deployment["status"]["availableReplicas"] == 4
    assert deployment["status"]["observedGeneration"] == deployment["metadata"]["generation"]
    assert progressing(deployment) == ("Unknown", "DeploymentPaused")
    shop.patch({"spec": {"paused": False}})
    shop.advance()
    assert shop.replica_sets()[BAD]["spec"]["replicas"] == 4


def test_a_stuck_rollout_exceeds_its_deadline(cluster: Any) -> None:
    """Ten seconds without progress."""
    cluster.create_shop(progressDeadlineSeconds=10)
    cluster.release(BAD, fault="crash-loop")
    cluster.advance(9)
    assert progressing(cluster.deployment())[0] == "True"
    cluster.advance(5)

    assert progressing(cluster.deployment()) == ("False", "ProgressDeadlineExceeded")
    assert cluster.deployment()["status"]["unavailableReplicas"] == 3


def test_the_old_deadline_condition_outlives_the_observation_of_a_rollback(cluster: Any) -> None:
    """Measured on a real server: the generation is seen while the failure is still shown."""
    cluster.create_shop(progressDeadlineSeconds=10, replicas=1, strategy={"type": "Recreate"})
    cluster.release(BAD, fault="crash-loop")
    cluster.advance(15)
    roll_back(cluster, GOOD)
    cluster.advance(0.1)
    seen = cluster.deployment()
    assert seen["status"]["observedGeneration"] == seen["metadata"]["generation"]
    assert progressing(seen) == ("False", "ProgressDeadlineExceeded")

    cluster.advance(3)
    assert progressing(cluster.deployment()) == ("True", "NewReplicaSetAvailable")


def test_lost_pods_do_not_reopen_a_finished_rollout(shop: Any) -> None:
    """Availability dips and comes back one by one; progress stays what it was."""
    for pod in shop.pods()[:2]:
        shop.call(shop.core.delete_namespaced_pod, pod["metadata"]["name"], "shop")
        shop.advance(0.2)
    seen = set()
    for _ in range(15):
        shop.advance(0.1)
        deployment = shop.deployment()
        seen.add(deployment["status"]["availableReplicas"])
        assert progressing(deployment) == ("True", "NewReplicaSetAvailable")

    assert seen == {1, 2, 3}


def test_history_is_limited(cluster: Any) -> None:
    """Two old ReplicaSets are kept, the oldest go."""
    cluster.create_shop(revisionHistoryLimit=2)
    for version in range(5):
        cluster.release(f"registry.example/user-auth:2.{version}")
        cluster.advance()
    kept = sorted(int(revision(item)) for item in cluster.replica_sets().values())

    assert kept == [4, 5, 6]


def test_scaling_in_the_middle_of_a_rollout_is_shared(cluster: Any) -> None:
    """A broken revision does not get all of the new pods."""
    rolling = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    cluster.create_shop(strategy=rolling, replicas=6)
    cluster.release(BAD, fault="crash-loop")
    cluster.advance()
    cluster.patch({"spec": {"replicas": 12}})
    cluster.advance()
    sets = cluster.replica_sets()

    assert sets[GOOD]["spec"]["replicas"] + sets[BAD]["spec"]["replicas"] == 13
    assert sets[GOOD]["spec"]["replicas"] >= 11


def test_min_ready_seconds_delay_availability(cluster: Any) -> None:
    """Ready is not available yet."""
    cluster.create_shop(minReadySeconds=10)
    status = cluster.deployment()["status"]
    assert (status["readyReplicas"], status.get("availableReplicas")) == (3, None)
    cluster.advance(10)

    assert cluster.deployment()["status"]["availableReplicas"] == 3


def test_slow_pods_take_their_annotated_time(shop: Any) -> None:
    """`ready-seconds` belongs to the revision."""
    shop.release(BAD, **{"ready-seconds": "5"})
    shop.advance(4)
    assert shop.replica_sets()[BAD]["status"].get("readyReplicas") is None
    shop.advance(8)

    assert shop.replica_sets()[BAD]["status"]["readyReplicas"] == 3


def test_the_controllers_own_writes_are_not_counted(shop: Any) -> None:
    """Namespace and Deployment: two writes, whatever the controllers did."""
    assert shop.server.effective_writes() == {"firebreak-test": 2}


def test_a_quiet_cluster_writes_nothing(shop: Any) -> None:
    """Ticks alone never change the version."""
    version = shop.server.store.resource_version
    shop.advance(5)

    assert shop.server.store.resource_version == version
