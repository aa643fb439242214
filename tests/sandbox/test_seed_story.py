"""The seed story in real time, the notifications that go with it, and the process."""

import json
import signal
import stat
import subprocess
import sys
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox import SandboxServer
from sandbox.__main__ import _prepare
from sandbox.scenario import (
    BAD_IMAGE,
    DATABASE_URL,
    break_shop,
    connect,
    crashing_pods,
    create_shop,
    firing_notifications,
    is_healthy,
    resolved_notifications,
    wait_until_crashing,
    wait_until_healthy,
)

STARTED = datetime(2026, 11, 20, 2, 3, 4, tzinfo=UTC)
ENDED = datetime(2026, 11, 20, 2, 9, tzinfo=UTC)


def test_the_shop_becomes_healthy_breaks_and_crash_loops(tmp_path: Path) -> None:
    """With the thread that ticks, in about two seconds."""
    with SandboxServer() as server:
        kubeconfig = server.write_kubeconfig(tmp_path / "kubeconfig")
        with connect(kubeconfig) as api:
            create_shop(api)
            assert wait_until_healthy(api, timeout_seconds=10)["status"]["readyReplicas"] == 3
            assert crashing_pods(api) == []
            break_shop(api)
            pods = wait_until_crashing(api, timeout_seconds=10)
        assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {BAD_IMAGE}
        assert DATABASE_URL in json.dumps(pods)
        assert server.effective_writes() == {"deploy-pipeline": 3}


def test_waiting_is_bounded(cluster: Any) -> None:
    """The error shows what was seen last."""
    cluster.create_shop()
    cluster.release("registry.example/user-auth:9")

    with pytest.raises(TimeoutError, match="last seen"):
        wait_until_healthy(cluster.client, timeout_seconds=0.05)


def test_one_notification_for_the_service_and_one_for_each_pod(shop: Any) -> None:
    """Version 4, firing, without an end."""
    pods = shop.pods()
    service, *others = firing_notifications(pods, STARTED)

    assert service["alerts"][0]["labels"] == {
        "alertname": "HighUserAuthLatency",
        "namespace": "shop",
        "service": "user-auth",
        "severity": "critical",
    }
    assert service["groupKey"] == '{}:{alertname="HighUserAuthLatency", namespace="shop"}'
    assert [body["alerts"][0]["labels"]["uid"] for body in others] == [
        pod["metadata"]["uid"] for pod in pods
    ]
    alert = others[0]["alerts"][0]
    assert (alert["startsAt"], alert["endsAt"]) == ("2026-11-20T02:03:04Z", "0001-01-01T00:00:00Z")
    assert len({body["groupKey"] for body in [service, *others]}) == 4


def test_resolved_notifications_are_the_same_alerts(shop: Any) -> None:
    """Same fingerprints and starts, now with an end."""
    firing = firing_notifications(shop.pods(), STARTED)
    resolved = resolved_notifications(shop.pods(), STARTED, ENDED)

    def prints(bodies: list[dict[str, Any]]) -> list[str]:
        return [body["alerts"][0]["fingerprint"] for body in bodies]

    assert prints(firing) == prints(resolved)
    assert {body["status"] for body in resolved} == {"resolved"}
    assert resolved[0]["alerts"][0]["endsAt"] == "2026-11-20T02:09:00Z"


def test_a_kubeconfig_is_private_and_names_its_user(cluster: Any, tmp_path: Path) -> None:
    """Mode 0600, also when it replaces a wider file; an unknown user is an error."""
    path = tmp_path / "other"
    path.write_text("old")
    path.chmod(0o644)
    cluster.server.write_kubeconfig(path, user="ana")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["users"][0]["user"] == {"token": "token-ana"}
    with pytest.raises(ValueError, match="no token"):
        cluster.server.write_kubeconfig(path, user="eve")


def started(kubeconfig: Path, *options: str) -> "subprocess.Popen[bytes]":
    """`python -m sandbox`, ready: it has said where it listens."""
    command = [sys.executable, "-m", "sandbox", "--kubeconfig", str(kubeconfig), *options]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"sandbox: http://127.0.0.1:")
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_cleanly_when_told_to(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 0, within seconds."""
    with started(tmp_path / "kubeconfig") as process:
        process.send_signal(number)

        assert process.wait(timeout=10) == 0


def test_the_shop_is_created_on_request(cluster: Any, tmp_path: Path) -> None:
    """`--shop`, without the cost of a second interpreter."""
    options = Namespace(kubeconfig=tmp_path / "kubeconfig", shop=True)
    _prepare(cluster.server, options)
    cluster.advance(1)

    assert is_healthy(cluster.deployment())


def test_a_taken_port_is_an_error_that_says_what_to_do(cluster: Any, tmp_path: Path) -> None:
    """Exit code 1."""
    port = cluster.server.url.rpartition(":")[2]
    command = [sys.executable, "-m", "sandbox", "--port", port, "--kubeconfig", str(tmp_path / "k")]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, timeout=10, check=False)

    assert done.returncode == 1
    assert b"try --port 0" in done.stderr
