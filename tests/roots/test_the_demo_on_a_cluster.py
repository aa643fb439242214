"""`firebreak demo --kubeconfig`: the story on a real control plane, unchanged afterwards."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import RealServer
from kubernetes.client import CoreV1Api
from rest import Rest

from contracts.errors import InvalidInput, Unavailable
from roots.programs import Program, ran, until
from sandbox.claim import BEAT, _contested, _taken_over, beating, claim, give_back
from sandbox.ground import Lent, lent
from sandbox.scenario import connect, raw
from sandbox.server import SandboxServer
from tools.controlplane.files import write_kubeconfig

NAMESPACE = "shop"
OURS = {"firebreak.demo/owner": NAMESPACE}
Json = dict[str, Any]


@pytest.fixture(name="kubeconfig")
def _kubeconfig(real_server: RealServer) -> Path:
    """Of the real control plane."""
    return real_server.cluster.kubeconfig


@pytest.fixture(name="rest")
def _rest(kubeconfig: Path) -> Iterator[Rest]:
    """Somebody who works on that cluster, too."""
    with Rest(kubeconfig, NAMESPACE, "somebody") as rest:
        yield rest


@pytest.fixture(name="core")
def _core(kubeconfig: Path) -> Iterator[CoreV1Api]:
    """The demo's own client."""
    api = connect(kubeconfig)
    yield CoreV1Api(api)
    api.close()  # type: ignore[no-untyped-call]  # the client has no types


def namespaces(rest: Rest) -> dict[str, Json]:
    """Those that are not ending, by name."""
    found = [it["metadata"] for it in rest.items("Namespace")]
    return {it["name"]: it for it in found if "deletionTimestamp" not in it}


def test_the_story_is_healed_with_one_write_and_tidied_up(
    tmp_path: Path, kubeconfig: Path, rest: Rest
) -> None:
    """The same object as on the sandbox, and no namespace is left."""
    done = ran(tmp_path, "demo", "--once", "--approve", "--json", "--kubeconfig", str(kubeconfig))
    assert (done.code, done.err) == (0, ""), done
    told = [done.json[key] for key in ("ok", "outcome", "receipts", "effective_writes", "entries")]
    assert told == [True, "resolved", 1, 1, 1]
    assert NAMESPACE not in namespaces(rest)


def test_a_story_that_is_interrupted_tidies_up_too(
    tmp_path: Path, kubeconfig: Path, rest: Rest
) -> None:
    """Ctrl-C is how people end it."""
    words = ("demo", "--port", "0", "--json", "--kubeconfig", str(kubeconfig))
    with Program(tmp_path, *words) as program:
        assert program.ready()["kubeconfig"] == str(kubeconfig)
        assert namespaces(rest)[NAMESPACE]["labels"].items() >= OURS.items()
        done = program.stop(signal.SIGINT)
    assert (done.code, done.err) == (0, "")
    assert NAMESPACE not in namespaces(rest)


def test_somebodys_namespace_is_not_touched(tmp_path: Path, kubeconfig: Path, rest: Rest) -> None:
    """It is refused before anything starts."""
    until(lambda: NAMESPACE not in [it["metadata"]["name"] for it in rest.items("Namespace")], 30)
    made = rest.create({"kind": "Namespace", "metadata": {"name": NAMESPACE}})
    try:
        done = ran(
            tmp_path, "demo", "--once", "--approve", "--json", "--kubeconfig", str(kubeconfig)
        )
        left = namespaces(rest)[NAMESPACE]
    finally:
        rest.delete("Namespace", NAMESPACE)
    assert (done.code, done.error["code"]) == (1, "invalid")
    assert "did not make" in done.error["message"]
    assert left["uid"] == made["metadata"]["uid"]


def test_what_an_earlier_story_left_is_replaced(kubeconfig: Path, rest: Rest) -> None:
    """One that was killed could not tidy up."""
    name = "left-behind"
    metadata = {"name": name, "labels": {"firebreak.demo/owner": name}}
    old = rest.create({"kind": "Namespace", "metadata": metadata})
    with lent(kubeconfig, None, name) as ground:
        assert ground.cluster == "default"
        assert namespaces(rest)[name]["uid"] != old["metadata"]["uid"]
    assert name not in namespaces(rest)


def test_a_story_that_plays_keeps_its_namespace(
    tmp_path: Path, kubeconfig: Path, rest: Rest
) -> None:
    """A second demo on that cluster is refused, with what to do, and the first goes on."""
    with lent(kubeconfig, None, NAMESPACE):
        mine = namespaces(rest)[NAMESPACE]["uid"]
        done = ran(
            tmp_path, "demo", "--once", "--approve", "--json", "--kubeconfig", str(kubeconfig)
        )
        assert namespaces(rest)[NAMESPACE]["uid"] == mine
    assert (done.code, done.error["code"]) == (1, "invalid")
    assert f"pid {os.getpid()}" in done.error["message"]
    assert "Wait until it has ended" in done.error["fix"]
    assert NAMESPACE not in namespaces(rest)


