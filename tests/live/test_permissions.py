"""The roles of deploy/rbac/ on a real control plane: exactly what the steps need."""

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
    """A restart passes; another number of pods by the wrong door, or the host's network, does
    not.
    """
    policy = RBAC / "optional"
    real_cluster.rest.create(_deployment("web"))
    assert _apply(real_cluster, policy) == ""
    try:
        real_cluster.wait(lambda: "host's network" in _patched(real_cluster, HOST_NETWORK))
        assert "scale subresource" in _patched(real_cluster, REPLICAS)
        assert _patched(real_cluster, RESTART) == ""
    finally:
        real_cluster.kubectl("delete", "--filename", str(policy), "--namespace=", "--wait=false")


HOST_NETWORK = '{"spec":{"template":{"spec":{"hostNetwork":true}}}}'
REPLICAS = '{"spec":{"replicas":7}}'
RESTART = '{"spec":{"template":{"metadata":{"annotations":{"x":"y"}}}}}'


def _patched(live: Live, patch: str) -> str:
    done = live.kubectl(
        "patch", "deployment", "web", "--type=merge", f"--patch={patch}", "--dry-run=server",
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


def _deployment(name: str) -> dict[str, object]:
    labels = {"app": name}
    container = {"name": "c", "image": "registry.example/c:1"}
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
