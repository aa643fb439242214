"""Why a pod is sick: one word for each state that a kubelet, a scheduler or a controller shows."""

from collections import Counter
from typing import Any

import pytest

from activities.kubernetes.classify import REMEDIES, cause_of, cause_of_refusal, ranked
from activities.kubernetes.pod_states import PodStatesLook
from activities.kubernetes.pods import state_of
from activities.kubernetes.raw import Object
from activities_kubernetes.planted import (
    NOW,
    Planted,
    ago,
    ended,
    event,
    look,
    pod,
    ready_status,
    replica_set,
    sick_status,
    target,
    waiting,
    workload,
)
from contracts.errors import InvalidInput
from contracts.kubernetes import PodStates
from contracts.step import Evidence

UNHEALTHY = "Unhealthy"


def _cause(status: Object, *told: tuple[str, str], **parts: Any) -> str:
    sick = pod(status=status, **parts)
    warnings = [event(sick, reason, message) for reason, message in told]
    return cause_of(state_of(sick), warnings, NOW)


def _order(**pods: int) -> list[str]:
    counted: Counter[Any] = Counter(pods)
    return list(ranked(counted))


def _crashed(restarts: int = 5, reason: str = "Error", code: int = 1) -> Object:
    again = waiting("CrashLoopBackOff") | ended(reason, code)
    return sick_status(restartCount=restarts, **again)


def _look(cluster: Planted, pods_max: int = 10, kind: str = "Deployment") -> tuple[Evidence, str]:
    return look(cluster, PodStatesLook, PodStates(target=target(kind), pods_max=pods_max))


@pytest.mark.parametrize(
    "reason",
    [
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
    ],
)
def test_an_image_that_does_not_come_is_the_image(reason: str) -> None:
    """It flaps between these words."""
    assert _cause(sick_status("Pending", **waiting(reason))) == "image"


@pytest.mark.parametrize(
    "reason", ["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]
)
def test_a_container_that_cannot_be_made_is_the_configuration(reason: str) -> None:
    """A missing ConfigMap, a wrong command."""
    assert _cause(sick_status("Pending", **waiting(reason))) == "config"


def test_a_program_that_never_starts_is_the_configuration_although_it_backs_off() -> None:
    """The command does not exist in the image: the kubelet says so once, then only backs off."""
    assert _cause(_crashed(reason="StartError", code=128)) == "config"


def test_a_volume_that_names_what_is_missing_is_the_configuration() -> None:
    """No container state tells of it, only an event."""
    missing = ("FailedMount", 'MountVolume.SetUp failed: configmap "x" not found')
    slow = ("FailedMount", "Unable to attach or mount volumes: timed out")
    starting = sick_status("Pending", **waiting("ContainerCreating"))
    assert _cause(starting, missing) == "config"
    assert _cause(starting, slow) == ""


def test_a_crash_loop_is_one_while_it_waits_and_while_it_runs() -> None:
    """It flaps between the two."""
    assert _cause(_crashed()) == "crash_loop"
    running: Object = {"state": {"running": {"startedAt": ago(2)}}}
    assert _cause(sick_status(restartCount=3, **running, **ended("Error"))) == "crash_loop"


def test_out_of_memory_is_told_from_a_crash_by_its_reason_and_never_by_the_code() -> None:
    """The kubelet kills with 137, too."""
    assert _cause(_crashed(reason="OOMKilled", code=137)) == "oom"
    assert _cause(_crashed(reason="Error", code=137)) == "crash_loop"


def test_a_kill_now_counts_more_than_the_exit_before() -> None:
    """The first exit may have been another fault."""
    now = {"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}
    assert _cause(sick_status(restartCount=2, **(ended("Error") | now))) == "oom"


def test_a_crash_that_a_liveness_probe_made_is_the_probe() -> None:
    """A readiness probe kills nothing, so its failure explains no crash."""
    killed = (UNHEALTHY, "Liveness probe failed: HTTP 500")
    unready = (UNHEALTHY, "Readiness probe failed: HTTP 503")
    assert _cause(_crashed(code=137), killed) == "probe"
    assert _cause(_crashed(code=137), unready) == "crash_loop"


def test_a_container_that_runs_and_is_not_ready_fails_its_probe() -> None:
    """Said by an event, or by the time: events are gone after an hour."""
    fresh = sick_status(state={"running": {"startedAt": ago(5)}})
    old = sick_status(state={"running": {"startedAt": ago(4000)}})
    assert _cause(fresh) == ""
    assert _cause(fresh, (UNHEALTHY, "Readiness probe failed: HTTP 503")) == "probe"
    assert _cause(old) == "probe"


def test_an_init_container_at_work_is_no_failing_probe() -> None:
    """A long migration is not sick."""
    at_work = {"name": "migrate", "ready": False, "state": {"running": {"startedAt": ago(4000)}}}
    status = sick_status("Pending", **waiting("PodInitializing"))
    assert _cause(status | {"initContainerStatuses": [at_work]}) == ""


def test_an_init_container_counts_as_any_other() -> None:
    """The pod never gets to its containers."""
    stuck = {"name": "migrate", "ready": False, "restartCount": 4} | waiting("CrashLoopBackOff")
    status = sick_status("Pending", **waiting("PodInitializing"))
    sick = pod(status=status | {"initContainerStatuses": [stuck | ended("Error")]})
    assert cause_of(state_of(sick), [], NOW) == "crash_loop"
    assert state_of(sick).container == "migrate"


def test_a_container_for_debugging_makes_nothing_sick() -> None:
    """Its image has nothing to do with the release."""
    debug = {"name": "debug", "ready": False} | waiting("ImagePullBackOff")
    status = ready_status() | {"ephemeralContainerStatuses": [debug]}
    assert _cause(status) == ""
    assert state_of(pod(status=status)).reason == ""


def test_of_two_sick_containers_the_hopeless_one_is_told() -> None:
    """The crash may well come from the container that is missing beside it."""
    status = _crashed()
    status["containerStatuses"] += [
        {"name": "side", "ready": False, "restartCount": 0} | waiting("CreateContainerConfigError")
    ]
    assert _cause(status) == "config"


def test_no_node_takes_it() -> None:
    """The scheduler says so in a condition."""
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    assert _cause({"phase": "Pending", "conditions": [scheduled]}) == "unschedulable"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("Evicted", "evicted"),
        ("NodeShutdown", "node"),
        ("NodeLost", "node"),
        ("OutOfcpu", "node"),
        ("UnexpectedAdmissionError", "node"),
    ],
)
def test_a_pod_that_its_node_ended_says_so(said: str, cause: str) -> None:
    """Its controller has made another one."""
    assert _cause({"phase": "Failed", "reason": said}) == cause