def test_a_story_that_fell_silent_is_taken_over(core: CoreV1Api, rest: Rest) -> None:
    """A killed demo renews nothing; and should it wake again, it deletes nothing of the new one."""
    name = "silent"
    old = claim(core, name)
    new = claim(core, name, silence_seconds=0.5)
    assert namespaces(rest)[name]["uid"] == new.uid != old.uid
    give_back(core, old)
    assert name in namespaces(rest)
    give_back(core, new)
    assert name not in namespaces(rest)


def test_of_two_who_want_a_silent_one_the_second_is_refused(core: CoreV1Api, rest: Rest) -> None:
    """Both saw the silence; the mark of the first one is seen by the second one's write."""
    name = "wanted"
    old = claim(core, name)
    seen = rest.read("Namespace", name)
    won = _taken_over(core, seen, 0.1)
    with pytest.raises(InvalidInput, match="another demo"):
        _taken_over(core, seen, 0.1)
    with pytest.raises(InvalidInput, match="another demo"), _contested(name):
        raw(core.create_namespace, {"metadata": {"name": name}})
    give_back(core, old)
    assert name in namespaces(rest)
    give_back(core, won)


def test_a_story_whose_namespace_was_taken_stops_writing_to_it(
    core: CoreV1Api, rest: Rest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so once."""
    monkeypatch.setattr("sandbox.claim.BEAT_SECONDS", 0.05)
    mine = claim(core, "taken")
    with beating(core, mine):
        until(lambda: int(_beat_of(rest, "taken")) > 1)
        give_back(core, mine)
        rest.delete("Namespace", "taken")
        until(lambda: "was taken away" in caplog.text, 30)
    assert caplog.text.count("was taken away") == 1


def _beat_of(rest: Rest, name: str) -> str:
    return str(rest.read("Namespace", name)["metadata"]["annotations"][BEAT])


def test_a_context_is_a_cluster_of_the_policy(kubeconfig: Path) -> None:
    """The worker opens it under that name; one that is not there is refused."""
    with lent(kubeconfig, "firebreak", "by-context") as ground:
        assert ground.cluster == "firebreak"
    with pytest.raises(InvalidInput, match="nowhere"), lent(kubeconfig, "nowhere", "x"):
        pass


def test_nodes_that_would_really_pull_the_images_are_refused(tmp_path: Path) -> None:
    """The story's images are nowhere; without this it would end in a timeout."""
    with SandboxServer(anonymous_user="sandbox-admin") as server:
        kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
        with pytest.raises(InvalidInput, match="no node of that cluster"), _lent(kubeconfig):
            pass


def test_a_cluster_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    """Exit code 3, since there is nothing wrong with the command."""
    kubeconfig = write_kubeconfig(tmp_path / "k", ("http://127.0.0.1:9", ""), ("nobody", "token"))
    with pytest.raises(Unavailable, match="does not answer"), _lent(kubeconfig):
        pass


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With what to name instead."""
    with pytest.raises(InvalidInput, match="cannot be used"), _lent(tmp_path / "nothing"):
        pass


def _lent(kubeconfig: Path) -> Any:
    return lent(kubeconfig, None, NAMESPACE)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--context", "x"), "without --kubeconfig"),
        (("--kubeconfig", "k", "--scenario", "oom"), "--scenario"),
    ],
)
def test_flags_that_do_not_go_together_are_wrong_usage(
    tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    """Exit code 2, before anything is opened."""
    done = ran(tmp_path, "demo", *words)
    assert done.code == 2
    assert why in done.err


def deployment(revision: int, manager: str) -> Json:
    """A Deployment at that revision, whose template that manager wrote last."""
    entry = {"manager": manager, "fieldsV1": {"f:spec": {"f:template": {}}}}
    return {
        "metadata": {
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "managedFields": [entry],
        }
    }


@pytest.mark.parametrize(
    ("revision", "manager", "expected"),
    [(2, "deploy-pipeline", 0), (3, "firebreak", 1), (4, "firebreak", 2), (3, "kubectl", None)],
)
def test_writes_are_known_only_where_the_objects_tell_them(
    revision: int, manager: str, expected: int | None
) -> None:
    """Somebody else's new revision makes Firebreak's share unknown, not nought."""
    ground = Lent(Path("kubeconfig"), None)
    began = json.loads(json.dumps(deployment(2, "deploy-pipeline")))
    assert ground.writes("firebreak", began, deployment(revision, manager)) == expected


def test_the_other_namespaces_are_as_they_were(kubeconfig: Path, rest: Rest) -> None:
    """Only its own comes and goes."""
    before = set(namespaces(rest))
    with lent(kubeconfig, None, "fleeting"):
        assert set(namespaces(rest)) == before | {"fleeting"}
    assert set(namespaces(rest)) == before
