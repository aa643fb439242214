"""How many pods a rollout takes at a time, and when nothing serves meanwhile."""

from typing import Any

import pytest

from activities.kubernetes.strategy import strategy_of
from activities.kubernetes.workload import Workload

Json = dict[str, Any]


def _workload(kind: str, replicas: int, spec: Json, ready: int | None = None) -> Workload:
    counts = {"desiredNumberScheduled": replicas} if kind == "DaemonSet" else {}
    here = replicas if ready is None else ready
    status = counts | {"numberReady": here, "readyReplicas": here}
    return Workload({"spec": {"replicas": replicas} | spec, "status": status}, kind=kind)


def _rolling(**figures: Any) -> Json:
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": figures}}


@pytest.mark.parametrize(
    ("replicas", "spec", "unavailable", "surge"),
    [
        (10, {}, 2, 3),
        (1, {}, 0, 1),
        (4, _rolling(maxUnavailable=0, maxSurge=0), 1, 0),
        (4, _rolling(maxUnavailable="50%", maxSurge="30%"), 2, 2),
        (3, _rolling(maxUnavailable=3, maxSurge=0), 3, 0),
        (5, {"strategy": {"type": "Recreate"}}, 5, 0),
    ],
)
def test_a_deployment_rounds_as_its_controller_does(
    replicas: int, spec: Json, unavailable: int, surge: int
) -> None:
    """Shares of pods away are rounded down, of a surge up; both zero means one."""
    found = strategy_of(_workload("Deployment", replicas, spec))
    assert (found.unavailable, found.surge) == (unavailable, surge)


@pytest.mark.parametrize(
    ("spec", "unavailable", "held_back", "ordered"),
    [
        ({}, 1, 0, True),
        ({"podManagementPolicy": "Parallel"}, 1, 0, False),
        ({"updateStrategy": {"rollingUpdate": {"partition": 2}}}, 1, 2, True),
        ({"updateStrategy": {"rollingUpdate": {"partition": 9}}}, 1, 3, True),
        ({"updateStrategy": {"rollingUpdate": {"maxUnavailable": "67%"}}}, 3, 0, True),
    ],
)
def test_a_stateful_set_goes_one_by_one(
    spec: Json, unavailable: int, held_back: int, *, ordered: bool
) -> None:
    """From the highest ordinal down to its partition."""
    found = strategy_of(_workload("StatefulSet", 3, spec))
    assert (found.unavailable, found.held_back, found.ordered) == (unavailable, held_back, ordered)


@pytest.mark.parametrize(
    ("figures", "unavailable", "surge"),
    [({}, 1, 0), ({"maxUnavailable": "20%"}, 2, 0), ({"maxSurge": 1, "maxUnavailable": 0}, 0, 1)],
)
def test_a_daemon_set_goes_node_by_node(figures: Json, unavailable: int, surge: int) -> None:
    """Its shares are rounded up."""
    spec = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": figures}}
    found = strategy_of(_workload("DaemonSet", 6, spec))
    assert (found.unavailable, found.surge) == (unavailable, surge)


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_on_delete_replaces_nothing(kind: str) -> None:
    """Until somebody deletes a pod."""
    found = strategy_of(_workload(kind, 3, {"updateStrategy": {"type": "OnDelete"}}))
    assert found.on_delete
    assert found.unavailable == 0


@pytest.mark.parametrize(
    ("replicas", "ready", "spec", "said"),
    [
        (3, 3, {"strategy": {"type": "Recreate"}}, "Recreate"),
        (3, 0, {"strategy": {"type": "Recreate"}}, ""),
        (1, 1, _rolling(maxSurge=0, maxUnavailable=1), "its only pod"),
        (1, 1, {}, ""),
        (4, 1, _rolling(maxSurge=1, maxUnavailable=2), "up to 2 pods may be away at once"),
        (4, 3, _rolling(maxSurge=1, maxUnavailable=2), ""),
    ],
)
def test_an_outage_is_when_no_ready_pod_is_left(
    replicas: int, ready: int, spec: Json, said: str
) -> None:
    """Where none is ready already, nothing gets worse."""
    workload = _workload("Deployment", replicas, spec, ready)
    outage = strategy_of(workload).outage(workload)
    assert said in outage
    assert bool(outage) == bool(said)


@pytest.mark.parametrize(
    ("spec", "pace"),
    [
        ({"strategy": {"type": "Recreate"}}, "all at once"),
        (_rolling(maxSurge=1, maxUnavailable=0), "one at a time"),
        (_rolling(maxSurge=2, maxUnavailable=0), "a few at a time"),
    ],
)
def test_the_pace_has_words(spec: Json, pace: str) -> None:
    """For the summary of a plan."""
    assert strategy_of(_workload("Deployment", 4, spec)).pace == pace