def test_a_silent_node_is_told_from_a_failing_probe() -> None:
    """The pod is marked without a reason, and its containers stay ready as last heard."""
    cut_off = ready_status() | {"conditions": [{"type": "Ready", "status": "False"}]}
    unknown = ready_status() | {"conditions": [{"type": "Ready", "status": "Unknown"}]}
    gated = {"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady"}
    assert _cause(cut_off) == "node"
    assert _cause(unknown) == "node"
    assert _cause(ready_status() | {"conditions": [gated]}) == ""


def test_a_ready_pod_between_two_crashes_is_sick_all_the_same() -> None:
    """Without a readiness probe a crash-looping container is ready while it runs."""
    assert _cause(ready_status(restartCount=4, **ended("Error", seconds_ago=60))) == "crash_loop"
    assert _cause(ready_status(restartCount=4, **ended("OOMKilled", seconds_ago=60))) == "oom"
    assert _cause(ready_status(restartCount=4, **ended("Error", seconds_ago=4000))) == ""
    assert _cause(ready_status(restartCount=1, **ended("Error", seconds_ago=60))) == ""


def test_a_pod_that_is_done_or_well_has_no_cause() -> None:
    """A Job's pod is not ready when it has succeeded."""
    assert _cause(ready_status()) == ""
    assert _cause(sick_status("Succeeded")) == ""


def test_a_job_s_pod_that_failed_has_crashed() -> None:
    """It is never restarted, so nothing loops."""
    over = {"state": {"terminated": {"reason": "Error", "exitCode": 2}}}
    assert _cause(sick_status("Failed", **over)) == "crash_loop"


def test_pods_of_the_past_never_outnumber_the_living() -> None:
    """Forty evicted pods lie around for days; two crash now."""
    assert _order(evicted=40, crash_loop=2) == ["crash_loop", "evicted"]


def test_of_equal_causes_the_one_comes_first_that_a_restart_leaves() -> None:
    """It is the dearer mistake."""
    assert _order(crash_loop=2, image=2, probe=3) == ["probe", "image", "crash_loop"]


def test_a_restart_is_never_the_remedy_for_what_the_template_says() -> None:
    """New pods of the same template would be as sick."""
    for cause in ("image", "config", "oom", "unschedulable", "quota"):
        assert REMEDIES[cause] != "restart"


def test_refused_pods_are_the_quota_or_the_configuration() -> None:
    """The API server says which."""
    assert cause_of_refusal('pods "web-1" is forbidden: exceeded quota: team, ...') == "quota"
    assert cause_of_refusal('violates PodSecurity "restricted:latest"') == "config"


