"""What pods suffer from, in the states, reasons and events that a kubelet reports."""

from typing import Any

import pytest

from sandbox.scripts import FAULTS

GOOD = "registry.example/user-auth:1.4.2"
BAD = "registry.example/user-auth:1.5.0"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def released(shop: Any, fault: str, seconds: float = 2.0) -> Any:
    """The shop after a release with that fault."""
    assert shop.release(BAD, fault=fault).code == 200
    shop.advance(seconds)
    return shop


def bad_pod(shop: Any) -> dict[str, Any]:
    """One pod of the bad revision."""
    pods: list[dict[str, Any]] = shop.pods()
    return next(pod for pod in pods if pod["spec"]["containers"][0]["image"] == BAD)


def container(shop: Any) -> dict[str, Any]:
    """Its container status."""
    status: dict[str, Any] = bad_pod(shop)["status"]["containerStatuses"][0]
    return status


def events(shop: Any, kind: str) -> dict[str, set[str]]:
    """The messages of its events of that type, by reason."""
    uid = bad_pod(shop)["metadata"]["uid"]
    selector = f"involvedObject.uid={uid},type={kind}"
    listed = shop.call(shop.core.list_namespaced_event, "shop", field_selector=selector)
    told: dict[str, set[str]] = {}
    for event in listed.body["items"]:
        told.setdefault(event["reason"], set()).add(event["message"])
    return told


def condition(obj: dict[str, Any], kind: str) -> tuple[str, str]:
    """(status, reason) of a condition."""
    found = next(item for item in obj["status"]["conditions"] if item["type"] == kind)
    return found["status"], found.get("reason", "")


def available(shop: Any) -> int:
    """How many pods of the bad revision are ready."""
    return int(shop.replica_sets()[BAD]["status"].get("readyReplicas", 0))


def restart(shop: Any) -> None:
    """`kubectl rollout restart`, and time for it."""
    notes = {RESTARTED_AT: "2026-11-20T02:10:00Z"}
    shop.patch({"spec": {"template": {"metadata": {"annotations": notes}}}})
    shop.advance(5)


def test_a_fault_that_nobody_knows_is_refused(shop: Any) -> None:
    """With all that there are; nothing is stored."""
    answer = shop.release(BAD, fault="crash-lop")

    assert (answer.code, answer.reason) == (422, "Invalid")
    assert all(f'"{fault}"' in answer.message for fault in FAULTS)
    assert set(shop.replica_sets()) == {GOOD}


def test_a_restart_cures_state_that_only_the_old_pods_have(shop: Any) -> None:
    """The same image, the same fault in the template, and well."""
    released(shop, "crash-loop-until-restarted")
    assert container(shop)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert available(shop) == 0

    restart(shop)

    assert shop.deployment()["status"]["readyReplicas"] == 3
    assert {pod["spec"]["containers"][0]["image"] for pod in shop.pods()} == {BAD}


def test_a_restart_does_not_cure_a_plain_crash_loop(shop: Any) -> None:
    """Its new pods crash, too."""
    released(shop, "crash-loop")

    restart(shop)

    assert container(shop)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert shop.deployment()["status"]["unavailableReplicas"] == 3


def test_an_image_that_is_not_there_is_pulled_again_and_again(shop: Any) -> None:
    """ErrImagePull at each try, ImagePullBackOff between them, and never a start."""
    released(shop, "wrong-image", seconds=0)
    reasons = []
    for _ in range(200):
        shop.advance(0.1)
        if BAD in shop.replica_sets():
            reasons.append(container(shop)["state"].get("waiting", {}).get("reason"))
    seen = [reason for before, reason in zip([None, *reasons], reasons, strict=False)
            if reason not in (before, None)]  # fmt: skip

    assert seen == [
        "ContainerCreating", "ErrImagePull", "ImagePullBackOff", "ErrImagePull",
        "ImagePullBackOff",
    ]  # fmt: skip
    assert bad_pod(shop)["status"]["phase"] == "Pending"
    status = container(shop)
    assert (status["restartCount"], status["lastState"], status["imageID"]) == (0, {}, "")
    assert (status["ready"], status["started"]) == (False, False)


def test_a_failed_pull_is_told_as_the_kubelet_tells_it(shop: Any) -> None:
    """Pulling and BackOff are normal, each failure is a warning."""
    released(shop, "wrong-image", seconds=3)
    message = container(shop)["state"]["waiting"]["message"]

    assert message.startswith(f'Back-off pulling image "{BAD}": ErrImagePull: rpc error')
    assert events(shop, "Normal")["BackOff"] == {f'Back-off pulling image "{BAD}"'}
    assert f'Pulling image "{BAD}"' in events(shop, "Normal")["Pulling"]
    failed = events(shop, "Warning")["Failed"]
    assert {"Error: ErrImagePull", "Error: ImagePullBackOff"} <= failed
    assert any(text.startswith(f'Failed to pull image "{BAD}": rpc error') for text in failed)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.5, "image can't be pulled"), (2, "trying and failing to pull image")]
)
def test_a_container_without_an_image_has_no_log(shop: Any, seconds: float, words: str) -> None:
    """400, in the kubelet's words for what it waits for."""
    released(shop, "wrong-image", seconds=seconds)
    name = bad_pod(shop)["metadata"]["name"]

    answer = shop.call(shop.core.read_namespaced_pod_log, name, "shop")

    assert (answer.code, words in answer.message) == (400, True)


def test_a_container_without_memory_is_killed_again_and_again(shop: Any) -> None:
    """The reason says so; exit code 137 alone would prove nothing."""
    released(shop, "oom", seconds=15)
    status = container(shop)
    ended = status["lastState"]["terminated"]

    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)
    assert status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert (status["restartCount"], available(shop)) == (1, 0)


def test_a_container_that_is_never_ready_runs_without_a_restart(shop: Any) -> None:
    """Its probe fails, which is a warning that grows."""
    released(shop, "never-ready", seconds=5)
    status, pod = container(shop), bad_pod(shop)

    assert list(status["state"]) == ["running"]
    assert (status["started"], status["ready"], status["restartCount"]) == (True, False, 0)
    assert (pod["status"]["phase"], condition(pod, "Ready")) == (
        "Running",
        ("False", "ContainersNotReady"),
    )
    assert events(shop, "Warning") == {
        "Unhealthy": {"Readiness probe failed: HTTP probe failed with statuscode: 503"}
    }


def test_a_release_that_is_never_ready_gets_stuck(cluster: Any) -> None:
    """After its own deadline, not the ten minutes of the default."""
    cluster.create_shop(progressDeadlineSeconds=4)
    released(cluster, "never-ready", seconds=3)
    assert condition(cluster.deployment(), "Progressing")[0] == "True"

    cluster.advance(4)

    assert condition(cluster.deployment(), "Progressing") == ("False", "ProgressDeadlineExceeded")
    assert available(cluster) == 0


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_rollback_takes_every_fault_away(shop: Any, fault: str) -> None:
    """A fault belongs to its revision."""
    template = shop.deployment()["spec"]["template"]
    released(shop, fault, seconds=5)
    assert shop.deployment()["status"]["unavailableReplicas"] == 3

    shop.patch([{"op": "replace", "path": "/spec/template", "value": template}])
    shop.advance(5)

    assert shop.deployment()["status"]["readyReplicas"] == 3
    assert {pod["spec"]["containers"][0]["image"] for pod in shop.pods()} == {GOOD}
