"""The whole house as separate real processes: dev server, gateway, workers, and a sandbox."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from kubernetes.client import ApiClient, AppsV1Api, CoreV1Api

from contracts.toil import Entry, Observation
from devserver import DevServer, Ports, find_binary, free_port
from sandbox.scenario import connect, is_healthy
from sandbox.server import SandboxServer
from toil.database import open_engine, upgrade
from toil.ledger import Ledger
from workflows.connection import Address

REPOSITORY = Path(__file__).parents[2]
EVENTUALLY_SECONDS = 60.0
STOP_SECONDS = 30.0
SOURCE_TOKEN, ANA_TOKEN, BEN_TOKEN = "am-token", "ana-token", "ben-token"
USER_AGENT = "firebreak"


# Every row of a test has a namespace of its own, so that one house serves many.
NAMESPACES = [f"row-{number}" for number in range(30)] + ["shop"]


def sha256(text: str) -> str:
    """As the policy file keeps tokens."""
    return hashlib.sha256(text.encode()).hexdigest()


POLICY = f"""
clusters = ["default"]

[[people]]
id = "ana"
name = "Ana"
roles = ["responder", "manager", "admin"]
teams = ["identity"]
token_sha256 = ["{sha256(ANA_TOKEN)}"]

[[people]]
id = "ben"
name = "Ben"
teams = ["identity"]
token_sha256 = ["{sha256(BEN_TOKEN)}"]

[[sources]]
name = "am"
kind = "alertmanager"
cluster = "default"
token_sha256 = ["{sha256(SOURCE_TOKEN)}"]

[limits]
namespaces = {json.dumps(NAMESPACES)}
cooldown_seconds = 0
attempts_max = 50
runbook_writes_per_hour = 1000
namespace_writes_per_hour = 1000
cluster_writes_per_hour = 1000
cluster_open_writes_max = 100
chronic_heals_max = 1000