def test_the_look_counts_each_cause_and_names_the_remedy() -> None:
    """What a runbook decides on."""
    pods = [
        pod("web-1", status=_crashed(reason="OOMKilled", code=137)),
        pod("web-2", status=_crashed(reason="OOMKilled", code=137)),
        pod("web-3"),
    ]
    evidence, body = _look(Planted(workload(replicas=3), replica_set(), *pods))
    facts = evidence.facts
    assert (facts["pods_total"], facts["pods_ready"]) == (3, 1)
    assert (facts["cause"], facts["causes"], facts["remedy"]) == ("oom", {"oom": 2}, "rollback")
    assert [pod["cause"] for pod in facts["pods"]] == ["oom", "oom", ""]
    assert set(facts["pods"][0]) == {
        "pod",
        "ready",
        "restarts",
        "reason",
        "container",
        "last_reason",
        "last_exit",
        "cause",
    }
    assert "web-1, not ready, on node-1, restarts 5, cause oom" in body
    assert evidence.title == "1 of 3 pods of deployment shop/web ready: oom"


def test_the_look_asks_for_the_events_of_unclear_pods() -> None:
    """A killing probe is told nowhere else."""
    sick = pod(status=_crashed(code=137))
    told = event(sick, UNHEALTHY, "Liveness probe failed: HTTP 500")
    facts = _look(Planted(workload(replicas=1), replica_set(), sick, told))[0].facts
    assert (facts["cause"], facts["remedy"]) == ("probe", "restart")


def test_the_look_lists_no_more_pods_than_asked_and_counts_them_all() -> None:
    """History stays small."""
    pods = [pod(f"web-{n}", status=_crashed()) for n in range(5)]
    facts = _look(Planted(workload(replicas=5), replica_set(), *pods), pods_max=2)[0].facts
    assert len(facts["pods"]) == 2
    assert facts["causes"] == {"crash_loop": 5}


def test_pods_that_a_quota_refused_are_counted_although_they_are_nowhere() -> None:
    """A Deployment says it in a condition."""
    message = 'pods "web-x" is forbidden: exceeded quota: team, requested: cpu=1'
    failure = {"type": "ReplicaFailure", "status": "True", "message": message}
    status = {"conditions": [failure], "updatedReplicas": 1}
    deployment = workload(replicas=3, status=status)
    evidence, body = _look(Planted(deployment, replica_set(), pod()))
    assert evidence.facts["causes"] == {"quota": 2}
    assert evidence.facts["remedy"] == "person"
    assert "exceeded quota: team" in body


def test_a_rollout_that_a_quota_stops_is_told_while_every_old_pod_is_well() -> None:
    """No pod is missing; the new ones never come."""
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: team"}
    stuck = workload(replicas=1, status={"conditions": [failure], "updatedReplicas": 0})
    facts = _look(Planted(stuck, replica_set(), pod()))[0].facts
    assert (facts["pods_ready"], facts["causes"], facts["remedy"]) == (1, {"quota": 1}, "person")
    over = workload(replicas=1, status={"conditions": [failure | {"status": "False"}]})
    assert _look(Planted(over, replica_set(), pod()))[0].facts["cause"] == ""


def test_the_other_kinds_say_it_in_events_only() -> None:
    """The newest counts, and only while a pod is missing."""
    stateful = workload("StatefulSet", replicas=2)
    old = event(stateful, "FailedCreate", "violates PodSecurity", seconds_ago=900)
    new = event(stateful, "FailedCreate", "exceeded quota: team", seconds_ago=5)
    new["metadata"]["name"] = "newer"
    one, two = (pod(name, owner="StatefulSet") for name in ("web-0", "web-1"))
    short = Planted(stateful, one, old, new)
    assert _look(short, kind="StatefulSet")[0].facts["causes"] == {"quota": 1}
    whole = Planted(stateful, one, two, old, new)
    evidence, body = _look(whole, kind="StatefulSet")
    assert evidence.facts["cause"] == ""
    assert "refused" not in body


def test_what_the_kubelet_says_is_kept_without_its_secrets() -> None:
    """The environment's values are known from the template."""
    env = [{"name": "DB_PASSWORD", "value": "hunter2-secret"}]
    said = "failed to start: hunter2-secret is no port"
    sick = pod(
        status=sick_status("Pending", **waiting("CreateContainerError", said)),
        spec={"containers": [{"name": "main", "image": "web:1", "env": env}]},
    )
    evidence, body = _look(Planted(workload(replicas=1), replica_set(), sick))
    assert "failed to start" in body
    assert "hunter2" not in body + evidence.model_dump_json()


def test_a_kind_without_pods_is_refused() -> None:
    """A CronJob has Jobs."""
    with pytest.raises(InvalidInput, match="not to a CronJob"):
        _look(Planted(), kind="CronJob")
