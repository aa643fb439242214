"""`firebreak up` as a process of its own, with a policy that rolls back without asking."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from bench.alerts import ALERTS_TOKEN, TOKEN, digest, notification, source
from bench.common import environment
from devserver import free_port

STOP_SECONDS_MAX = 30.0
LOG_CHARACTERS_MAX = 4000


def policy(namespaces: Sequence[str]) -> str:
    """One source, one administrator, and no limit that a bench would meet."""
    return f"""{source()}
[[people]]
id = "bench"
name = "Bench"
roles = ["admin", "responder"]
token_sha256 = ["{digest(TOKEN)}"]
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


class Firebreak:
    """The process, and a client of it."""

    def __init__(self, folder: Path, kubeconfig: Path, namespaces: Sequence[str]) -> None:
        (folder / "firebreak.toml").write_text(policy(namespaces))
        self.temporal = f"127.0.0.1:{free_port()}"
        self._log = folder / "firebreak.log"
        settings = environment(
            FIREBREAK_STATE=str(folder / "state"),
            FIREBREAK_KUBECONFIG=str(kubeconfig),
            FIREBREAK_TEMPORAL_ADDRESS=self.temporal,
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cli", "up", "--port", "0", "--json"],
                cwd=folder,
                env=settings,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        if '"url"' not in line:
            raise RuntimeError(f"firebreak did not start: {line}\n{self.told()}")
        self.http = httpx.AsyncClient(base_url=json.loads(line)["url"], timeout=30)

    def told(self) -> str:
        """The end of what it logged, for whoever looks for the reason of a failure."""
        return self._log.read_text()[-LOG_CHARACTERS_MAX:]

    async def alert(self, namespace: str) -> None:
        """Post one alert, and see it accepted."""
        headers = {"Authorization": f"Bearer {ALERTS_TOKEN}"}
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
