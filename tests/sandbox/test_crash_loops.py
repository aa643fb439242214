"""Pods of a bad revision: states, events, and the logs that tell why."""

from typing import Any

import pytest

BAD = "registry.example/user-auth:1.5.0"


@pytest.fixture
def crashing(shop: Any) -> Any:
    """The shop after a bad release; time has passed for the first crash."""
    shop.release(BAD, fault="crash-loop", log="cannot reach db\nbye")
    shop.advance(2)
    return shop


def bad_pod(shop: Any) -> dict[str, Any]:
    """One pod of the bad revision."""
    pods: list[dict[str, Any]] = shop.pods()
    return next(pod for pod in pods if pod["spec"]["containers"][0]["image"] == BAD)


def container(shop: Any) -> dict[str, Any]:
    """Its container status."""
    status: dict[str, Any] = bad_pod(shop)["status"]["containerStatuses"][0]
    return status


def log(shop: Any, pod: dict[str, Any], **options: Any) -> str:
    """The log of a pod as text."""
    read = shop.core.read_namespaced_pod_log
    data = read(pod["metadata"]["name"], "shop", _preload_content=False, **options).data
    return str(data.decode())


def refusal(shop: Any, pod: dict[str, Any], **options: Any) -> tuple[int, str]:
    """(code, message) of a log that is refused."""
    name = pod["metadata"]["name"]
    answer = shop.call(shop.core.read_namespaced_pod_log, name, "shop", **options)
    return answer.code, answer.message


def test_a_crashed_container_waits_in_crash_loop_back_off(crashing: Any) -> None:
    """With the exit code of the run that ended."""
    status = container(crashing)

    assert status["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert status["ready"] is False


def test_restarts_grow_while_time_passes(crashing: Any) -> None:
    """Ten seconds, then twenty, then forty."""
    counts = []
    for _ in range(3):
        counts.append(container(crashing)["restartCount"])
        crashing.advance(25, step_seconds=1)

    assert counts == sorted(counts)
    assert counts[-1] >= 2


def test_a_crashing_pod_never_becomes_available(crashing: Any) -> None:
    """Not even for the moment in which it runs."""
    for _ in range(30):
        crashing.advance(1)
        assert not crashing.replica_sets()[BAD]["status"].get("readyReplicas")


def test_the_kubelet_warns_with_a_growing_count(crashing: Any) -> None:
    """One BackOff event a pod, selected by the pod's uid."""
    uid = bad_pod(crashing)["metadata"]["uid"]
    crashing.advance(60, step_seconds=1)
    selector = f"involvedObject.uid={uid},type=Warning"
    listed = crashing.call(crashing.core.list_namespaced_event, "shop", field_selector=selector)
    (event,) = listed.body["items"]

    assert (event["reason"], event["count"]) == ("BackOff", 3)
    assert "Back-off restarting failed container user-auth" in event["message"]


def test_previous_and_current_logs_come_from_the_annotation(crashing: Any) -> None:
    """While it waits, both are the log of the instance that ended."""
    pod = bad_pod(crashing)
    expected = f"user-auth starting, image {BAD}\ncannot reach db\nbye\n"

    assert log(crashing, pod, previous=True) == expected
    assert log(crashing, pod, container="user-auth") == expected


def test_without_an_annotation_there_is_a_traceback(shop: Any) -> None:
    """Something to read in every case."""
    shop.release(BAD, fault="crash-loop")
    shop.advance(2)

    assert "KeyError: 'SIGNING_KEY'" in log(shop, bad_pod(shop), previous=True)


def test_a_healthy_pod_has_no_previous_log(shop: Any) -> None:
    """400, which a collector of evidence reads as 'nothing to see'."""
    pod = shop.pods()[0]
    name = pod["metadata"]["name"]

    assert refusal(shop, pod, previous=True) == (
        400,
        f'previous terminated container "user-auth" in pod "{name}" not found',
    )


def test_a_pod_that_is_starting_has_no_log_yet(shop: Any) -> None:
    """400 with the reason it waits for."""
    shop.release(BAD, **{"ready-seconds": "60"})
    shop.advance(1)

    code, message = refusal(shop, bad_pod(shop))
    assert (code, "is waiting to start: ContainerCreating" in message) == (400, True)


def test_parts_of_a_log(crashing: Any) -> None:
    """Tail, bytes, time stamps."""
    pod = bad_pod(crashing)

    assert log(crashing, pod, tail_lines=1) == "bye\n"
    assert log(crashing, pod, tail_lines=0) == ""
    assert log(crashing, pod, limit_bytes=9) == "user-auth"
    assert log(crashing, pod, since_seconds=3600).endswith("bye\n")
    stamped = log(crashing, pod, timestamps=True, tail_lines=1)
    assert stamped.startswith("2026-11-20T02:0")
    assert stamped.endswith("Z bye\n")


@pytest.mark.parametrize("options", [{"tail_lines": -1}, {"limit_bytes": 0}])
def test_impossible_parts_are_422(crashing: Any, options: dict[str, int]) -> None:
    """The field is named."""
    code, message = refusal(crashing, bad_pod(crashing), **options)

    assert (code, "PodLogOptions" in message) == (422, True)


def test_with_two_containers_one_must_be_named(shop: Any) -> None:
    """400 with the choice; a wrong name is 400 too."""
    extra = [{"name": "proxy", "image": "proxy:1"}]
    shop.patch({"spec": {"template": {"spec": {"containers": extra}}}})
    shop.advance()
    pod = next(pod for pod in shop.pods() if len(pod["spec"]["containers"]) == 2)
    name = pod["metadata"]["name"]

    assert refusal(shop, pod) == (
        400,
        f"a container name must be specified for pod {name}, choose one of: [proxy user-auth]",
    )
    assert refusal(shop, pod, container="nope") == (
        400,
        f"container nope is not valid for pod {name}",
    )
    assert "image proxy:1" in log(shop, pod, container="proxy")
