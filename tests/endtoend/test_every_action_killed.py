"""Every action on a real control plane, its worker killed before, during and after the write.

The oracle is the API server's own audit log. All actions of a row die in one death; the table of
kills and actions is printed at the end (run with `-s`).
"""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from clusters import Live

from endtoend.crowd import Deed, Stage
from endtoend.house import BEN_TOKEN, POLICY, House

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

DOING = Path(__file__).parent / "doing"
PHASES = ("before", "sent", "after")
RUN_SECONDS = 120.0


class Row(NamedTuple):
    """What came of one action in one death."""

    killed: str
    action: str
    outcome: str
    writes: str
    entries: int


ROWS: list[Row] = []


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def _table(pytestconfig: pytest.Config) -> AsyncIterator[None]:
    yield
    writer = pytestconfig.get_terminal_writer()
    writer.line()
    for row in ROWS:
        writer.line("| " + " | ".join(map(str, row)) + " |")


@pytest_asyncio.fixture(loop_scope="session", name="house")
async def _house(tmp_path: Path, real_cluster: Live) -> AsyncIterator[House]:
    house = House(tmp_path, real_cluster.kubeconfig_as("actor"))
    await house.start(policy_for(real_cluster.namespace))
    try:
        yield house
    finally:
        await house.stop()


def policy_for(namespace: str) -> str:
    """What is being tested is the write, so nothing asks and nothing limits."""
    limits = f"""
[limits]
namespaces = ["{namespace}"]
nodes = true
cooldown_seconds = 0
attempts_max = 50
runbook_writes_per_hour = 1000
namespace_writes_per_hour = 1000
cluster_writes_per_hour = 1000
cluster_open_writes_max = 100
pool_open_writes_max = 100
storm_targets_max = 1000
unhealthy_nodes_share_max = 1
blast_share_max = 1
ready_left_min = 0
chronic_heals_max = 1000
"""
    head, _, tail = POLICY.partition("[limits]")
    rest = tail[tail.index("[incident]") :]
    return f'{head}{limits}\n{rest}\n[runbooks.do_one]\nautonomy = "auto"\n'


def prepare(stage: Stage) -> list[Deed]:
    """Create the objects, and say what is to be done to each."""
    restart, many = stage.deployment("restart"), stage.deployment("evict", 3)
    stage.budget(many)
    sick = stage.deployment("delete-pod", fault="never-ready")
    plain, scaled = stage.deployment("scale"), stage.deployment("autoscaled")
    stage.autoscaler(scaled)
    kept = stage.deployment("restore")
    back, back_set = stage.deployment("back"), stage.stateful_set("revised")
    pause, resume = stage.deployment("pause"), stage.deployment("resume")
    closed, opened = stage.node("cordon"), stage.node("uncordon", cordoned=True)
    drained = stage.node("drain")
    stage.deployment("on-drain", node=drained)
    dead, again = stage.failed_job("delete-job"), stage.failed_job("run-again")
    return [
        Deed("restart", "Deployment", restart, {}, (f"patch deployments {restart}",)),
        Deed("evict", "Deployment", many, {"pod": many}, ("create pods/eviction *",)),
        Deed("delete pod", "Deployment", sick, {"pod": sick}, ("delete pods *",)),
        Deed("scale", "Deployment", plain, {"replicas": 3}, (f"patch deployments/scale {plain}",)),
        Deed(
            "scale",
            "Deployment",
            scaled,
            {"replicas": 4},
            (f"patch horizontalpodautoscalers {scaled}",),
            asks=True,
        ),
        Deed(
            "scale",
            "Deployment",
            kept,
            {"replicas": 3, "restore": True},
            (f"patch deployments/scale {kept}",) * 2,
            entries=2,
        ),
        Deed("roll back", "Deployment", back, {}, (f"patch deployments {back}",)),
        Deed("roll back a set", "StatefulSet", back_set, {}, (f"patch statefulsets {back_set}",)),
        Deed("pause", "Deployment", pause, {}, (f"patch deployments {pause}",)),
        Deed("resume", "Deployment", resume, {}, (f"patch deployments {resume}",), asks=True),
        Deed("cordon", "Node", closed, {}, (f"patch nodes {closed}",)),
        Deed("uncordon", "Node", opened, {}, (f"patch nodes {opened}",)),
        Deed(
            "drain",
            "Node",
            drained,
            {},
            (f"patch nodes {drained}", "create pods/eviction *", "create pods/eviction *"),
        ),
        Deed("delete a job", "Job", dead, {}, (f"delete jobs {dead}",)),
        Deed("run a job again", "Job", again, {}, ("create jobs *",)),
    ]


