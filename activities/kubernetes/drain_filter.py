"""Which pods of a node a drain moves, which stay, and which forbid it: pure, so that each case can
be tested. The rules are those of `kubectl drain --ignore-daemonsets`, without its `--force`.

Finished pods stay: nothing runs in them. A DaemonSet's pod would come right back; one whose
DaemonSet is gone would not, and counts as a pod without a controller.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from activities.kubernetes import raw
from activities.kubernetes.pod_writes import MIRROR, empty_dirs, is_terminating
from activities.kubernetes.raw import Object

NAMED_MAX = 5

Fate = Literal["leaving", "finished", "daemon", "static", "unmanaged", "empty_dir", "evict"]


@dataclass(frozen=True)
class Sorted:
    """A node's pods, by what a drain makes of them."""

    by_fate: dict[Fate, list[Object]] = field(default_factory=dict)

    def of(self, *fates: Fate) -> list[Object]:
        """The pods of these fates, by namespace and name."""
        found = [pod for fate in fates for pod in self.by_fate.get(fate, [])]
        return sorted(found, key=shown)


def sort_pods(pods: Iterable[Object], daemon_sets: set[str], *, lose_empty_dirs: bool) -> Sorted:
    """Sort them; `daemon_sets` are the uids of the DaemonSets that exist."""
    by_fate: dict[Fate, list[Object]] = {}
    for pod in pods:
        by_fate.setdefault(_fate(pod, daemon_sets, lose_empty_dirs=lose_empty_dirs), []).append(pod)
    return Sorted(by_fate)


def shown(pod: Object) -> str:
    """`namespace/name`."""
    return f"{raw.text(pod, 'metadata', 'namespace')}/{raw.name_of(pod)}"


def few(names: Iterable[str]) -> str:
    """The first `NAMED_MAX` of these names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - NAMED_MAX} more" if every[NAMED_MAX:] else ""
    return ", ".join(every[:NAMED_MAX]) + more


def controller_uid(pod: Object) -> str:
    """The uid of what controls it, or the empty string."""
    return raw.text(raw.controller_of(pod), "uid")


def _fate(pod: Object, daemon_sets: set[str], *, lose_empty_dirs: bool) -> Fate:
    controller = raw.controller_of(pod)
    fates: tuple[tuple[Fate, bool], ...] = (
        ("leaving", is_terminating(pod)),
        ("static", bool(raw.annotation(pod, MIRROR))),
        ("finished", raw.text(pod, "status", "phase") in ("Succeeded", "Failed")),
        ("daemon", controller.get("uid") in daemon_sets),
        ("unmanaged", not controller or controller.get("kind") == "DaemonSet"),
        ("empty_dir", not lose_empty_dirs and bool(empty_dirs(pod))),
    )
    return next((fate for fate, holds in fates if holds), "evict")