[incident]
gather_seconds = 0
quiet_seconds = 1
"""


class House:
    """One installation. Each process is stopped by its own pid."""

    def __init__(self, folder: Path, kubeconfig: Path | None = None) -> None:
        """On a sandbox of its own, or on the cluster that `kubeconfig` names."""
        self.folder = folder
        self._kubeconfig = kubeconfig
        self.sandbox = SandboxServer(tokens={"sandbox": "admin"})
        self.database = f"sqlite:///{folder / 'books.db'}"
        self.url = f"http://127.0.0.1:{free_port()}"
        self._ports = Ports(free_port(), free_port())
        self._processes: list[subprocess.Popen[bytes]] = []
        self.server: DevServer
        self.cluster: ApiClient
        self.http: httpx.AsyncClient

    async def start(self, policy: str = POLICY) -> None:
        """Sandbox, database, dev server, gateway; workers are started by the tests."""
        (self.folder / "firebreak.toml").write_text(policy)
        if self._kubeconfig is None:
            self.sandbox.start()
            self._kubeconfig = self.sandbox.write_kubeconfig(self.folder / "kubeconfig")
        self.cluster = connect(self._kubeconfig, "deploy-pipeline")
        engine = open_engine(self.database)
        upgrade(engine)
        engine.dispose()
        binary = await find_binary(None, self.folder)
        self.server = DevServer(binary, self.folder / "temporal.db", self._ports)
        await self.server.start()
        self.http = httpx.AsyncClient(base_url=self.url, timeout=15)
        port = self.url.rpartition(":")[2]
        self.spawn("cli", "gateway", "--port", port)
        await self.until(self._ready)

    async def stop(self) -> None:
        """End every process and thread."""
        for process in self._processes:
            self.end(process)
        await self.http.aclose()
        self.server.stop()
        self.cluster.close()  # type: ignore[no-untyped-call]
        self.sandbox.stop()

    async def _ready(self) -> bool:
        try:
            return (await self.http.get("/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def spawn(self, module: str, *arguments: str, **extra: str) -> subprocess.Popen[bytes]:
        """Start `python -m module` with this house's settings."""
        settings = {
            "FIREBREAK_TEMPORAL_ADDRESS": self.server.address,
            "FIREBREAK_DATABASE_URL": self.database,
            "FIREBREAK_CONFIG": str(self.folder / "firebreak.toml"),
            "FIREBREAK_KUBECONFIG": str(self._kubeconfig),
            "FIREBREAK_STATE": str(self.folder),
            "FIREBREAK_PUBLIC_URL": self.url,
            "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}",
        }
        log = (self.folder / f"{module}-{len(self._processes)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**os.environ, **settings, **extra},
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )
        self._processes.append(process)
        return process

    def worker(self, *crash: str, **extra: str) -> subprocess.Popen[bytes]:
        """A worker; with `crash`, one that kills itself there."""
        if crash:
            return self.spawn("endtoend.crashing_worker", *crash, **extra)
        return self.spawn("worker", **extra)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As `kill -9`."""
        process.kill()
        process.wait(STOP_SECONDS)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End a process gently, and make sure."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)

    async def died(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a worker has killed itself."""
        await self.until(lambda: process.poll() is not None)
        assert process.returncode == -signal.SIGKILL

    async def until(self, holds: Callable[[], Any], seconds: float = EVENTUALLY_SECONDS) -> Any:
        """Wait, for a bounded time, until `holds` (plain or async) gives something true."""
        async with asyncio.timeout(seconds):
            while True:
                found = holds()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.05)

    async def api(self, method: str, path: str, token: str = ANA_TOKEN, **more: Any) -> Any:
        """One JSON call that must succeed."""
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        answer = await self.http.request(method, path, headers=headers, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def open_approval(self, namespace: str) -> dict[str, Any]:
        """The open approval of that namespace's deployment, once there is one."""

        async def find() -> dict[str, Any] | None:
            items = (await self.api("GET", "/approvals?state=open"))["items"]
            mine = [a for a in items if a["target"]["namespace"] == namespace]
            return mine[0] if mine else None

        found: dict[str, Any] = await self.until(find)
        return found

    async def approval_of(self, incident: str) -> dict[str, Any]:
        """The open approval of an incident, once there is one."""

        async def find() -> dict[str, Any] | None:
            items = (await self.api("GET", "/approvals?state=open"))["items"]
            return next((a for a in items if a["incident"] == incident), None)

        found: dict[str, Any] = await self.until(find)
        return found

    async def approve(self, approval: dict[str, Any], token: str = ANA_TOKEN) -> dict[str, Any]:
        """Approve, as Ana where nobody else is named, as often as it takes while no worker
        answers.
        """
        said = {"decision": "approve", "digest": approval["plan"]["digest"]}

        async def decided() -> Any:
            answer = await self.http.post(
                f"/approvals/{approval['id']}/decision",
                json=said,
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            )
            return answer.json() if answer.status_code == httpx.codes.OK else None

        result: dict[str, Any] = await self.until(decided)
        return result

    @property
    def as_ana(self) -> dict[str, str]:
        """The headers of her requests."""
        return {"Authorization": f"Bearer {ANA_TOKEN}", "Accept": "application/json"}

    async def ended(self, number: str, seconds: float) -> dict[str, Any]:
        """The incident, once its runbook has an outcome."""

        async def find() -> dict[str, Any] | None:
            found: dict[str, Any] = await self.api("GET", f"/incidents/{number}")
            return found if found["outcome"] else None

        found: dict[str, Any] = await self.until(find, seconds)
        return found

    async def incident(self, number: str, *statuses: str) -> dict[str, Any]:
        """The incident, once its status is one of those."""

        async def find() -> dict[str, Any] | None:
            found: dict[str, Any] = await self.api("GET", f"/incidents/{number}")
            return found if found["status"] in statuses else None

        found: dict[str, Any] = await self.until(find)
        return found

    async def break_deployment(self, namespace: str, name: str = "web") -> None:
        """Two revisions of a deployment: a good one, and one that crash-loops."""
        apps: Any = AppsV1Api(self.cluster)
        core: Any = CoreV1Api(self.cluster)
        core.create_namespace({"metadata": {"name": namespace}}, _preload_content=False)
        apps.create_namespaced_deployment(
            namespace, _deployment(name, "1.0", {}), _preload_content=False
        )
        await self.until(lambda: is_healthy(self.read(namespace, name)))
        crash = {"sandbox.firebreak/fault": "crash-loop"}
        patch = {"spec": _deployment(name, "2.0", crash)["spec"]}
        apps.patch_namespaced_deployment(name, namespace, patch, _preload_content=False)

    def read(self, namespace: str, name: str = "web") -> dict[str, Any]:
        """The deployment, as JSON."""
        apps: Any = AppsV1Api(self.cluster)
        answer = apps.read_namespaced_deployment(name, namespace, _preload_content=False)
        found: dict[str, Any] = json.loads(answer.data)
        return found

    def image(self, namespace: str) -> str:
        """The image that the deployment asks for now."""
        containers = self.read(namespace)["spec"]["template"]["spec"]["containers"]
        return str(containers[0]["image"])

    async def alert(
        self, namespace: str, status: str = "firing", name: str = "web", minute: int = 0
    ) -> httpx.Response:
        """Send one stuck-rollout alert about the namespace's deployment, as Alertmanager does."""
        return await self.http.post(
            "/alerts/alertmanager",
            json=notification(namespace, status, name, minute),
            headers={"Authorization": f"Bearer {SOURCE_TOKEN}"},
        )

    def writes(self, namespace: str) -> int:
        """Requests of Firebreak that changed something in that namespace."""
        return sum(
            1
            for record in self.sandbox.requests()
            if record.effective
            and record.user_agent.startswith(USER_AGENT)
            and f"/namespaces/{namespace}/" in record.path
        )

    def books(self, incident: str) -> tuple[list[Entry], list[Observation]]:
        """The entries and the observations of an incident."""
        engine = open_engine(self.database)
        try:
            ledger = Ledger(engine)
            return (
                list(ledger.entries(incident=incident)),
                list(ledger.observations(incident=incident)),
            )
        finally:
            engine.dispose()


def temporal_of(house: House) -> Address:
    """Where the house's Temporal is."""
    return Address(house.server.address)


def _deployment(name: str, version: str, annotations: dict[str, str]) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": name, "image": f"registry.example/{name}:{version}"}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"containers": [container]},
            },
        },
    }


def notification(namespace: str, status: str, name: str, minute: int) -> dict[str, Any]:
    """An Alertmanager message of version 4 with one alert; `minute` tells its episode."""
    labels = {
        "alertname": "KubeDeploymentRolloutStuck",
        "namespace": namespace,
        "deployment": name,
        "severity": "warning",
    }
    ended = datetime.now(UTC).isoformat() if status == "resolved" else "0001-01-01T00:00:00Z"
    alert = {
        "status": status,
        "labels": labels,
        "annotations": {"summary": f"The rollout of {name} is stuck."},
        "startsAt": f"2026-11-21T03:{minute:02}:00Z",
        "endsAt": ended,
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": sha256(namespace)[:16],
    }
    return {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "firebreak",
        "groupLabels": {},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": [alert],
    }