async def settle(house: House, stage: Stage, deeds: list[Deed]) -> list[Deed]:
    """Wait until the objects are as the deeds need them, and name the pods."""
    name = stage.name
    steady = [
        (d.kind, d.name, 3 if d.do == "evict" else 2)
        for d in deeds
        if d.kind in ("Deployment", "StatefulSet") and d.do != "delete pod"
    ]
    await house.until(lambda: all(stage.is_ready(*which) for which in steady))
    stage.change("Deployment", name("back"))
    stage.change("StatefulSet", name("revised"))
    stage.patch("Deployment", name("resume"), {"spec": {"paused": True}})
    await house.until(lambda: stage.is_ready("Deployment", name("back"), 2))
    await house.until(lambda: stage.is_ready("StatefulSet", name("revised"), 2))
    await house.until(lambda: stage.pods_on(name("drain")) == 2)
    jobs = [d.name for d in deeds if d.kind == "Job"]
    await house.until(lambda: all(stage.has_failed(job) for job in jobs))
    return [
        d._replace(params=d.params | {"pod": stage.pod_of(d.name)}) if "pod" in d.params else d
        for d in deeds
    ]


async def begin(house: House, namespace: str, deed: Deed) -> str:
    """Have a person start the runbook; the incident's id."""
    place = "" if deed.kind == "Node" else namespace
    target = {"cluster": "default", "namespace": place, "kind": deed.kind, "name": deed.name}
    step = {k: v for k, v in deed.params.items() if k != "restore"}
    params = {"do": deed.do, "step": step, "restore": deed.params.get("restore", False)}
    body = {"runbook": "do_one", "target": target, "params": params}

    async def asked() -> Any:
        headers = house.as_ana | {"Idempotency-Key": deed.name}
        answer = await house.http.post("/incidents", json=body, headers=headers)
        return answer.json() if answer.is_success else None

    return str((await house.until(asked))["incident"])


@pytest.fixture(name="stage")
def _stage(real_cluster: Live, phase: str) -> Iterator[Stage]:
    stage = Stage(real_cluster.api, real_cluster.namespace, phase)
    yield stage
    stage.remove_nodes()


@pytest.mark.parametrize("phase", PHASES)
async def test_every_action_is_written_once(
    house: House, real_cluster: Live, stage: Stage, phase: str
) -> None:
    """Whoever dies when: what the audit log holds is what was asked for, once."""
    deeds = await settle(house, stage, prepare(stage))
    began = time.monotonic()
    doomed = house.spawn(
        "endtoend.crowd_worker", phase, str(len(deeds)), FIREBREAK_RUNBOOKS=str(DOING)
    )
    numbers = [await begin(house, real_cluster.namespace, deed) for deed in deeds]
    for deed, number in zip(deeds, numbers, strict=True):
        if deed.asks:
            await house.approve(await house.approval_of(number), BEN_TOKEN)
    await house.died(doomed)

    heir = house.worker(FIREBREAK_RUNBOOKS=str(DOING))
    for deed, number in zip(deeds, numbers, strict=True):
        found = await house.ended(number, RUN_SECONDS)
        row = Row(
            killed=phase,
            action=f"{deed.do} {deed.name}",
            outcome=str(found["outcome"]),
            writes=", ".join(written(real_cluster, phase, deed)),
            entries=len(house.books(number)[0]),
        )
        ROWS.append(row)
    house.end(heir)
    assert time.monotonic() - began < 2 * RUN_SECONDS
    for row, deed in zip(ROWS[-len(deeds) :], deeds, strict=True):
        wanted = Row(phase, row.action, "resolved", ", ".join(deed.writes), deed.entries)
        assert row == wanted


def written(live: Live, prefix: str, deed: Deed) -> list[str]:
    """What the audit log holds of Firebreak's effective writes for a deed, in order."""
    found = []
    for write in live.writes("firebreak/"):
        part = f"/{write.subresource}" if write.subresource else ""
        if write.effective and belongs(write.name, prefix, deed):
            name = write.name if write.name == deed.name else "*"
            found.append(f"{write.verb} {write.resource}{part} {name}")
    return found


def belongs(name: str, prefix: str, deed: Deed) -> bool:
    """Whether an object was written for this deed: its own, its pods, or a job's successor. No
    deed's name begins with another's.
    """
    if deed.do == "drain":
        return name == deed.name or name.startswith(f"{prefix}-on-drain")
    return name == deed.name or name.startswith(f"{deed.name}-")
