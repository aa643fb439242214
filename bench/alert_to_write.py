"""How long from an accepted alert to the write in the cluster, and how much of that is ours.

The floor is measured in the same run: a bare workflow on the same Temporal makes the same
Kubernetes calls as the same account, on deployments as broken, in as many plain activities as
Firebreak has Kubernetes steps on that way, without journal, guardrails, reservation, evidence or
heartbeats. Written is when the cluster says so: the audit log of a real control plane, the commit
of the sandbox. Firebreak is its own process (`firebreak up`); the floor's worker lives in this one.
Nothing is asserted: figures of a laptop are for comparing, not for passing.

    python -m bench.alert_to_write [--json] [--alerts N] [--cluster real|sandbox]
"""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from rich.table import Table

from bench.common import options, tell, until
from bench.firebreak import Firebreak
from bench.floor import FloorActivities, Send, floor, moved
from bench.victims import Victims
from bench.watched import Call, Watched, watched
from tools.controlplane.binaries import MissingError, find_binaries
from tools.controlplane.build import folder_of

WARM_UP = "bench-warm-up"
FLOOR_WARM_UPS = ("floor-warm-up-0", "floor-warm-up-1")


class Figures(NamedTuple):
    """Milliseconds from accepted to written; the burst's are under its own load."""

    one_by_one: list[float]
    burst: list[float]


class Found(NamedTuple):
    """What Firebreak asked of the cluster for one alert, and the names that the calls are about."""

    calls: list[Call]
    pods: list[str]

    def at(self, namespace: str, pods: Sequence[str]) -> list[Call]:
        """The same calls about another namespace and its pods."""
        names = {WARM_UP: namespace, **dict(zip(self.pods, pods, strict=False))}
        return moved(self.calls, names)


async def measure(send: Send, cluster: Watched, namespaces: Sequence[str]) -> Figures:
    """Send half of them one by one, each after the write of the last, then the rest at once."""
    half = len(namespaces) // 2
    one_by_one = [await _measured(send, cluster, name) for name in namespaces[:half]]
    burst = await asyncio.gather(*(_measured(send, cluster, name) for name in namespaces[half:]))
    return Figures(one_by_one, list(burst))


async def _measured(send: Send, cluster: Watched, namespace: str) -> float:
    await send(namespace)
    accepted = time.time()
    return (await _written(cluster, namespace) - accepted) * 1000


async def _written(cluster: Watched, namespace: str) -> float:
    await until(lambda: namespace in cluster.commits())
    return cluster.commits()[namespace]


async def warm_up(firebreak: Firebreak, cluster: Watched, victims: Victims) -> Found:
    """One alert that is not measured: what it takes is what the floor repeats."""
    pods, began = victims.pods(WARM_UP), time.time()
    await firebreak.alert(WARM_UP)
    await _written(cluster, WARM_UP)
    await until(firebreak.is_idle)
    return Found(cluster.calls(WARM_UP, began), pods)


async def measure_floor(
    temporal: str, cluster: Watched, found: Found, places: dict[str, list[str]]
) -> tuple[Figures, list[str]]:
    """The bare workflow in these namespaces, by their pods; and the answers that were others."""
    activities = FloorActivities(cluster.actor)
    async with floor(temporal, activities, lambda name: found.at(name, places[name])) as send:
        await measure(send, cluster, FLOOR_WARM_UPS)
        names = [name for name in places if name not in FLOOR_WARM_UPS]
        return await measure(send, cluster, names), activities.differing


async def run(folder: Path, cluster: Watched, count: int) -> dict[str, Any]:
    """Warm up, measure the floor on an idle Firebreak, then Firebreak itself."""
    namespaces = [f"bench-{number}" for number in range(2 * count)]
    floors = [*FLOOR_WARM_UPS, *(f"floor-{number}" for number in range(2 * count))]
    victims = Victims(cluster.admin)
    everywhere = [WARM_UP, *namespaces, *floors]
    victims.create_namespaces(everywhere)
    cluster.admit(everywhere)
    await victims.break_all(everywhere)
    firebreak = Firebreak(folder, cluster.actor, [WARM_UP, *namespaces])
    try:
        memory = [firebreak.memory_mib()]
        found = await warm_up(firebreak, cluster, victims)
        places = {name: victims.pods(name) for name in floors}
        bare, differing = await measure_floor(firebreak.temporal, cluster, found, places)
        ours = await measure(firebreak.alert, cluster, namespaces)
        memory.append(firebreak.memory_mib())
    except TimeoutError as err:
        raise RuntimeError(f"no write was seen in time:\n{firebreak.told()}") from err
    finally:
        await firebreak.stop()
    return {
        "cluster": cluster.name,
        "alerts": count,
        "kubernetes_calls": len(found.calls),
        "floor_answers_that_differ": differing,
        "milliseconds": {"firebreak": _summary(ours), "floor": _summary(bare)},
        "ratio": _ratio(_summary(ours), _summary(bare)),
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


def _ratio(ours: dict[str, dict[str, float]], bare: dict[str, dict[str, float]]) -> Any:
    return {
        name: {p: round(value / bare[name][p], 2) for p, value in found.items()}
        for name, found in ours.items()
    }


def _table(result: dict[str, Any]) -> Table:
    where = {"real": "a real control plane", "sandbox": "the sandbox"}[result["cluster"]]
    title = f"Alert accepted to write seen by {where}, {result['alerts']} alerts each"
    table = Table("", "Firebreak ms", "floor ms", "ratio", title=title, title_justify="left")
    for name, label in (("one_by_one", "one by one"), ("burst", "at once")):
        for p in ("p50", "p95"):
            ours = result["milliseconds"]["firebreak"][name][p]
            bare = result["milliseconds"]["floor"][name][p]
            table.add_row(f"{label}, {p}", f"{ours}", f"{bare}", f"{result['ratio'][name][p]}")
    memory = result["memory_mib"]
    table.caption = (
        f"{result['kubernetes_calls']} Kubernetes calls each, "
        f"{len(result['floor_answers_that_differ'])} answers differ; worker and gateway: "
        f"{memory['started']} MiB at start, {memory['after']} MiB after"
    )
    return table


def _default_cluster() -> str:
    try:
        find_binaries(os.environ, folder_of(os.environ))
    except MissingError:
        return "sandbox"
    return "real"


def main() -> None:
    """Run it once and print."""
    parser = options(__doc__)
    parser.add_argument("--alerts", type=int, default=30, help="one by one, and as many at once")
    parser.add_argument(
        "--cluster",
        choices=("real", "sandbox"),
        default=_default_cluster(),
        help="the real one is the default where it is built (`make controlplane`)",
    )
    given = parser.parse_args()
    with TemporaryDirectory(prefix="firebreak-bench-") as place:
        folder = Path(place)
        with watched(given.cluster, folder) as cluster:
            result = asyncio.run(run(folder, cluster, given.alerts))
    tell(result, _table(result), as_json=given.json)


if __name__ == "__main__":
    main()
