"""How long from an accepted alert to the write in the cluster, and how much of that is ours.

The floor is measured in the same run: a bare workflow on the same Temporal makes the same
Kubernetes calls in as many plain activities as Firebreak has Kubernetes steps on that way, without
journal, guardrails, reservation, evidence or heartbeats.
Firebreak is its own process (`firebreak up`); the cluster and the floor's worker live in this one.
Nothing is asserted: figures of a laptop are for comparing, not for passing.

    python bench/alert_to_write.py [--json] [--alerts N]
"""

import argparse
import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
from floor import FLOOR_QUEUE, Call, Send, floor
from kubernetes.client import AppsV1Api, CoreV1Api
from rich.console import Console
from rich.table import Table

from devserver import free_port
from sandbox.journal import Record
from sandbox.requests import Request
from sandbox.scenario import connect, is_healthy
from sandbox.server import SandboxServer

TOKEN = "bench"  # noqa: S105 - of this run only
WARM_UP = "bench-warm-up"
WAIT_SECONDS_MAX = 180.0
STOP_SECONDS_MAX = 30.0
POLL_SECONDS = 0.02
USER_AGENT = "firebreak"


class Figures(NamedTuple):
    """Milliseconds from accepted to written; the burst's are under its own load."""

    one_by_one: list[float]
    burst: list[float]


class Commits:
    """When the first write was committed, by namespace (Firebreak) or number (the floor)."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def __call__(self, request: Request) -> None:
        """The sandbox's hook: after the commit, before the answer."""
        now = time.perf_counter()
        if request.user_agent.startswith(USER_AGENT):
            self.at.setdefault(request.path.split("/namespaces/")[1].split("/")[0], now)
        elif request.user_agent == FLOOR_QUEUE:
            self.at.setdefault(str(request.body["metadata"]["annotations"]["floor"]), now)

    async def of(self, key: str) -> float:
        """When that write was committed."""
        await until(lambda: key in self.at)
        return self.at[key]


async def until(holds: Callable[[], Any]) -> None:
    """Wait, for a bounded time, until `holds` (plain or async) gives something true."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        while True:
            found = holds()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(POLL_SECONDS)


async def measure(send: Send, commits: Commits, keys: Sequence[str]) -> Figures:
    """Send half of the keys one by one, each after the write of the last, then the rest at once."""
    half = len(keys) // 2
    one_by_one = [await _measured(send, commits, key) for key in keys[:half]]
    burst = await asyncio.gather(*(_measured(send, commits, key) for key in keys[half:]))
    return Figures(one_by_one, list(burst))


async def _measured(send: Send, commits: Commits, key: str) -> float:
    await send(key)
    accepted = time.perf_counter()
    return (await commits.of(key) - accepted) * 1000


async def measure_floor(
    address: str, sandbox: SandboxServer, commits: Commits, calls: list[Call], count: int
) -> Figures:
    """The bare workflow on the same Temporal."""
    async with floor(address, sandbox, calls) as send:
        await measure(send, commits, ["warm-up", "warm-up-2"])
        return await measure(send, commits, [str(number) for number in range(2 * count)])


def policy(namespaces: Sequence[str]) -> str:
    """One source, one administrator, and rollbacks without asking."""
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    other = hashlib.sha256(f"{TOKEN}-alerts".encode()).hexdigest()
    return f"""
clusters = ["default"]
[[people]]
id = "bench"
name = "Bench"
roles = ["admin", "responder"]
token_sha256 = ["{digest}"]
[[sources]]
name = "bench"
kind = "alertmanager"
cluster = "default"
token_sha256 = ["{other}"]
[limits]
namespaces = {json.dumps(list(namespaces))}
cooldown_seconds = 0
runbook_writes_per_hour = 1000
namespace_writes_per_hour = 1000
cluster_writes_per_hour = 1000
cluster_open_writes_max = 100
chronic_heals_max = 1000
storm_targets_max = 1000
[incident]
gather_seconds = 0
[runbooks.rollback_deployment]
autonomy = "auto"
"""


def notification(namespace: str) -> dict[str, Any]:
    """One alert about the namespace's deployment, as Alertmanager sends it."""
    labels = {
        "alertname": "KubeDeploymentRolloutStuck",
        "namespace": namespace,
        "deployment": "web",
        "severity": "warning",
    }
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "The rollout of web is stuck."},
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": hashlib.sha256(namespace.encode()).hexdigest()[:16],
    }
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{namespace}}}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "firebreak",
        "groupLabels": {},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": [alert],
    }


class Firebreak:
    """`firebreak up` as its own process, and a client of it."""

    def __init__(self, folder: Path, kubeconfig: Path, namespaces: Sequence[str]) -> None:
        (folder / "firebreak.toml").write_text(policy(namespaces))
        self.temporal = f"127.0.0.1:{free_port()}"
        settings = {
            "FIREBREAK_STATE": str(folder / "state"),
            "FIREBREAK_KUBECONFIG": str(kubeconfig),
            "FIREBREAK_TEMPORAL_ADDRESS": self.temporal,
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("FIREBREAK_")}
        with (folder / "firebreak.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cli", "up", "--port", "0", "--json"],
                cwd=folder,
                env=kept | settings,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, (folder / "firebreak.log").read_text()
        self.http = httpx.AsyncClient(base_url=json.loads(line)["url"], timeout=30)

    async def alert(self, namespace: str) -> None:
        """Post one alert, and see it accepted."""
        headers = {"Authorization": f"Bearer {TOKEN}-alerts"}
        answer = await self.http.post(
            "/alerts/alertmanager", json=notification(namespace), headers=headers
        )
        answer.raise_for_status()

    async def is_idle(self) -> bool:
        """Whether no incident acts or verifies."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json"}
        busy = 0
        for status in ("open", "acting", "verifying"):
            answer = await self.http.get(f"/incidents?status={status}", headers=headers)
            items = answer.raise_for_status().json()["items"]
            busy += sum(item["outcome"] is None for item in items)
        return busy == 0

    def memory_mib(self) -> float:
        """Resident memory of the process that is worker and gateway, from Linux' /proc."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return round(int(line.split()[1]) / 1024, 1)

    async def stop(self) -> None:
        """End it."""
        await self.http.aclose()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS_MAX)


