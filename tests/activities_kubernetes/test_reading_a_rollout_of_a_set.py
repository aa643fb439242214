"""Each case of a StatefulSet's or DaemonSet's rollout, from one reading."""

from datetime import UTC, datetime
from typing import Any

import pytest

from activities.kubernetes.rollout import Watched, progress_of, updated_of
from activities.kubernetes.workload import Workload
from activities_kubernetes.shop import KEY, TARGET
from contracts.step import Receipt

Json = dict[str, Any]
STATEFUL: Json = {
    "observedGeneration": 3,
    "replicas": 3,
    "readyReplicas": 3,
    "availableReplicas": 3,
    "updatedReplicas": 3,
    "currentRevision": "db-2",
    "updateRevision": "db-2",
}
DAEMON: Json = {
    "observedGeneration": 3,
    "desiredNumberScheduled": 3,
    "updatedNumberScheduled": 3,
    "numberReady": 3,
    "numberAvailable": 3,
}
DONE: dict[str, Json] = {"StatefulSet": STATEFUL, "DaemonSet": DAEMON}
ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}


def _set(kind: str, status: Json, **spec: Any) -> Workload:
    metadata = {"uid": "u", "generation": 3}
    return Workload(
        {"metadata": metadata, "spec": {"replicas": 3} | spec, "status": status}, None, kind
    )


def _after(action: str, **more: Any) -> Receipt:
    at = datetime(2026, 11, 21, 3, tzinfo=UTC)
    words: Json = {"did": "written", "summary": "", "written_at": at, "generation": 3}
    return Receipt(key=KEY, action=f"kubernetes.{action}", target=TARGET, **(words | more))


@pytest.mark.parametrize("kind", DONE)
def test_complete_means_updated_and_available(kind: str) -> None:
    """As `kubectl rollout status` says it."""
    after = _after("rollout_restart")
    assert (
        progress_of(_set(kind, DONE[kind]), Watched(after), grace_over=False).detail == "rolled out"
    )


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("StatefulSet", {"observedGeneration": 2}, "has not seen the newest spec"),
        ("StatefulSet", {"updatedReplicas": 2}, "2 of 3 pods updated"),
        ("StatefulSet", {"availableReplicas": 2}, "2 of 3 updated pods available"),
        ("StatefulSet", {"updateRevision": "db-3"}, "revision db-3 is not the current one yet"),
        ("DaemonSet", {"updatedNumberScheduled": 1}, "1 of 3 pods updated"),
        ("DaemonSet", {"numberAvailable": 2}, "2 of 3 updated pods available"),
        ("DaemonSet", {"observedGeneration": 2}, "has not seen the newest spec"),
    ],
)
def test_anything_missing_is_waited_for(kind: str, status: Json, said: str) -> None:
    """One sentence each."""
    progress = progress_of(_set(kind, DONE[kind] | status), Watched(), grace_over=False)
    assert progress.state == "waiting"
    assert said in progress.detail


def test_a_partition_asks_for_fewer_updated_pods() -> None:
    """And its newest revision never becomes the current one."""
    held = {"updateStrategy": {"rollingUpdate": {"partition": 2}}}
    found = _set("StatefulSet", STATEFUL | {"updatedReplicas": 1, "updateRevision": "db-3"}, **held)
    assert updated_of(found) == (1, 1)
    assert progress_of(found, Watched(), grace_over=False).state == "complete"


@pytest.mark.parametrize("kind", DONE)
@pytest.mark.parametrize(
    ("after", "state"),
    [(None, "complete"), ("evict_pod", "complete"), ("rollout_restart", "failed")],
)
def test_on_delete_is_a_failure_only_of_what_was_to_replace_pods(
    kind: str, after: str | None, state: str
) -> None:
    """Nobody else would ever replace them."""
    old = {"updatedReplicas": 1, "updatedNumberScheduled": 1}
    found = _set(kind, DONE[kind] | old, **ON_DELETE)
    watched = Watched(_after(after) if after else None)
    assert progress_of(found, watched, grace_over=False).state == state


@pytest.mark.parametrize(
    ("kind", "status", "spec", "said"),
    [
        ("StatefulSet", {}, {"replicas": 0}, "scaled to 0"),
        ("DaemonSet", {"desiredNumberScheduled": 0}, {}, "no node takes its pods"),
    ],
)
def test_nothing_is_not_healthy(kind: str, status: Json, spec: Json, said: str) -> None:
    """Waiting does not help."""
    progress = progress_of(_set(kind, DONE[kind] | status, **spec), Watched(), grace_over=False)
    assert progress.state == "failed"
    assert said in progress.detail


def test_a_new_daemon_set_has_no_number_yet() -> None:
    """Its controller has not counted nodes."""
    found = _set("DaemonSet", {})
    assert progress_of(found, Watched(), grace_over=False).state == "waiting"


def test_another_generation_with_the_template_of_the_receipt_is_ours() -> None:
    """An autoscaler acted between our write and the first look."""
    found = _set("StatefulSet", STATEFUL | {"observedGeneration": 3})
    ours = _after("rollout_restart", generation=2, template=found.template_digest)
    other = _after("rollout_restart", generation=2, template="sha256:other")
    assert progress_of(found, Watched(ours), grace_over=False).state == "complete"
    assert "superseded" in progress_of(found, Watched(other), grace_over=False).detail


def test_a_receipt_without_a_generation_compares_with_nothing() -> None:
    """The write was to another object, such as an autoscaler."""
    found = _set("StatefulSet", STATEFUL)
    after = _after("scale", generation=0)
    assert progress_of(found, Watched(after), grace_over=False).state == "complete"
