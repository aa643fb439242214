"""Each case of a rollout's state, from one reading."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.kubernetes.rollout import Watched, progress_of
from activities.kubernetes.workload import Workload
from activities_kubernetes.shop import KEY, TARGET
from contracts.step import Receipt

WRITTEN_AT = datetime(2026, 11, 21, 3, 0, 0, tzinfo=UTC)
DONE = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
AFTER = Receipt(
    key=KEY,
    action="kubernetes.rollback_deployment",
    target=TARGET,
    did="written",
    summary="",
    written_at=WRITTEN_AT,
    generation=3,
)


def _deployment(
    status: dict[str, Any], *, generation: int = 3, uid: str = "u", **spec: Any
) -> Workload:
    metadata = {"uid": uid, "generation": generation}
    return Workload({"metadata": metadata, "spec": {"replicas": 2} | spec, "status": status})


def _exceeded(seconds_after_write: int) -> dict[str, Any]:
    at = WRITTEN_AT + timedelta(seconds=seconds_after_write)
    return {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "lastUpdateTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "message": "has timed out progressing.",
    }


def test_complete_means_updated_alone_and_available() -> None:
    """As `kubectl rollout status` says it."""
    progress = progress_of(_deployment(DONE), Watched(AFTER), grace_over=False)
    assert progress.state == "complete"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"observedGeneration": 2}, "has not seen the newest spec"),
        ({"updatedReplicas": 1}, "1 of 2 pods updated"),
        ({"replicas": 3}, "1 old pod still there"),
        ({"availableReplicas": 1}, "1 of 2 updated pods available"),
    ],
)
def test_anything_missing_is_waited_for(status: dict[str, Any], said: str) -> None:
    """One sentence each."""
    progress = progress_of(_deployment(DONE | status), Watched(AFTER), grace_over=False)
    assert progress.state == "waiting"
    assert said in progress.detail


@pytest.mark.parametrize("seconds", [-600, 0])
def test_the_deadline_of_the_rollout_before_does_not_count(seconds: int) -> None:
    """The controller shows it for a moment although it has seen the new generation."""
    status = DONE | {"updatedReplicas": 1, "conditions": [_exceeded(seconds)]}
    progress = progress_of(_deployment(status), Watched(AFTER), grace_over=False)
    assert progress.state == "waiting"


def test_a_deadline_that_passed_after_our_write_counts_at_once() -> None:
    """Waiting longer cannot help."""
    status = DONE | {"updatedReplicas": 1, "conditions": [_exceeded(600)]}
    progress = progress_of(_deployment(status), Watched(AFTER), grace_over=False)
    assert progress.state == "failed"
    assert "has timed out progressing" in progress.detail


def test_an_old_deadline_that_stays_counts_after_the_grace() -> None:
    """Then it is no passing picture."""
    status = DONE | {"updatedReplicas": 1, "conditions": [_exceeded(-600)]}
    assert progress_of(_deployment(status), Watched(AFTER), grace_over=True).state == "failed"


def test_without_a_write_any_passed_deadline_counts() -> None:
    """There is nothing to be older than."""
    status = DONE | {"updatedReplicas": 1, "conditions": [_exceeded(-600)]}
    assert progress_of(_deployment(status), Watched(), grace_over=False).state == "failed"


def test_a_newer_generation_with_an_unknown_template_is_superseded() -> None:
    """A first look that comes late cannot tell scaling from a release; it does not guess."""
    status = DONE | {"observedGeneration": 4}
    progress = progress_of(_deployment(status, generation=4), Watched(AFTER), grace_over=False)
    assert progress.state == "failed"
    assert "superseded" in progress.detail


def test_an_older_generation_is_another_object() -> None:
    """Generations only grow."""
    progress = progress_of(_deployment(DONE, generation=1), Watched(AFTER), grace_over=False)
    assert progress.detail == "it was deleted and created again"


def test_another_uid_is_another_object() -> None:
    """Also without a receipt."""
    watched = Watched(uid="first")
    progress = progress_of(_deployment(DONE, uid="second"), watched, grace_over=False)
    assert progress.state == "failed"


def test_nothing_at_all_is_not_healthy() -> None:
    """Zero of zero pods are ready: that is no success."""
    status = {"observedGeneration": 3}
    progress = progress_of(_deployment(status, replicas=0), Watched(AFTER), grace_over=False)
    assert progress.state == "failed"
    assert "scaled to 0" in progress.detail


def test_a_paused_rollout_says_so() -> None:
    """It waits for a person."""
    deployment = _deployment(DONE | {"updatedReplicas": 1}, paused=True)
    assert "paused" in progress_of(deployment, Watched(AFTER), grace_over=False).detail
