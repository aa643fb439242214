"""The roles of deploy/rbac/ on a real control plane: exactly what the steps need."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from clusters import Live, Role
from permissions import RBAC

from activities.kubernetes import Cluster, open_cluster
from activities.kubernetes.verbs import NEEDS, Permission, missing, needed

EVERYTHING = needed(NEEDS, nodes=True)
WRITES = ("create", "patch", "delete")
FORBIDDEN = (
    *(Permission(verb, "", "secrets", "") for verb in ("get", "list", "create", "patch")),
    *(Permission(verb, "apps", "deployments", "") for verb in ("update", "create", "delete")),
    *(Permission(verb, "", "pods", "") for verb in ("create", "patch", "deletecollection")),
    Permission("update", "apps", "deployments/scale", ""),
    Permission("create", "", "pods/exec", ""),
    Permission("delete", "", "nodes", "", everywhere=True),
    Permission("*", "*", "*", "", everywhere=True),
)


@contextmanager
def as_account(live: Live, role: Role) -> Iterator[Cluster]:
    """The client of a service account."""
    cluster = open_cluster(live.kubeconfig_as(role), None)
    yield cluster
    cluster.close()


def test_the_actor_may_do_all_that_the_steps_need(real_cluster: Live) -> None:
    """In the namespace it is bound in, and nothing of it in another."""
    with as_account(real_cluster, "actor") as cluster:
        assert missing(cluster, EVERYTHING, real_cluster.namespace) == ()
        elsewhere = [p for p in EVERYTHING if not p.everywhere and p.verb in WRITES]
        assert missing(cluster, elsewhere, "kube-system") == tuple(elsewhere)


def test_the_reader_may_write_nothing(real_cluster: Live) -> None:
    """It reads all that the steps read."""
    with as_account(real_cluster, "reader") as cluster:
        lacking = missing(cluster, EVERYTHING, real_cluster.namespace)
    assert lacking == tuple(p for p in EVERYTHING if p.verb in WRITES)


@pytest.mark.parametrize("role", ["actor", "reader"])
def test_nobody_may_do_more(real_cluster: Live, role: Role) -> None:
    """No secrets, no update, no collection, no shell, no star."""
    with as_account(real_cluster, role) as cluster:
        assert missing(cluster, FORBIDDEN, real_cluster.namespace) == FORBIDDEN


def test_the_accounts_and_the_admission_policy_are_accepted(real_cluster: Live) -> None:
    """What is applied once, and what may be applied besides: the server validates both."""
    assert _apply(real_cluster, RBAC / "once") == ""
    assert _apply(real_cluster, RBAC / "optional", "--dry-run=server") == ""


def _apply(live: Live, folder: Path, *options: str) -> str:
    """What the API server says against it; each file brings its own namespaces."""
    done = live.kubectl("apply", "--filename", str(folder), "--namespace=", *options)
    return done.stderr if done.returncode else ""


def test_the_admission_policy_keeps_privileges_as_they_are(real_cluster: Live) -> None:
    """A restart passes; another number of pods by the wrong door, or more power over the host for
    any container, does not.
    """
    policy = RBAC / "optional"
    real_cluster.rest.create(_deployment("web"))
    powers = {"privileged": True, "capabilities": {"add": ["NET_RAW"]}}
    real_cluster.rest.create(_deployment("strong", **powers))
    assert _apply(real_cluster, policy) == ""
    try:
        real_cluster.wait(lambda: "host's network" in _patched(real_cluster, HOST_NETWORK))
        assert "scale subresource" in _patched(real_cluster, REPLICAS)
        for pod, said in GAINS:
            assert said in _patched(real_cluster, _of_pods(pod)), pod
        assert _patched(real_cluster, _of_pods(HARMLESS)) == ""
        assert _patched(real_cluster, RESTART, "strong") == ""
        assert _patched(real_cluster, RESTART) == ""
    finally:
        real_cluster.kubectl("delete", "--filename", str(policy), "--namespace=", "--wait=false")


HOST_NETWORK = '{"spec":{"template":{"spec":{"hostNetwork":true}}}}'
REPLICAS = '{"spec":{"replicas":7}}'
RESTART = '{"spec":{"template":{"metadata":{"annotations":{"x":"y"}}}}}'


def _container(name: str, **security: object) -> dict[str, object]:
    return {"name": name, "image": "registry.example/c:1", "securityContext": security}


GAINS: tuple[tuple[dict[str, object], str], ...] = (
    ({"hostPID": True}, "host's processes"),
    ({"hostIPC": True}, "host's IPC"),
    ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "folder of the host"),
    ({"containers": [_container("c", privileged=True)]}, "privileged"),
    ({"initContainers": [_container("i", privileged=True)]}, "privileged"),
    ({"containers": [_container("c", capabilities={"add": ["SYS_ADMIN"]})]}, "a capability"),
    ({"initContainers": [_container("i", capabilities={"add": ["NET_RAW"]})]}, "a capability"),
)
HARMLESS: dict[str, object] = {"initContainers": [_container("i", capabilities={"drop": ["ALL"]})]}


def _of_pods(spec: dict[str, object]) -> str:
    return json.dumps({"spec": {"template": {"spec": spec}}})


def _patched(live: Live, patch: str, name: str = "web") -> str:
    done = live.kubectl(
        "patch", "deployment", name, "--type=merge", f"--patch={patch}", "--dry-run=server",
        role="actor",
    )  # fmt: skip
    return done.stderr if done.returncode else ""


def test_a_missing_permission_is_named_with_the_file_that_grants_it() -> None:
    """As `kubectl auth can-i` writes it."""
    (patch,) = [p for p in EVERYTHING if str(p) == "patch deployments.apps/scale"]
    assert patch.file == "actor"
    assert patch.attributes("shop") == {
        "verb": "patch", "group": "apps", "resource": "deployments", "subresource": "scale",
        "namespace": "shop",
    }  # fmt: skip


def _deployment(name: str, **security: object) -> dict[str, object]:
    labels = {"app": name}
    container = _container("c", **security)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
