"""The arithmetic of a rolling update: pure numbers, no objects written.

Percentages round up for surge and down for unavailability, and both can never be zero, or a
rollout could not move.
"""

from typing import Any

from sandbox.objects import Object, number_at, text_at


def is_rolling(deployment: Object) -> bool:
    """Whether the strategy is RollingUpdate."""
    return text_at(deployment, "spec", "strategy", "type") == "RollingUpdate"


def desired(deployment: Object) -> int:
    """`spec.replicas`."""
    return number_at(deployment, "spec", "replicas")


def max_surge(deployment: Object) -> int:
    """Pods allowed above the desired number."""
    return _fence_posts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Object) -> int:
    """Pods allowed to be missing."""
    if not is_rolling(deployment) or desired(deployment) == 0:
        return 0
    return min(_fence_posts(deployment)[1], desired(deployment))


def _fence_posts(deployment: Object) -> tuple[int, int]:
    rolling, total = deployment["spec"]["strategy"]["rollingUpdate"], desired(deployment)
    surge = resolve(rolling["maxSurge"], total, up=True)
    unavailable = resolve(rolling["maxUnavailable"], total, up=False)
    return surge, (1 if surge == 0 and unavailable == 0 else unavailable)


def resolve(value: Any, total: int, *, up: bool) -> int:
    """A count, or a percentage of the total, rounded up or down."""
    if isinstance(value, int):
        return value
    scaled = int(str(value).removesuffix("%")) * total
    return -(-scaled // 100) if up else scaled // 100


def size(replica_set: Object) -> int:
    """`spec.replicas`."""
    return number_at(replica_set, "spec", "replicas")


def available(replica_set: Object) -> int:
    """`status.availableReplicas`."""
    return number_at(replica_set, "status", "availableReplicas")


def new_size(deployment: Object, sets: list[Object], new: Object) -> int:
    """How many replicas the new ReplicaSet may have now."""
    if not is_rolling(deployment):
        return desired(deployment)
    room = desired(deployment) + max_surge(deployment) - sum(size(item) for item in sets)
    if room <= 0:
        return size(new)
    return size(new) + min(room, desired(deployment) - size(new))


def removable(deployment: Object, sets: list[Object], new: Object) -> int:
    """How many old replicas, healthy or not, may go without breaking the minimum."""
    minimum = desired(deployment) - max_unavailable(deployment)
    missing = size(new) - available(new)
    return sum(size(item) for item in sets) - minimum - missing


def spare_available(deployment: Object, sets: list[Object]) -> int:
    """How many available pods there are beyond the minimum."""
    minimum = desired(deployment) - max_unavailable(deployment)
    return sum(available(item) for item in sets) - minimum


def proportion(deployment: Object, replica_set: Object, before: int, left: int) -> int:
    """The share of one ReplicaSet in a change of size; `left` is what is still to give or take."""
    if size(replica_set) == 0 or left == 0:
        return 0
    target = desired(deployment) + max_surge(deployment)
    share = -size(replica_set)
    if desired(deployment) > 0:
        share = round(size(replica_set) * target / before) - size(replica_set) if before else 0
    return min(share, left) if left > 0 else max(share, left)
