"""The real kubectl on the sandbox: what people type when they look after a workload."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from clusters import absent

from sandbox import Pace, SandboxServer, Timing
from sandbox.scenario import connect, create_shop, wait_until_healthy
from tools.controlplane.binaries import MissingError, find_binaries
from tools.controlplane.build import folder_of

USER = "kubectl-user"
SECONDS_MAX = 30


class Shell:
    """A namespace `shop` with one workload of each kind, and kubectl."""

    def __init__(self, server: SandboxServer, kubeconfig: Path) -> None:
        self.server = server
        self._settings = ("--kubeconfig", str(kubeconfig), "--namespace", "shop")

    def run(self, *words: str) -> str:
        """What kubectl prints; fails when it fails."""
        done = self.tried(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tried(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """The end of a call, whatever it is."""
        command = [*kubectl(), *self._settings, *words]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
        )

    def create(self, path: str, body: dict[str, Any]) -> None:
        """POST, as somebody else did it before."""
        token = next(iter(self.server.tokens))
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with urllib3.PoolManager(retries=False) as pool:
            url = f"{self.server.url}/apis/{path}"
            assert pool.request("POST", url, headers=headers, json=body).status == 201


def kubectl() -> list[str]:
    """That of the control plane, else the one of the machine."""
    try:
        return find_binaries(os.environ, folder_of(os.environ)).command("kubectl")
    except MissingError as err:
        own = shutil.which("kubectl")
        return [own] if own else absent(os.environ, str(err))


def workload(name: str, **spec: Any) -> dict[str, Any]:
    """A set of small pods."""
    containers = [{"name": "app", "image": "registry.example/app:1"}]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    inside = {"selector": {"matchLabels": {"app": name}}, "template": template}
    return {"metadata": {"name": name}, "spec": inside | spec}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A sandbox whose pods are quick, and everything in it healthy."""
    timing = Timing(tick_seconds=0.03, pace=Pace(ready_seconds=0.05, terminate_seconds=0.05))
    with SandboxServer(timing=timing, anonymous_user=USER) as server:
        kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
        made = Shell(server, kubeconfig)
        with connect(kubeconfig) as api:
            create_shop(api)
            sets = "apps/v1/namespaces/shop"
            made.create(f"{sets}/statefulsets", workload("db", replicas=2, serviceName="db"))
            made.create(f"{sets}/daemonsets", workload("agent"))
            wait_until_healthy(api)
        yield made


def test_get_names_what_is_there(shell: Shell) -> None:
    """Of all kinds, in the table that people know."""
    shown = shell.run("get", "deployments,statefulsets,daemonsets,pods,nodes")

    for name in ("deployment.apps/user-auth", "statefulset.apps/db", "daemonset.apps/agent"):
        assert name in shown
    assert "node/sandbox-node" in shown
    assert "pod/user-auth-" in shown


