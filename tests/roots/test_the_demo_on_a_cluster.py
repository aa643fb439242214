"""`firebreak demo --kubeconfig`: the story on a real control plane, unchanged afterwards."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import RealServer
from rest import Rest

from contracts.errors import InvalidInput, Unavailable
from roots.programs import Program, ran, until
from sandbox.ground import Lent, lent
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
