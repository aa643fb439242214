"""A worker killed at any point, or the Temporal server: one write, one entry, a closed incident.

The rows are printed at the end; run with `-s` to see them.
"""

import os
import signal
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from endtoend.house import House

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

ENSURE = "kubernetes.rollback_deployment.ensure"


class Row(NamedTuple):
    """What came of one kill."""

    killed_at: str
    incident: str
    outcome: str
    writes: int
    entries: int
    observations: int
    seconds: float


ROWS: list[Row] = []


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def _table(pytestconfig: pytest.Config) -> AsyncIterator[None]:
    yield
    writer = pytestconfig.get_terminal_writer()
    writer.line()
    for row in ROWS:
        writer.line("| " + " | ".join(map(str, row)) + " |")


async def to_the_end(house: House, namespace: str, number: str) -> dict[str, Any]:
    """Resolve the alert once the deployment is healed, and wait for the close."""
    await house.until(lambda: house.image(namespace).endswith(":1.0"))
    assert (await house.alert(namespace, "resolved")).status_code == 202
    return await house.incident(number, "closed")


async def check(house: House, point: str, namespace: str, began: float) -> None:
    """Finish the story and check the books."""
    items = (await house.api("GET", "/incidents?limit=200"))["items"]
    (number,) = [i["id"] for i in items if i["target"]["namespace"] == namespace]
    incident = await to_the_end(house, namespace, number)
    entries, observations = house.books(number)
    row = Row(
        killed_at=point,
        incident=number,
        outcome=incident["outcome"],
        writes=house.writes(namespace),
        entries=len(entries),
        observations=len(observations),
        seconds=round(time.monotonic() - began, 1),
    )
    ROWS.append(row)
    assert row[2:6] == ("resolved", 1, 1, 1)


CRASHES = [
    ("accepted", ("journal.record", "before", "opened")),
    ("planned", ("guard.judge", "before")),
    ("decided", ("journal.record", "before", "decided")),
    ("reserved", (ENSURE, "before")),
    ("written, not settled", (ENSURE, "after")),
    ("settled", ("guard.settle", "after")),
]


@pytest.mark.parametrize(("point", "crash"), CRASHES, ids=[name for name, _ in CRASHES])
async def test_a_worker_that_dies_there_is_one_write(
    house: House, point: str, crash: tuple[str, ...]
) -> None:
    """The next worker goes on where the dead one stopped."""
    began, namespace = time.monotonic(), f"row-{CRASHES.index((point, crash))}"
    await house.break_deployment(namespace)
    doomed = house.worker(*crash)
    assert (await house.alert(namespace)).status_code == 202
    if point not in ("accepted", "planned"):
        await house.approve(await house.open_approval(namespace))
    await house.died(doomed)

    heir = house.worker()
    if point in ("accepted", "planned"):
        await house.approve(await house.open_approval(namespace))
    await check(house, point, namespace, began)
    house.end(heir)


async def test_a_worker_killed_while_people_think(house: House) -> None:
    """The question stays open, and the answer counts."""
    began, namespace = time.monotonic(), "row-10"
    await house.break_deployment(namespace)
    doomed = house.worker()
    await house.alert(namespace)
    approval = await house.open_approval(namespace)
    house.kill(doomed)

    heir = house.worker()
    await house.approve(approval)
    await check(house, "asked", namespace, began)
    house.end(heir)


async def test_a_worker_killed_between_the_write_and_its_answer(house: House) -> None:
    """The cluster has it, nobody knows: the next attempt re-reads and writes nothing."""
    began, namespace = time.monotonic(), "row-11"
    await house.break_deployment(namespace)
    doomed = house.worker()
    await house.alert(namespace)
    approval = await house.open_approval(namespace)
    house.sandbox.after_commit = lambda request: (
        os.kill(doomed.pid, signal.SIGKILL) if f"/namespaces/{namespace}/" in request.path else None
    )
    await house.approve(approval)
    await house.died(doomed)
    house.sandbox.after_commit = None

    heir = house.worker()
    await check(house, "written, not answered", namespace, began)
    house.end(heir)


async def test_a_worker_killed_while_it_verifies(house: House) -> None:
    """The next one goes on waiting, with the same deadline."""
    began, namespace = time.monotonic(), "row-12"
    await house.break_deployment(namespace)
    doomed = house.worker()
    await house.alert(namespace)
    approval = await house.open_approval(namespace)
    await house.approve(approval)
    await house.incident(approval["incident"], "verifying")
    house.kill(doomed)

    heir = house.worker()
    await check(house, "verifying", namespace, began)
    house.end(heir)


async def test_the_temporal_server_killed_while_people_think(house: House) -> None:
    """Away, an alert is answered 503 and nothing is half done; back, all goes on."""
    began, namespace = time.monotonic(), "row-13"
    await house.break_deployment(namespace)
    worker = house.worker()
    await house.alert(namespace)
    approval = await house.open_approval(namespace)
    house.server.kill()
    assert (await house.alert(namespace)).status_code == 503
    assert (await house.http.get("/readyz")).status_code == 503

    await house.server.start()
    await house.approve(approval)
    await check(house, "Temporal killed", namespace, began)
    house.end(worker)
