"""Whatever is sent and however often: one incident, one remediation, of the plan people saw."""

import asyncio
from typing import Any

import httpx
import pytest
from kubernetes.client import AppsV1Api

from endtoend.house import ANA_TOKEN, House

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


async def incidents_of(house: House, namespace: str) -> list[dict[str, Any]]:
    """The incidents of that namespace's workloads."""
    items = (await house.api("GET", "/incidents?limit=200"))["items"]
    return [item for item in items if (item["target"] or {}).get("namespace") == namespace]


async def test_a_notification_sent_a_hundred_times_is_one_remediation(house: House) -> None:
    """In parallel, before and after the answer."""
    namespace = "row-0"
    await house.break_deployment(namespace)
    worker = house.worker()
    answers = await asyncio.gather(*(house.alert(namespace) for _ in range(50)))
    approval = await house.open_approval(namespace)
    answers += await asyncio.gather(*(house.alert(namespace) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {httpx.codes.ACCEPTED}

    await house.approve(approval)
    await house.until(lambda: house.image(namespace).endswith(":1.0"))
    await house.alert(namespace, "resolved")
    await house.incident(approval["incident"], "closed")

    (incident,) = await incidents_of(house, namespace)
    assert incident["runbooks"] == ["rollback_deployment"]
    assert len(incident["alerts"]) == 1
    assert house.writes(namespace) == 1
    house.end(worker)


async def test_an_approval_never_executes_another_plan(house: House) -> None:
    """Scaled while people thought: the answer is void, they are asked about what is there now."""
    namespace = "row-1"
    await house.break_deployment(namespace)
    worker = house.worker()
    await house.alert(namespace)
    first = await house.open_approval(namespace)
    apps: Any = AppsV1Api(house.cluster)
    apps.patch_namespaced_deployment(
        "web", namespace, {"spec": {"replicas": 3}}, _preload_content=False
    )

    await house.approve(first)
    await house.until(lambda: _is_void(house, first["id"]))
    assert house.writes(namespace) == 0
    second = await house.open_approval(namespace)
    assert second["plan"]["digest"] != first["plan"]["digest"]
    await house.approve(second)

    await house.until(lambda: house.image(namespace).endswith(":1.0"))
    assert house.writes(namespace) == 1
    assert house.read(namespace)["spec"]["replicas"] == 3
    house.end(worker)


async def _is_void(house: House, approval: str) -> bool:
    return bool((await house.api("GET", f"/approvals/{approval}"))["state"] == "void")


async def test_nothing_is_approved_under_the_kill_switch(house: House) -> None:
    """Pulled while the question is open, a yes is refused and not spent: it counts afterwards."""
    namespace = "row-2"
    await house.break_deployment(namespace)
    worker = house.worker()
    await house.alert(namespace)
    approval = await house.open_approval(namespace)
    scope = f"namespace:{namespace}"
    await house.api("PUT", "/pause", json={"scope": scope, "reason": "the database moves"})

    said = {"decision": "approve", "digest": approval["plan"]["digest"]}
    path, headers = (
        f"/approvals/{approval['id']}/decision",
        {"Authorization": f"Bearer {ANA_TOKEN}"},
    )
    refused = await house.http.post(path, json=said, headers=headers)
    assert refused.status_code == httpx.codes.CONFLICT
    assert "the database moves" in refused.json()["error"]["message"]
    assert house.writes(namespace) == 0

    await house.api("DELETE", "/pause", params={"scope": scope})
    await house.approve(approval)
    await house.incident(approval["incident"], "verifying")
    assert house.writes(namespace) == 1
    house.end(worker)
