"""`firebreak up` against a kubeconfig: what it says, what survives a restart, how it fails."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes.client import ApiClient

from contracts.errors import InvalidInput
from demo import ADMIN_TOKEN, ALERTS_TOKEN, POLICY_FILE, RESPONDER_TOKEN
from devserver import free_port
from roots.programs import Done, Program, children, ran, until
from sandbox.notifications import firing_notifications
from sandbox.scenario import (
    break_shop,
    connect,
    create_shop,
    is_healthy,
    read_deployment,
    wait_until_crashing,
    wait_until_healthy,
)
from stack import listening

EVENTUALLY_SECONDS = 60.0


class Installation:
    """What stays between two starts: the settings, the state, the ports."""

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "FIREBREAK_CONFIG": str(POLICY_FILE),
            "FIREBREAK_KUBECONFIG": str(kubeconfig),
            "FIREBREAK_STATE": str(self.state),
            "FIREBREAK_TEMPORAL_ADDRESS": f"127.0.0.1:{_two_free_ports()}",
        }

    def up(self, *arguments: str) -> Program:
        """Start it."""
        words = ("up", "--port", str(self.port), "--json", *arguments)
        return Program(self.folder, *words, **self.settings)

    def firebreak(self, *arguments: str, **settings: str) -> Done:
        """A command of somebody on the same machine."""
        return ran(self.folder, *arguments, "--json", **(self.settings | settings))


def _two_free_ports() -> int:
    """One that is free together with the one 1000 above, where the pages are."""

    def both() -> int:
        port = free_port()
        try:
            with listening("127.0.0.1", port + 1000):
                return port
        except InvalidInput:
            return 0

    return until(both)


@pytest.fixture(name="installation")
def _installation(tmp_path: Path, kubeconfig: Path) -> Installation:
    return Installation(tmp_path, kubeconfig)


@pytest.fixture(name="cluster", scope="module")
def _cluster(kubeconfig: Path) -> Iterator[ApiClient]:
    """The shop, after a bad release."""
    client = connect(kubeconfig)
    create_shop(client)
    wait_until_healthy(client)
    break_shop(client)
    yield client
    client.close()  # type: ignore[no-untyped-call]  # the client has no types


def as_person(token: str) -> dict[str, str]:
    """The headers of a program that acts for somebody."""
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}


def open_approvals(url: str) -> list[dict[str, Any]]:
    """What waits for a decision."""
    answer = httpx.get(f"{url}/approvals?state=open", headers=as_person(ADMIN_TOKEN))
    return list(answer.raise_for_status().json()["items"])


def test_an_open_question_survives_a_restart(
    installation: Installation, cluster: ApiClient
) -> None:
    """So do the sign-ins; the answer that comes after the restart is carried out."""
    browser = httpx.Client(base_url=installation.url)
    with installation.up() as first:
        ready = first.ready()
        assert list(ready) == ["ready", "url", "temporal_ui", "kubeconfig", "state", "slack"]
        assert (ready["url"], ready["state"]) == (installation.url, str(installation.state))
        assert httpx.get(f"{installation.url}/readyz").json()["ready"] is True
        assert browser.post("/login", data={"token": RESPONDER_TOKEN}).status_code == 303
        for body in firing_notifications(wait_until_crashing(cluster), datetime.now(UTC)):
            alerts = f"{installation.url}/alerts/alertmanager"
            assert httpx.post(alerts, json=body, headers=as_person(ALERTS_TOKEN)).is_success
        (asked,) = until(lambda: open_approvals(installation.url), EVENTUALLY_SECONDS)
        stopped = first.stop()
    assert (stopped.code, stopped.out) == (0, "")
    assert not is_healthy(read_deployment(cluster))

    with installation.up() as second:
        second.ready()
        assert browser.get("/incidents").status_code == 200
        browser.close()
        assert [item["id"] for item in open_approvals(installation.url)] == [asked["id"]]
        ana = {"FIREBREAK_URL": installation.url, "FIREBREAK_TOKEN": RESPONDER_TOKEN}
        decided = installation.firebreak("approve", asked["id"], **ana)
        assert (decided.code, decided.json["state"]) == (0, "approved")
        until(lambda: is_healthy(read_deployment(cluster)), EVENTUALLY_SECONDS)
        assert second.stop().code == 0


@pytest.fixture(name="running", scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory, kubeconfig: Path) -> Iterator[Installation]:
    """One that runs, for tests that leave it as it was."""
    installation = Installation(tmp_path_factory.mktemp("up"), kubeconfig)
    with installation.up() as program:
        program.ready()
        yield installation
        assert program.stop().code == 0


def test_commands_on_the_same_machine_need_no_variables(running: Installation) -> None:
    """`up` leaves the address and an administrator's token, for its owner's eyes only."""
    done = running.firebreak("incidents")
    assert (done.code, done.json["items"]) == (0, [])
    assert running.firebreak("pause", "--reason", "a rehearsal").code == 0
    for name in ("client.json", "session-secret"):
        assert (running.state / name).stat().st_mode & 0o777 == 0o600
    assert running.state.stat().st_mode & 0o777 == 0o700


def test_a_second_one_does_not_use_the_first_ones_temporal(running: Installation) -> None:
    """It would mix two installations; it says which port is taken instead."""
    other = running.firebreak("up", "--port", "0")
    assert (other.code, other.error["code"]) == (1, "invalid")
    assert running.settings["FIREBREAK_TEMPORAL_ADDRESS"][10:] in other.error["message"]
    assert "FIREBREAK_TEMPORAL_ADDRESS" in other.error["fix"]
    assert httpx.get(f"{running.url}/readyz").json()["ready"] is True


def test_a_dead_temporal_ends_it_and_loses_nothing(installation: Installation) -> None:
    """Exit code 3, and where the state is."""
    with installation.up() as program:
        program.ready()
        (temporal,) = children(program.pid)
        os.kill(temporal, signal.SIGKILL)
        done = program.end()
    assert (done.code, done.error["code"]) == (3, "unavailable")
    assert "Temporal's dev server has ended" in done.error["message"]
    assert f"{installation.state} is intact" in done.error["fix"]


def test_a_taken_port_is_told(installation: Installation) -> None:
    """Before anything starts."""
    with listening("127.0.0.1", installation.port):
        done = installation.firebreak("up", "--port", str(installation.port))
    assert (done.code, done.error["code"]) == (1, "invalid")
    assert "--port" in done.error["fix"]
    assert not (installation.state / "temporal.db").exists()


REFUSALS = {
    "no policy file": ({"FIREBREAK_CONFIG": "firebreak.toml"}, "deploy/firebreak.example.toml"),
    "no kubeconfig": ({"FIREBREAK_KUBECONFIG": "nowhere"}, "FIREBREAK_KUBECONFIG"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_work_is_refused_with_a_fix(installation: Installation, case: str) -> None:
    """Exit code 1, one object, no greeting before it."""
    settings, fix = REFUSALS[case]
    done = installation.firebreak("up", "--port", "0", **settings)
    assert (done.code, done.error["code"]) == (1, "invalid"), done
    assert fix in done.error["fix"]