def _calls(records: Sequence[Record]) -> list[Call]:
    """What Firebreak asked of the cluster up to its first effective write, that one included."""
    mine = [r for r in records if r.user_agent.startswith(USER_AGENT)]
    last = next(index for index, record in enumerate(mine) if record.effective)
    return [Call(r.verb, r.path, bool(r.dry_run)) for r in mine[: last + 1]]


class Cluster:
    """Deployments whose second revision crash-loops, one a namespace."""

    def __init__(self, kubeconfig: Path) -> None:
        client = connect(kubeconfig)
        self._apps: Any = AppsV1Api(client)
        self._core: Any = CoreV1Api(client)

    async def break_all(self, namespaces: Sequence[str]) -> None:
        """A good revision, then a bad one."""
        for namespace in namespaces:
            body = {"metadata": {"name": namespace}}
            self._core.create_namespace(body, _preload_content=False)
            self._apps.create_namespaced_deployment(
                namespace, _deployment("1.0", {}), _preload_content=False
            )
        await until(lambda: all(is_healthy(self._read(name)) for name in namespaces))
        bad = {"spec": _deployment("2.0", {"sandbox.firebreak/fault": "crash-loop"})["spec"]}
        for namespace in namespaces:
            self._apps.patch_namespaced_deployment("web", namespace, bad, _preload_content=False)
        await until(lambda: all(self._revision(name) == "2" for name in namespaces))

    def _revision(self, namespace: str) -> str:
        annotations = self._read(namespace)["metadata"].get("annotations") or {}
        return str(annotations.get("deployment.kubernetes.io/revision"))

    def _read(self, namespace: str) -> dict[str, Any]:
        answer = self._apps.read_namespaced_deployment("web", namespace, _preload_content=False)
        return dict(json.loads(answer.data))


def _deployment(version: str, annotations: dict[str, str]) -> dict[str, Any]:
    container = {"name": "web", "image": f"registry.example/web:{version}"}
    return {
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}, "annotations": annotations},
                "spec": {"containers": [container]},
            },
        },
    }


async def run(folder: Path, sandbox: SandboxServer, count: int) -> dict[str, Any]:
    """Warm up, measure the floor on an idle Firebreak, then Firebreak itself."""
    namespaces = [f"bench-{number}" for number in range(2 * count)]
    kubeconfig = sandbox.write_kubeconfig(folder / "kubeconfig")
    commits = Commits()
    sandbox.after_commit = commits
    await Cluster(kubeconfig).break_all([WARM_UP, *namespaces])
    firebreak = Firebreak(folder, kubeconfig, [WARM_UP, *namespaces])
    try:
        memory = [firebreak.memory_mib()]
        await firebreak.alert(WARM_UP)
        await commits.of(WARM_UP)
        calls = _calls(sandbox.requests())
        await until(firebreak.is_idle)
        floor = await measure_floor(firebreak.temporal, sandbox, commits, calls, count)
        ours = await measure(firebreak.alert, commits, namespaces)
        memory.append(firebreak.memory_mib())
    finally:
        await firebreak.stop()
    return {
        "alerts": count,
        "kubernetes_calls": len(calls),
        "milliseconds": {"firebreak": _summary(ours), "floor": _summary(floor)},
        "ratio": _ratio(_summary(ours), _summary(floor)),
        "memory_mib": {"started": memory[0], "after": memory[1]},
    }


def _summary(figures: Figures) -> dict[str, dict[str, float]]:
    return {
        name: {"p50": _percentile(values, 50), "p95": _percentile(values, 95)}
        for name, values in figures._asdict().items()
    }


def _percentile(values: list[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return round(ordered[max(0, -(-len(ordered) * percent // 100) - 1)], 1)


def _ratio(ours: dict[str, dict[str, float]], floor: dict[str, dict[str, float]]) -> Any:
    return {
        name: {p: round(value / floor[name][p], 2) for p, value in found.items()}
        for name, found in ours.items()
    }


def _table(result: dict[str, Any]) -> Table:
    title = f"Alert accepted to write committed, {result['alerts']} alerts each"
    table = Table("", "Firebreak ms", "floor ms", "ratio", title=title, title_justify="left")
    for name, label in (("one_by_one", "one by one"), ("burst", "at once")):
        for p in ("p50", "p95"):
            ours = result["milliseconds"]["firebreak"][name][p]
            floor = result["milliseconds"]["floor"][name][p]
            table.add_row(f"{label}, {p}", f"{ours}", f"{floor}", f"{result['ratio'][name][p]}")
    memory = result["memory_mib"]
    table.caption = (
        f"{result['kubernetes_calls']} Kubernetes calls each; worker and gateway: "
        f"{memory['started']} MiB at start, {memory['after']} MiB after"
    )
    return table


def main() -> None:
    """Run it once and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--alerts", type=int, default=30, help="one by one, and as many at once")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="firebreak-bench-") as folder, SandboxServer() as sandbox:
        result = asyncio.run(run(Path(folder), sandbox, given.alerts))
    if given.json:
        print(json.dumps(result))
    else:
        Console().print(_table(result))


if __name__ == "__main__":
    main()
