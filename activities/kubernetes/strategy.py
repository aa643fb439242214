"""How a workload replaces its pods, as its spec says it: how many at a time, and what stands still.

The guardrails judge a restart or a rollback by what goes away at once, and a plan must say it when
a controller would do nothing at all. Pure readings; the API's own defaults stand in for what a
spec leaves out. Nothing here reads a cluster.
"""

import math
from dataclasses import dataclass

from activities.kubernetes import raw
from activities.kubernetes.workload import Workload
from contracts.words import counted

DEFAULT_SHARE = "25%"


@dataclass(frozen=True)
class Strategy:
    """`unavailable` and `surge` are numbers of pods. `held_back` pods keep the old template: those
    below a StatefulSet's partition. `on_delete`: nobody replaces a pod until somebody deletes it.
    `ordered`: one pod that is not ready stops all the others.
    """

    kind: str
    unavailable: int = 0
    surge: int = 0
    held_back: int = 0
    on_delete: bool = False
    ordered: bool = False

    @property
    def pace(self) -> str:
        """A few words for summaries."""
        if self.kind == "Recreate":
            return "all at once"
        return "one at a time" if max(self.unavailable, self.surge) == 1 else "a few at a time"

    def lost(self, workload: Workload, staying: int = 0) -> int:
        """How many of the ready pods may be away at the same time; `staying` of them have the
        wanted template already and are not touched.
        """
        return min(self.unavailable, max(0, workload.ready - staying))

    def outage(self, workload: Workload, staying: int = 0) -> str:
        """Why no pod would serve meanwhile, or the empty string, as when none serves now."""
        if workload.ready == 0 or self.lost(workload, staying) < workload.ready:
            return ""
        if self.kind == "Recreate":
            return "strategy Recreate: all pods stop before the new ones start"
        if workload.replicas == 1:
            return "its only pod stops before the new one starts"
        away = counted(self.unavailable, "pod")
        return f"up to {away} may be away at once, and {workload.ready} ready now"


def strategy_of(workload: Workload) -> Strategy:
    """Read it from a Deployment, a StatefulSet or a DaemonSet."""
    readers = {"StatefulSet": _of_stateful_set, "DaemonSet": _of_daemon_set}
    return readers.get(workload.kind, _of_deployment)(workload)


def _of_deployment(workload: Workload) -> Strategy:
    strategy = raw.mapping(workload.raw, "spec", "strategy")
    if strategy.get("type") == "Recreate":
        return Strategy("Recreate", unavailable=workload.replicas)
    rolling = raw.mapping(strategy, "rollingUpdate")
    surge = _pods(rolling.get("maxSurge", DEFAULT_SHARE), workload.replicas, up=True)
    away = _pods(rolling.get("maxUnavailable", DEFAULT_SHARE), workload.replicas, up=False)
    # The controller must be able to move: both zero means one pod away.
    return Strategy("RollingUpdate", unavailable=away or (0 if surge else 1), surge=surge)


def _of_stateful_set(workload: Workload) -> Strategy:
    strategy = raw.mapping(workload.raw, "spec", "updateStrategy")
    ordered = raw.text(workload.raw, "spec", "podManagementPolicy") != "Parallel"
    if strategy.get("type") == "OnDelete":
        return Strategy("OnDelete", on_delete=True, ordered=ordered)
    rolling = raw.mapping(strategy, "rollingUpdate")
    away = max(1, _pods(rolling.get("maxUnavailable", 1), workload.replicas, up=True))
    held = min(raw.number(rolling, "partition"), workload.replicas)
    return Strategy("RollingUpdate", unavailable=away, held_back=held, ordered=ordered)


def _of_daemon_set(workload: Workload) -> Strategy:
    strategy = raw.mapping(workload.raw, "spec", "updateStrategy")
    if strategy.get("type") == "OnDelete":
        return Strategy("OnDelete", on_delete=True)
    rolling = raw.mapping(strategy, "rollingUpdate")
    surge = _pods(rolling.get("maxSurge", 0), workload.replicas, up=True)
    away = _pods(rolling.get("maxUnavailable", 0 if surge else 1), workload.replicas, up=True)
    return Strategy("RollingUpdate", unavailable=away, surge=surge)


def _pods(value: object, replicas: int, *, up: bool) -> int:
    """A number of pods, or a share such as `25%`, rounded as the controllers round it."""
    if isinstance(value, int):
        return value
    text = str(value).removesuffix("%")
    share = int(text) * replicas / 100 if text.isdigit() else 0
    return math.ceil(share) if up else math.floor(share)
