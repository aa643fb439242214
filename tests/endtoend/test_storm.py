"""Two hundred workloads alert within a minute: the breaker holds, says so once, and limits hold."""

import asyncio
from typing import Any

import httpx
import pytest
from kubernetes.client import AppsV1Api, CoreV1Api
from sqlalchemy import select

from endtoend.house import POLICY, SOURCE_TOKEN, House, notification, sha256
from toil.database import open_engine
from toil.tables import EventRow, IncidentRow

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(420)]

WORKLOADS = 200
NAMESPACE = "shop"
BATCH = 50
STORM_SECONDS = 360.0
WRITES_MAX = 10


@pytest.fixture(scope="module", name="policy")
def _policy() -> str:
    """Everything may be restarted without asking: only the limits hold it back."""
    limits = "cluster_writes_per_hour = 1000\ncluster_open_writes_max = 100"
    strict = f"cluster_writes_per_hour = {WRITES_MAX}\ncluster_open_writes_max = 3"
    policy = POLICY.replace(limits, strict)
    assert policy != POLICY
    return f'{policy}\n[runbooks.restart_crash_loop]\nautonomy = "auto"\n'


def crash_all(house: House) -> None:
    """Deployments of one pod each, all crash-looping at once, as after a bad secret."""
    core: Any = CoreV1Api(house.cluster)
    apps: Any = AppsV1Api(house.cluster)
    core.create_namespace({"metadata": {"name": NAMESPACE}}, _preload_content=False)
    for number in range(WORKLOADS):
        labels = {"app": f"web-{number}"}
        template = {
            "metadata": {
                "labels": labels,
                "annotations": {"sandbox.firebreak/fault": "crash-loop"},
            },
            "spec": {"containers": [{"name": "web", "image": "registry.example/web:1.0"}]},
        }
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        body = {"metadata": {"name": f"web-{number}", "labels": labels}, "spec": spec}
        apps.create_namespaced_deployment(NAMESPACE, body, _preload_content=False)


def message(first: int) -> dict[str, Any]:
    """One Alertmanager message about a batch of them."""
    whole = notification(NAMESPACE, "firing", f"web-{first}", 0)
    alerts = []
    for number in range(first, first + BATCH):
        (alert,) = notification(NAMESPACE, "firing", f"web-{number}", 0)["alerts"]
        labels = alert["labels"] | {"alertname": "KubePodCrashLooping"}
        alerts.append(alert | {"labels": labels, "fingerprint": sha256(str(number))[:16]})
    return whole | {"alerts": alerts}


async def send(house: House, first: int) -> None:
    """Until it is accepted, as Alertmanager does."""

    async def accepted() -> bool:
        answer = await house.http.post(
            "/alerts/alertmanager",
            json=message(first),
            headers={"Authorization": f"Bearer {SOURCE_TOKEN}"},
        )
        return answer.status_code == httpx.codes.ACCEPTED

    await house.until(accepted)


def rows(house: House, *columns: Any) -> list[Any]:
    """What the journal holds."""
    engine = open_engine(house.database)
    try:
        with engine.connect() as connection:
            return list(connection.execute(select(*columns)))
    finally:
        engine.dispose()


async def test_a_storm_is_watched_and_not_fought(house: House) -> None:
    """No more is written than the limits allow, all is recorded, and one line says why."""
    crash_all(house)
    worker = house.worker()
    await asyncio.gather(*(send(house, first) for first in range(0, WORKLOADS, BATCH)))
    await house.until(
        lambda: (
            sum(row.outcome is not None for row in rows(house, IncidentRow.outcome)) == WORKLOADS
        ),
        STORM_SECONDS,
    )
    house.end(worker)
    said = [row.text for row in rows(house, EventRow.type, EventRow.text) if row.type == "storm"]
    outcomes = [row.outcome for row in rows(house, IncidentRow.outcome)]
    assert len(said) == 1
    assert house.writes(NAMESPACE) <= WRITES_MAX
    assert outcomes.count("refused") >= WORKLOADS - WRITES_MAX
