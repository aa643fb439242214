"""Scenario files: what ships, what a team may write, and how a faulty one is refused."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import InvalidInput
from sandbox.notifications import firing_notifications
from sandbox.scenario import (
    BAD_IMAGE,
    DATABASE_URL,
    DEPLOYMENT,
    GOOD_IMAGE,
    NAMESPACE,
    connect,
    play,
    read_deployment,
)
from sandbox.scenario_file import (
    SHIPPED,
    AlertRule,
    Scenario,
    Workload,
    find_scenario,
    list_scenarios,
    read_scenario,
    seed,
)
from sandbox.server import SandboxServer

NAMES = {
    "bad_rollout",
    "crash_loop",
    "healthy_but_alerting",
    "oom",
    "restart_in_vain",
    "slow_release",
    "stuck_rollout",
    "wrong_image",
}
MINIMAL = """
title = "It breaks"
story = "And is mended."

[bad]
image = "registry.example/web:2"
fault = "oom"

[[alerts]]
name = "KubePodCrashLooping"

[expect]
effective_writes = 0
healthy = false
"""
STUCK = "progress_deadline_seconds of 20"


def written(folder: Path, text: str, name: str = "mine") -> Path:
    """A file of a team."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_six_faults_and_more_ship_and_each_says_what_it_is() -> None:
    """All of them are valid, and told by name and title."""
    listed = dict(list_scenarios())

    assert set(listed) >= NAMES
    assert listed["oom"] == read_scenario(SHIPPED / "oom.toml").title
    assert all(len(title) < 80 and ".toml" not in title for title in listed.values())


def test_the_seed_story_is_what_its_constants_say() -> None:
    """Tests of other parts look for these words."""
    scenario = seed()
    assert scenario.good is not None
    assert scenario.bad is not None
    assert (scenario.good.image, scenario.bad.image) == (GOOD_IMAGE, BAD_IMAGE)
    assert (scenario.workload.namespace, scenario.workload.name) == (NAMESPACE, DEPLOYMENT)
    assert DATABASE_URL in scenario.bad.log
    assert scenario.workload.env == {"DATABASE_URL": DATABASE_URL}


def test_a_small_file_is_enough(tmp_path: Path) -> None:
    """What is not said is the workload of the seed story, alerting once."""
    scenario = read_scenario(written(tmp_path, MINIMAL))

    assert scenario.workload == Workload(namespace="shop", name="user-auth")
    assert scenario.alerts == (AlertRule(name="KubePodCrashLooping"),)
    assert scenario.expect.runbook is None