def test_get_shows_the_columns_that_people_know(shell: Shell) -> None:
    """Computed by the server, as a real one does."""
    deployment = shell.run("get", "deployment", "user-auth").splitlines()
    assert deployment[0].split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert deployment[1].split()[:4] == ["user-auth", "3/3", "3", "3"]
    pods = shell.run("get", "pods", "-l", "app=user-auth", "-o", "wide").splitlines()
    assert pods[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    assert {tuple(line.split()[1:4]) for line in pods[1:]} == {("1/1", "Running", "0")}
    assert "Ready" in shell.run("get", "nodes")
    assert "ScalingReplicaSet" in shell.run("get", "events")


@pytest.mark.parametrize("what", ["deployment/user-auth", "statefulset/db", "daemonset/agent"])
def test_describe_tells_the_image_and_the_events(shell: Shell, what: str) -> None:
    """And which pods were made."""
    shown = shell.run("describe", what)

    assert "registry.example/" in shown
    assert "Events:" in shown
    assert "controller" in shown.partition("Events:")[2]


def test_describe_of_pods_and_nodes(shell: Shell) -> None:
    """The node of a pod, and the pods of a node."""
    shown = shell.run("describe", "pods", "-l", "app=user-auth")
    assert shown.count("Controlled By:  ReplicaSet/user-auth-") == 3
    assert "sandbox-node" in shown
    assert "Ready" in shell.run("describe", "node", "sandbox-node")


@pytest.mark.parametrize("what", ["deployment/user-auth", "statefulset/db", "daemonset/agent"])
def test_restart_status_history_and_undo(shell: Shell, what: str) -> None:
    """The whole way of a rollout, watched to its end."""
    assert "restarted" in shell.run("rollout", "restart", what)
    shown = shell.run("rollout", "status", what, "--timeout=20s")
    assert "successfully rolled out" in shown or "roll out complete" in shown
    numbers = [line.split()[0] for line in shell.run("rollout", "history", what).splitlines()[2:-1]]
    assert numbers == ["1", "2"]

    assert "rolled back" in shell.run("rollout", "undo", what)
    shell.run("rollout", "status", what, "--timeout=20s")
    numbers = [line.split()[0] for line in shell.run("rollout", "history", what).splitlines()[2:-1]]
    assert numbers == ["2", "3"]


def test_status_of_a_rollout_that_is_stuck_fails(shell: Shell) -> None:
    """After its own time-out, with a word on why."""
    shell.run("set", "image", "deployment/user-auth", "user-auth=registry.example/other:1")
    shell.run("patch", "deployment", "user-auth", "-p", FAULTY)
    done = shell.tried("rollout", "status", "deployment/user-auth", "--timeout=1s")

    assert done.returncode == 1
    assert "timed out waiting for the condition" in done.stderr


FAULTY = (
    '{"spec":{"template":{"metadata":{"annotations":{"sandbox.firebreak/fault":"wrong-image"}}}}}'
)


@pytest.mark.parametrize("what", ["deployment/user-auth", "statefulset/db"])
def test_scale(shell: Shell, what: str) -> None:
    """With and without a precondition."""
    assert "scaled" in shell.run("scale", what, "--replicas=4")
    assert "scaled" in shell.run("scale", what, "--replicas=1", "--current-replicas=4")
    done = shell.tried("scale", what, "--replicas=5", "--current-replicas=3")
    assert done.returncode == 1
    assert shell.run("get", what, "-o", "jsonpath={.spec.replicas}") == "1"


def test_logs_and_those_of_before_the_restart(shell: Shell) -> None:
    """Of the workload, and of a pod that crashed."""
    assert "listening on :8080" in shell.run("logs", "deployment/user-auth")
    pod = shell.run("get", "pods", "-l", "app=user-auth", "-o", "name").splitlines()[0]
    assert "not found" in shell.tried("logs", pod, "--previous").stderr

    crash = FAULTY.replace("wrong-image", "crash-loop")
    shell.run("patch", "deployment", "user-auth", "-p", crash)
    path = "{.items[?(@.status.containerStatuses[0].restartCount>0)].metadata.name}"
    shell.run(
        "wait",
        "deployment/user-auth",
        "--for=jsonpath={.status.unavailableReplicas}=3",
        "--timeout=20s",
    )
    crashed = ""
    for _ in range(100):
        crashed = shell.run("get", "pods", "-o", f"jsonpath={path}").partition(" ")[0]
        if crashed:
            break
    assert "SIGNING_KEY" in shell.run("logs", crashed, "--previous")


def test_delete_waits_until_it_is_gone(shell: Shell) -> None:
    """Pods come back, workloads do not."""
    assert shell.run("delete", "pods", "-l", "app=db", "--timeout=20s").count("deleted") == 2
    for what in ("deployment/user-auth", "statefulset/db", "daemonset/agent"):
        assert "deleted" in shell.run("delete", what, "--timeout=20s")
    left = shell.run("get", "deployments,statefulsets,daemonsets", "--ignore-not-found")
    assert left == ""


def test_cordon(shell: Shell) -> None:
    """And back."""
    assert "cordoned" in shell.run("cordon", "sandbox-node")
    assert (
        shell.run("get", "node", "sandbox-node", "-o", "jsonpath={.spec.unschedulable}") == "true"
    )
    assert "uncordoned" in shell.run("uncordon", "sandbox-node")
    assert shell.run("get", "node", "sandbox-node", "-o", "jsonpath={.spec.unschedulable}") == ""


def test_a_job_runs_and_is_deleted(shell: Shell) -> None:
    """Waited for by kubectl itself."""
    containers = [{"name": "app", "image": "registry.example/task:1"}]
    template = {"spec": {"restartPolicy": "Never", "containers": containers}}
    job = {"metadata": {"name": "task"}, "spec": {"template": template}}
    shell.create("batch/v1/namespaces/shop/jobs", job)

    shell.run("wait", "job/task", "--for=condition=Complete", "--timeout=20s")
    assert "deleted" in shell.run("delete", "job", "task", "--timeout=20s")
