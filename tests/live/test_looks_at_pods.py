"""Why pods are sick, as the looks tell it of the states that a cluster really shows."""

from typing import Any

import pytest

from activities.kubernetes.events import EventsLook
from activities.kubernetes.logs import PodLogsLook
from activities.kubernetes.pod_states import PodStatesLook
from contracts.kubernetes import Events, PodLogs, PodStates
from contracts.target import Target
from live.eyes import Eyes, Object, eyes_fixture

__all__ = ["eyes_fixture"]
HUGE = {"resources": {"requests": {"cpu": "4000"}}}


def _states(eyes: Eyes, target: Target) -> Object:
    return eyes.facts(PodStatesLook, PodStates(target=target))


def _caused(eyes: Eyes, target: Target, cause: str) -> Object:
    """The facts, once the look names this cause."""

    def found() -> Object:
        facts = _states(eyes, target)
        return facts if facts["cause"] == cause else {}

    return eyes.live.wait(found)


@pytest.mark.parametrize(
    ("fault", "cause", "remedy"),
    [
        ("crash-loop", "crash_loop", "restart"),
        ("oom", "oom", "rollback"),
        ("wrong-image", "image", "rollback"),
        ("config", "config", "rollback"),
        ("never-ready", "probe", "restart"),
        ("probe", "probe", "restart"),
    ],
)
def test_each_fault_has_its_cause_and_its_remedy(
    eyes: Eyes, fault: str, cause: str, remedy: str
) -> None:
    """On every pod of the workload."""
    target = eyes.workload(fault=fault, replicas=2)
    eyes.live.wait(lambda: _states(eyes, target)["causes"].get(cause) == 2)
    facts = _states(eyes, target)
    assert (facts["pods_total"], facts["pods_ready"]) == (2, 0)
    assert facts["remedy"] == remedy
    assert {pod["cause"] for pod in facts["pods"]} == {cause}


def test_a_pod_that_no_node_takes_needs_a_person(eyes: Eyes) -> None:
    """It asks for more than any node has."""
    facts = _caused(eyes, eyes.workload(container=HUGE), "unschedulable")
    assert facts["remedy"] == "person"


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_pod_that_a_quota_forbids_is_told_although_it_is_nowhere(eyes: Eyes, kind: str) -> None:
    """The API server's sentence names the quota."""
    eyes.create("ResourceQuota", "team", spec={"hard": {"pods": "1"}})
    eyes.live.wait(
        lambda: eyes.live.rest.read("ResourceQuota", "team").get("status", {}).get("hard")
    )
    facts = _caused(eyes, eyes.workload(kind, replicas=3), "quota")
    assert facts["causes"] == {"quota": 2}
    assert "exceeded quota: team" in eyes.body


def test_a_rollout_that_a_quota_stops_is_told_while_every_old_pod_is_well(eyes: Eyes) -> None:
    """The new pods would come first, and may not."""
    target = eyes.workload(replicas=2)
    eyes.live.wait(lambda: _states(eyes, target)["pods_ready"] == 2)
    eyes.create("ResourceQuota", "team", spec={"hard": {"pods": "2"}})
    eyes.live.wait(
        lambda: eyes.live.rest.read("ResourceQuota", "team").get("status", {}).get("hard")
    )
    body = {"spec": {"template": {"metadata": {"annotations": {"release": "2"}}}}}
    eyes.live.rest.patch("Deployment", "web", body)
    facts = _caused(eyes, target, "quota")
    assert (facts["pods_ready"], facts["remedy"]) == (2, "person")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_healthy_pods_have_no_cause(eyes: Eyes, kind: str) -> None:
    """Of every kind."""
    placed: Any = {}
    if kind == "DaemonSet":
        placed = {"nodeSelector": {"kubernetes.io/hostname": eyes.live.add_node()}}
    target = eyes.workload(kind, **placed)
    eyes.live.wait(lambda: _states(eyes, target)["pods_ready"] == 1)
    facts = _states(eyes, target)
    assert (facts["cause"], facts["causes"], facts["remedy"]) == ("", {}, "")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_logs_are_also_from_before_the_crash(eyes: Eyes, kind: str) -> None:
    """The last words of the container that died."""
    target = eyes.workload(kind, fault="crash-loop")
    step = PodLogs(target=target)

    def crashed_again() -> bool:
        facts = eyes.facts(PodLogsLook, step)
        restarted = any(pod["restarts"] for pod in facts["pods"])
        return bool(restarted and facts["pods_crash_looping"] == 1)

    eyes.live.wait(crashed_again)
    assert "before its last restart" in eyes.body
    assert "(no log)" not in eyes.body.partition("before its last restart")[2].splitlines()[1]


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_events_are_told_with_what_they_are_about(eyes: Eyes, kind: str) -> None:
    """The pod's own, and its owners'."""
    target = eyes.workload(kind, fault="crash-loop")

    def told() -> Object:
        reasons: Object = eyes.facts(EventsLook, Events(target=target))["reasons"]
        return reasons if "BackOff" in reasons else {}

    reasons = eyes.live.wait(told)
    made = {"Deployment": "ScalingReplicaSet", "StatefulSet": "SuccessfulCreate"}
    assert made[kind] in reasons
    assert "pod/web-" in eyes.body
