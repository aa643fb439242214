"""When a node is drained, and whether what ran on it runs elsewhere."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from contracts import Target
from contracts.kubernetes import AWAITED_KINDS, AWAITED_MAX, ReplicasReady
from workflows import Runbook

WITHIN = timedelta(minutes=10)

Facts = Mapping[str, Any]


class Elsewhere(NamedTuple):
    """The workloads that are not ready, and how many nobody has looked at."""

    lacking: list[str]
    unseen: int


def why_not_drained(node: Target, facts: Facts) -> str:
    """Why nobody is asked to drain it, or nothing. `facts`: those of NodeConditions."""
    if "ready" not in facts:
        return f"the state of {node} could not be read"
    if facts.get("control_plane"):
        return f"{node} is a control plane, which a person drains"
    down = facts.get("nodes_total", 0) - facts.get("nodes_ready", 0)
    if down > 1:
        return f"{down} of {facts['nodes_total']} nodes are not ready, so it is not this node alone"
    return ""


async def all_ready_elsewhere(runbook: Runbook, facts: Facts) -> Elsewhere:
    """Which of the workloads that the node had are not ready in ten minutes. Those beyond
    `AWAITED_MAX`, and those that the look did not list, are only counted.
    """
    cluster = runbook.case.target.cluster
    listed = facts.get("workloads") or []
    had = [item for item in listed if item["kind"] in AWAITED_KINDS]
    targets = [
        Target(cluster=cluster, namespace=w["namespace"], kind=w["kind"], name=w["name"])
        for w in had[:AWAITED_MAX]
    ]
    well = await asyncio.gather(
        *(runbook.verify(ReplicasReady(target=target), WITHIN) for target in targets)
    )
    unlisted = max(0, facts.get("workloads_total", 0) - len(listed))
    return Elsewhere(
        [str(target) for target, ready in zip(targets, well, strict=True) if not ready],
        len(had) - len(targets) + unlisted,
    )
