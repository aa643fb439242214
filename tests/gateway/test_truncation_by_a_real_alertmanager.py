"""Debian's Alertmanager with `max_alerts: 1`: three alerts fire, and all three arrive."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import uvicorn
from endtoend.programs import program
from gateway_fakes import POLICY, FakeTemporal, hashed

from contracts.policy import Source
from devserver import free_port
from gateway.app import build_app
from gateway.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="session")
WAIT_SECONDS = 30.0
STOP_SECONDS = 10.0
CONFIG = """
route: {{receiver: firebreak, group_by: [alertname], group_wait: 1s, group_interval: 1s}}
receivers:
  - name: firebreak
    webhook_configs:
      - url: {url}/alerts/alertmanager
        max_alerts: 1
        http_config: {{authorization: {{credentials: token-alerts}}}}
"""


async def until(holds: Callable[[], bool]) -> None:
    """Wait, for a bounded time."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():
            await asyncio.sleep(0.05)


@pytest.fixture(name="ports")
def _ports() -> tuple[int, int]:
    """Of the gateway and of Alertmanager."""
    return free_port(), free_port()


@pytest.fixture(name="alertmanager")
def _alertmanager(ports: tuple[int, int], tmp_path: Path) -> Iterator[str]:
    """The real one, on loopback, without a cluster; its address."""
    config = tmp_path / "alertmanager.yml"
    config.write_text(CONFIG.format(url=f"http://127.0.0.1:{ports[0]}"))
    command = [
        str(program("prometheus-alertmanager")),
        f"--config.file={config}",
        f"--storage.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{ports[1]}",
        "--cluster.listen-address=",
    ]
    with (tmp_path / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    yield f"http://127.0.0.1:{ports[1]}"
    process.terminate()
    process.wait(STOP_SECONDS)


@pytest_asyncio.fixture(loop_scope="session", name="fire")
async def _fire(here: Doors, ports: tuple[int, int], alertmanager: str) -> AsyncIterator[None]:
    """A gateway that knows that Alertmanager, and a way to fire three alerts of one group."""
    source = Source(
        name="alerts",
        kind="alertmanager",
        token_sha256=hashed("token-alerts"),
        api_url=alertmanager,
    )
    policy = POLICY.model_copy(update={"sources": (source,)})
    # Alertmanager reads the machine's clock, so these doors do too.
    app = build_app(replace(here, policy=policy, clock=lambda: datetime.now(UTC)))
    config = uvicorn.Config(app, port=ports[0], log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    await _post_three(alertmanager)
    yield
    server.should_exit = True
    await serving


async def _post_three(alertmanager: str) -> None:
    now = datetime.now(UTC).isoformat()
    alerts = [
        {
            "labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": f"web-{n}"},
            "annotations": {"summary": "Pod is crash looping."},
            "startsAt": now,
        }
        for n in range(3)
    ]
    async with httpx.AsyncClient(base_url=alertmanager) as http:
        async with asyncio.timeout(WAIT_SECONDS):
            while not await _is_ready(http):
                await asyncio.sleep(0.1)
        answer = await http.post("/api/v2/alerts", json=alerts)
        assert answer.status_code == httpx.codes.OK


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/-/ready")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@pytest.mark.usefixtures("fire")
async def test_all_alerts_of_a_cut_group_arrive(fake: FakeTemporal) -> None:
    """One in the message, two fetched; under the fingerprints that Alertmanager gives them."""
    await until(lambda: len(fake.signals) >= 3)
    found = [envelope.open() for _, envelope in fake.signals]
    assert {alert.labels["pod"] for alert in found} == {"web-0", "web-1", "web-2"}
    assert len({alert.identity for alert in found}) == 3
    assert {alert.status for alert in found} == {"firing"}
    assert all(alert.cut == () for alert in found)