FAULTY = {
    "unknown key": (("story =", "stroy ="), "stroy: there is no such key (write story)"),
    "unknown key below": (("fault =", "falt ="), "bad.falt: there is no such key (write fault)"),
    "unknown key in a list": (
        ('name = "Kube', 'nam = "Kube'),
        "alerts.0.nam: there is no such key (write name)",
    ),
    "nothing like it": (("[bad]", "[bad]\nxyz = 1"), "bad.xyz: there is no such key (known: image"),
    "missing key": (('title = "It breaks"', ""), "title: Field required"),
    "unknown fault": (('"oom"', '"ooom"'), "bad.fault: the sandbox has no fault 'ooom' (write oom"),
    "no fault near": (('"oom"', '"flood"'), "known: crash-loop, crash-loop-until-restarted"),
    "wrong type": (("effective_writes = 0", 'effective_writes = "no"'), "expect.effective_writes:"),
    "no release": (
        ('[bad]\nimage = "registry.example/web:2"\nfault = "oom"', ""),
        "write [good], [bad] or both",
    ),
    "half an expectation": (
        ("healthy =", 'runbook = "x"\nhealthy ='),
        "expect: runbook and outcome go together",
    ),
    "an alert that would take ten minutes": (
        ('"KubePodCrashLooping"', '"KubeDeploymentRolloutStuck"'),
        STUCK,
    ),
    "a name that Kubernetes does not take": (
        ("[bad]", '[workload]\nname = "User_Auth"\n[bad]'),
        "workload.name:",
    ),
    "no TOML": (("title", "title title"), "not TOML"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_a_faulty_file_is_refused_with_file_and_key(tmp_path: Path, case: str) -> None:
    """A key that is not understood would be a rehearsal of something else."""
    change, said = FAULTY[case]
    text = MINIMAL.replace(*change, 1)
    assert text != MINIMAL
    path = written(tmp_path, text)

    with pytest.raises(InvalidInput) as refused:
        read_scenario(path)

    assert refused.value.message.startswith(f"{path}: ")
    assert said in refused.value.message
    assert "mine.toml" in refused.value.fix


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    """One correction, one more try."""
    text = MINIMAL.replace("story =", "stroy =").replace("fault =", "falt =")

    with pytest.raises(InvalidInput) as refused:
        read_scenario(written(tmp_path, text))

    assert "stroy" in refused.value.message
    assert "falt" in refused.value.message


def test_a_team_has_scenarios_beside_its_runbooks(tmp_path: Path) -> None:
    """By name from the folder `scenarios`, by path from anywhere."""
    mine = written(tmp_path / "scenarios", MINIMAL)

    assert find_scenario("mine", [tmp_path]) == mine
    assert find_scenario(str(mine)) == mine
    assert list_scenarios([tmp_path])[-1] == ("mine", "It breaks")


def test_an_unknown_name_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    """A broken one too, with its fault for a title: it is there, and somebody looks for it."""
    written(tmp_path / "scenarios", MINIMAL.replace("[bad]", "[bat]"), "broken")

    with pytest.raises(InvalidInput, match="there is no scenario 'flood'") as refused:
        find_scenario("flood", [tmp_path])

    assert "\n  oom: Pods are killed for lack of memory" in refused.value.fix
    assert "bat: there is no such key (write bad)" in refused.value.fix
    assert all(f"\n  {name}: " in refused.value.fix for name in NAMES)


def test_a_name_that_stands_twice_is_not_guessed(tmp_path: Path) -> None:
    """A team's file never hides one that ships."""
    mine = written(tmp_path / "scenarios", MINIMAL, "oom")

    with pytest.raises(InvalidInput, match="'oom' stands in") as refused:
        find_scenario("oom", [tmp_path])

    assert str(mine) in refused.value.message


def test_a_file_that_is_not_there_is_told() -> None:
    """By its path."""
    with pytest.raises(InvalidInput, match=r"nowhere\.toml: cannot be read"):
        read_scenario(find_scenario("nowhere.toml"))


def scenario_of(**parts: Any) -> Scenario:
    """A scenario with a bad revision and these parts."""
    expect = {"effective_writes": 0, "healthy": False}
    bad = {"image": "registry.example/web:2", "fault": "wrong-image"}
    told = {"title": "t", "story": "s", "bad": bad, "expect": expect}
    return Scenario.model_validate(told | parts)


def test_alerts_have_the_labels_of_what_they_are_about(shop: Any) -> None:
    """The service by name, the deployment and the pods as kube-state-metrics names them."""
    alerts = [
        {"name": "Slow", "severity": "critical", "labels": {"team": "identity"}},
        {"name": "Behind", "per": "deployment"},
        {"name": "Waiting", "per": "pod", "annotations": {"summary": "{{ $labels.pod }} waits"}},
    ]
    shop.release(BAD_IMAGE, fault="wrong-image")
    shop.advance(3)
    pods = [pod for pod in shop.pods() if pod["status"]["phase"] == "Pending"]
    bodies = firing_notifications(pods[:1], datetime.now(UTC), scenario_of(alerts=alerts))
    slow, behind, waiting = (body["alerts"][0] for body in bodies)

    assert slow["labels"] == {
        "alertname": "Slow",
        "namespace": "shop",
        "service": "user-auth",
        "severity": "critical",
        "team": "identity",
    }
    assert behind["labels"]["deployment"] == "user-auth"
    assert waiting["labels"]["reason"] == "ImagePullBackOff"
    assert waiting["annotations"] == {"summary": f"{pods[0]['metadata']['name']} waits"}
    assert len({body["groupKey"] for body in bodies}) == 3


def test_a_stuck_rollout_is_waited_for_before_its_alert(tmp_path: Path) -> None:
    """On the real clock, and in a namespace that is there already."""
    workload = {"namespace": "default", "name": "web", "progress_deadline_seconds": 1}
    alerts = [{"name": "KubeDeploymentRolloutStuck", "per": "deployment"}]
    scenario = scenario_of(workload=workload, alerts=alerts)
    with SandboxServer() as server, connect(server.write_kubeconfig(tmp_path / "config")) as api:
        pods = play(api, scenario)
        conditions = read_deployment(api, scenario.workload)["status"]["conditions"]

    assert len(pods) == 3
    assert "ProgressDeadlineExceeded" in json.dumps(conditions)
