"""What Firebreak does in a Kubernetes cluster: looks, plans, ensures, checks.

Everything goes through the official client and speaks raw JSON. Each activity may run more than
once for one call, at any time, on any worker; each write is bound to what was planned. No
activity lists or changes more than the one target that its step names.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from activities.kubernetes.client import Cluster as Cluster
from activities.kubernetes.client import open_cluster as open_cluster
from activities.kubernetes.cordon import CordonAction, UncordonAction
from activities.kubernetes.delete_pod import DeletePodAction
from activities.kubernetes.drain import DrainAction
from activities.kubernetes.ensure import Brakes as Brakes
from activities.kubernetes.ensure import Ensurer
from activities.kubernetes.events import EventsLook
from activities.kubernetes.evict import EvictPodAction
from activities.kubernetes.evidence import Shelf
from activities.kubernetes.health import RolloutHealthyCheck
from activities.kubernetes.history import RolloutHistoryLook
from activities.kubernetes.job_complete import JobCompleteCheck
from activities.kubernetes.job_state import JobStateLook
from activities.kubernetes.jobs import DeleteJobAction
from activities.kubernetes.logs import PodLogsLook
from activities.kubernetes.metrics import MetricsLook
from activities.kubernetes.node_conditions import NodeConditionsLook
from activities.kubernetes.node_ready import NodeReadyCheck
from activities.kubernetes.owner import OwnerLook
from activities.kubernetes.pausing import PauseRolloutAction, ResumeRolloutAction
from activities.kubernetes.pod_replaced import PodReplacedCheck
from activities.kubernetes.pod_states import PodStatesLook
from activities.kubernetes.readiness import ReplicasReadyCheck
from activities.kubernetes.rerun import RerunJobAction
from activities.kubernetes.restart import RolloutRestartAction
from activities.kubernetes.restore import RestoreAction
from activities.kubernetes.rollback import RollbackDeploymentAction
from activities.kubernetes.rollback_set import RollbackSetAction
from activities.kubernetes.scale import ScaleAction
from activities.kubernetes.surroundings_look import SurroundingsLook
from activities.kubernetes.waiting import Clock, Sleep, sleep_unless_stopping, utc_now

Clusters = Mapping[str, Cluster]
Activity = Callable[..., Any]

LOOKS = (
    PodLogsLook,
    EventsLook,
    RolloutHistoryLook,
    PodStatesLook,
    SurroundingsLook,
    MetricsLook,
    NodeConditionsLook,
    JobStateLook,
)
CHECKS = (
    RolloutHealthyCheck,
    ReplicasReadyCheck,
    PodReplacedCheck,
    NodeReadyCheck,
    JobCompleteCheck,
)
ACTIONS = (
    RolloutRestartAction,
    RollbackDeploymentAction,
    RollbackSetAction,
    ScaleAction,
    RestoreAction,
    PauseRolloutAction,
    ResumeRolloutAction,
    DeletePodAction,
    CordonAction,
    UncordonAction,
    DeleteJobAction,
    RerunJobAction,
)


def all_activities(
    clusters: Clusters,
    journal: Shelf,
    brakes: Brakes,
    clock: Clock = utc_now,
    sleep: Sleep = sleep_unless_stopping,
) -> list[Activity]:
    """Every activity of this package, for a worker that serves these clusters."""
    return [
        OwnerLook(clusters).find,
        *(look(clusters, journal).look for look in LOOKS),
        *(check(clusters, clock, sleep).check for check in CHECKS),
        *_actions(clusters, Ensurer(clusters, brakes, clock, sleep), clock, sleep),
    ]


def _actions(
    clusters: Clusters, ensurer: Ensurer, clock: Clock, sleep: Sleep
) -> Iterator[Activity]:
    waiting = (
        EvictPodAction(clusters, ensurer, sleep),
        DrainAction(clusters, ensurer, clock, sleep),
    )
    for action in (*(kind(clusters, ensurer) for kind in ACTIONS), *waiting):
        yield from (action.plan, action.ensure)
