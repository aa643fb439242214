"""When many targets of a cluster alert at once, the fault is not theirs: a storm.

Computed from nothing but when each target's alerts began, so that every worker sees the same
storm, also after a restart, and its end is known as soon as it is.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from contracts.policy import Limits
from guardrails.facts import Storm

# (lock key of the target, when an alert of it began)
Began = tuple[str, datetime]


def looks_back(limits: Limits) -> timedelta:
    """Nothing older than this can belong to a storm that is not over."""
    return timedelta(seconds=limits.storm_window_seconds + limits.storm_quiet_seconds)


def storm_of(cluster: str, began: Sequence[Began], limits: Limits, now: datetime) -> Storm | None:
    """The storm that is on: more than `storm_targets_max` targets began to alert within
    `storm_window_seconds`, now or less than `storm_quiet_seconds` ago.
    """
    window = timedelta(seconds=limits.storm_window_seconds)
    newest = sorted(began, key=lambda one: one[1], reverse=True)
    inside: Counter[str] = Counter()
    leaving = 0
    for target, at in newest:
        inside[target] += 1
        while newest[leaving][1] - at >= window:
            left = newest[leaving][0]
            inside[left] -= 1
            if not inside[left]:
                del inside[left]
            leaving += 1
        if len(inside) > limits.storm_targets_max:
            until = at + window + timedelta(seconds=limits.storm_quiet_seconds)
            targets = len({name for name, _ in newest})
            return Storm(cluster, targets, newest[-1][1], until) if until > now else None
    return None


def storm_words(storm: Storm) -> str:
    """What was seen, for a refusal."""
    return (
        f"storm in cluster {storm.cluster}: {storm.targets} targets alerted since "
        f"{storm.since:%H:%M:%S} UTC"
    )


def storm_fix(storm: Storm) -> str:
    """What a person may do in a storm, and when it is over by itself."""
    return (
        "Look for the one cause: network, storage, DNS, a node pool. If no more begin, it ends at "
        f"{storm.until:%Y-%m-%d %H:%M:%S} UTC."
    )
