"""What Firebreak does in a Kubernetes cluster: looks, plans, ensures, checks.

Everything goes through the official client and speaks raw JSON. Each activity may run more than
once for one call, at any time, on any worker; each write is bound to what was planned. No
activity lists or changes more than the one target that its step names.
"""

from collections.abc import Callable, Mapping
from typing import Any

from activities.kubernetes.client import Cluster as Cluster
from activities.kubernetes.client import open_cluster as open_cluster
from activities.kubernetes.ensure import Ensurer, Switches
from activities.kubernetes.events import EventsLook
from activities.kubernetes.evidence import Shelf
from activities.kubernetes.health import RolloutHealthyCheck
from activities.kubernetes.history import RolloutHistoryLook
from activities.kubernetes.logs import PodLogsLook
from activities.kubernetes.owner import OwnerLook
from activities.kubernetes.restart import RolloutRestartAction
from activities.kubernetes.rollback import RollbackDeploymentAction
from activities.kubernetes.waiting import Clock, Sleep, sleep_unless_stopping, utc_now


def all_activities(
    clusters: Mapping[str, Cluster],
    journal: Shelf,
    pauses: Switches,
    clock: Clock = utc_now,
    sleep: Sleep = sleep_unless_stopping,
) -> list[Callable[..., Any]]:
    """Every activity of this package, for a worker that serves these clusters."""
    ensurer = Ensurer(clusters, pauses, clock, sleep)
    restart = RolloutRestartAction(clusters, ensurer)
    rollback = RollbackDeploymentAction(clusters, ensurer)
    return [
        PodLogsLook(clusters, journal).look,
        EventsLook(clusters, journal).look,
        RolloutHistoryLook(clusters, journal).look,
        OwnerLook(clusters).find,
        restart.plan,
        restart.ensure,
        rollback.plan,
        rollback.ensure,
        RolloutHealthyCheck(clusters, clock, sleep).check,
    ]
