"""When a node is drained, and whether what ran on it runs elsewhere."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from contracts import Target
from contracts.kubernetes import ReplicasReady
from workflows import Runbook

WITHIN = timedelta(minutes=10)
WORKLOADS_MAX = 20
# A DaemonSet's pods stay, and a Job's are not waited for.
ELSEWHERE = ("Deployment", "StatefulSet")

Facts = Mapping[str, Any]


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


async def all_ready_elsewhere(runbook: Runbook, facts: Facts) -> list[str]:
    """The workloads that the node had and that are not ready in ten minutes; none when all are."""
    cluster = runbook.case.target.cluster
    had = [item for item in facts.get("workloads") or [] if item["kind"] in ELSEWHERE]
    targets = [
        Target(cluster=cluster, namespace=w["namespace"], kind=w["kind"], name=w["name"])
        for w in had[:WORKLOADS_MAX]
    ]
    well = await asyncio.gather(
        *(runbook.verify(ReplicasReady(target=target), WITHIN) for target in targets)
    )
    return [str(target) for target, ready in zip(targets, well, strict=True) if not ready]
