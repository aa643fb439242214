"""`firebreak demo` as a new user runs it: a process of its own, and nothing left behind."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import AppsV1Api

from roots.programs import Done, Program, children, is_gone, ran, until
from sandbox.scenario import connect
from stack import listening

KEYS = (
    "ok",
    "incident",
    "outcome",
    "target",
    "receipts",
    "effective_writes",
    "observations",
    "entries",
    "seconds_to_heal",
)
READY = ["ready", "url", "temporal_ui", "kubeconfig", "state", "slack"]


def folders(folder: Path) -> list[Path]:
    """The demo's temporary folders."""
    return list(folder.glob("firebreak-demo-*"))


def played(folder: Path, *ending: str) -> Done:
    """The story without a person."""
    done = ran(folder, "demo", "--once", *ending, "--json")
    assert done.out.count("\n") == 1, done
    assert folders(folder) == []
    return done


def test_an_approved_story_heals_with_one_write(tmp_path: Path) -> None:
    """The object has exactly the keys that scripts rely on, in that order."""
    done = played(tmp_path, "--approve")
    assert (done.code, done.err) == (0, "")
    assert tuple(done.json) == KEYS
    healed = done.json.pop("seconds_to_heal") if done.json["seconds_to_heal"] else None
    assert isinstance(healed, float)
    assert done.json["incident"].startswith("inc-")
    counts = [done.json[key] for key in KEYS[4:8]]
    assert (done.json["ok"], done.json["outcome"], counts) == (True, "resolved", [1, 1, 1, 1])
    assert done.json["target"] == "shop/deployment/user-auth"


@pytest.mark.parametrize(
    ("ending", "outcome", "observations"),
    [(("--deny", "not tonight"), "declined", 1), (("--expire",), "expired", 0)],
    ids=["denied", "expired"],
)
def test_a_story_without_consent_writes_nothing(
    tmp_path: Path, ending: tuple[str, ...], outcome: str, observations: int
) -> None:
    """And is as it should be: exit code 0."""
    done = played(tmp_path, *ending)
    assert (done.code, tuple(done.json)) == (0, KEYS)
    assert (done.json["ok"], done.json["outcome"]) == (True, outcome)
    assert [done.json[key] for key in KEYS[4:]] == [0, 0, observations, 0, None]


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path) -> None:
    """Exit code 1, with what to do."""
    with listening("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        done = ran(tmp_path, "demo", "--port", port, "--json")
    assert (done.code, done.error["code"]) == (1, "invalid")
    assert port in done.error["message"]
    assert "--port" in done.error["fix"]
    assert folders(tmp_path) == []


@pytest.fixture(name="demo")
def _demo(tmp_path: Path) -> Iterator[Program]:
    """A demo for people, before its first line."""
    with Program(tmp_path, "demo", "--port", "0", "--json") as program:
        yield program


def test_the_first_line_says_where_everything_is(demo: Program, tmp_path: Path) -> None:
    """And the official client finds the story's deployment there; Ctrl-C leaves nothing."""
    ready = demo.ready()
    assert list(ready) == READY
    assert (ready["ready"], ready["slack"]) == (True, None)
    assert Path(ready["state"]).parent == tmp_path
    (temporal,) = children(demo.pid)
    client = connect(ready["kubeconfig"])
    apps = AppsV1Api(client)
    until(lambda: "user-auth" in _deployments(apps))
    client.close()  # type: ignore[no-untyped-call]  # the client has no types

    done = demo.stop(signal.SIGINT)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert is_gone(temporal)
    assert folders(tmp_path) == []


def _deployments(apps: Any) -> list[str]:
    answer = apps.list_deployment_for_all_namespaces(_preload_content=False)
    return [item["metadata"]["name"] for item in json.loads(answer.data)["items"]]


def test_it_can_be_ended_while_it_starts(demo: Program, tmp_path: Path) -> None:
    """From the moment there is something to clean up, SIGTERM cleans it up."""
    until(lambda: folders(tmp_path), 30)
    done = demo.stop(signal.SIGTERM)
    assert (done.code, done.out) == (0, "")
    assert folders(tmp_path) == []


def test_a_killed_demo_leaves_no_temporal(demo: Program) -> None:
    """On Linux the child dies with its parent."""
    demo.ready()
    (temporal,) = children(demo.pid)
    demo.kill()
    assert until(lambda: is_gone(temporal))


def test_a_story_that_was_interrupted_did_not_go_well(tmp_path: Path) -> None:
    """Exit code 1, so that a script does not take it for done."""
    with Program(tmp_path, "demo", "--once", "--approve", "--json") as program:
        until(lambda: folders(tmp_path), 30)
        done = program.stop(signal.SIGTERM)
    assert (done.code, done.error["code"]) == (1, "stopped")
    assert folders(tmp_path) == []
