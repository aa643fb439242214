"""Which permissions each step needs in a cluster, for `firebreak doctor` and for `deploy/rbac/`.

Reading comes as a whole: what surrounds a workload is read by every step, and a half-read state
would be judged as a whole one. Writing is exact: a step that is not used needs no permission. A
plan rehearses its write (`dryRun=All`), which the API server permits like the write itself.
"""

from collections.abc import Iterable
from typing import NamedTuple

from activities.kubernetes.client import Cluster
from contracts.kubernetes import (
    Cordon,
    DeleteJob,
    DeletePod,
    Drain,
    Events,
    EvictPod,
    JobComplete,
    JobState,
    Metrics,
    NodeConditions,
    NodeReady,
    PauseRollout,
    PodLogs,
    PodReplaced,
    PodStates,
    ReplicasReady,
    RerunJob,
    Restore,
    ResumeRollout,
    RollbackDeployment,
    RollbackSet,
    RolloutHealthy,
    RolloutHistory,
    RolloutRestart,
    Scale,
    Surroundings,
    Uncordon,
)

OWNER = "kubernetes.owner"


class Permission(NamedTuple):
    """One verb on one resource, in each allowed namespace or (`everywhere`) in the whole cluster.
    `file` is where deploy/rbac/ grants it.
    """

    verb: str
    group: str
    resource: str
    file: str
    everywhere: bool = False

    def __str__(self) -> str:
        """`patch deployments.apps/scale`."""
        name, _, part = self.resource.partition("/")
        return (
            f"{self.verb} {name}{f'.{self.group}' if self.group else ''}{f'/{part}' * bool(part)}"
        )

    def attributes(self, namespace: str) -> dict[str, str]:
        """The `resourceAttributes` of a SelfSubjectAccessReview."""
        name, _, part = self.resource.partition("/")
        asked = {"verb": self.verb, "group": self.group, "resource": name, "subresource": part}
        return asked | ({} if self.everywhere else {"namespace": namespace})


def _all(
    file: str, group: str, verbs: str, *resources: str, everywhere: bool = False
) -> tuple[Permission, ...]:
    return tuple(
        Permission(verb, group, resource, file, everywhere)
        for resource in resources
        for verb in verbs.split()
    )


READ = (
    *_all("reader", "", "get list", "pods"),
    *_all("reader", "", "get", "pods/log", "configmaps", "namespaces"),
    *_all("reader", "", "list", "events", "resourcequotas"),
    *_all("reader", "apps", "get", "deployments", "statefulsets", "daemonsets"),
    *_all("reader", "apps", "get list", "replicasets", "controllerrevisions"),
    *_all("reader", "batch", "get list", "jobs"),
    *_all("reader", "batch", "get", "cronjobs"),
    *_all("reader", "autoscaling", "get list", "horizontalpodautoscalers"),
    *_all("reader", "keda.sh", "get list", "scaledobjects"),
    *_all("reader", "policy", "get list", "poddisruptionbudgets"),
)
# The pods of a node belong to any namespace, and so do the owners that a drain follows them to.
READ_NODES = (
    *_all("nodes-reader", "", "get list", "nodes", everywhere=True),
    *_all("nodes-reader", "", "list", "pods", "events", everywhere=True),
    *_all("nodes-reader", "", "get", "namespaces", everywhere=True),
    *_all(
        "nodes-reader",
        "apps",
        "get",
        "deployments",
        "replicasets",
        "statefulsets",
        "daemonsets",
        everywhere=True,
    ),
    *_all("nodes-reader", "batch", "get", "jobs", everywhere=True),
    *_all("nodes-reader", "policy", "list", "poddisruptionbudgets", everywhere=True),
)
USAGE = _all("metrics", "metrics.k8s.io", "list", "pods")
_SETS = _all("actor", "apps", "patch", "statefulsets", "daemonsets")
_DEPLOYMENTS = _all("actor", "apps", "patch", "deployments")
_NUMBERS = (
    *_all("actor", "apps", "patch", "deployments/scale", "statefulsets/scale"),
    *_all("actor", "autoscaling", "patch", "horizontalpodautoscalers"),
    *_all("actor", "keda.sh", "patch", "scaledobjects"),
)
_EVICT = _all("actor", "", "create", "pods/eviction")
_CORDON = _all("nodes", "", "patch", "nodes", everywhere=True)

# By the activity of the step; a step's `.plan` and `.ensure` need the same.
NEEDS: dict[str, tuple[Permission, ...]] = {
    OWNER: READ,
    PodLogs.activity: READ,
    Events.activity: READ,
    RolloutHistory.activity: READ,
    PodStates.activity: READ,
    Surroundings.activity: READ,
    Metrics.activity: READ + USAGE,
    JobState.activity: READ,
    NodeConditions.activity: READ_NODES,
    RolloutRestart.activity: READ + _DEPLOYMENTS + _SETS,
    EvictPod.activity: READ + _EVICT,
    DeletePod.activity: READ + _all("pods-delete", "", "delete", "pods"),
    Scale.activity: READ + _NUMBERS,
    PauseRollout.activity: READ + _DEPLOYMENTS,
    ResumeRollout.activity: READ + _DEPLOYMENTS,
    # It writes what the write that it takes back wrote, and nodes only where those are written.
    Restore.activity: READ + _NUMBERS + _DEPLOYMENTS,
    Cordon.activity: READ_NODES + _CORDON,
    Uncordon.activity: READ_NODES + _CORDON,
    Drain.activity: READ + READ_NODES + _CORDON + _EVICT,
    DeleteJob.activity: READ + _all("actor", "batch", "delete", "jobs"),
    RerunJob.activity: READ + _all("jobs-create", "batch", "create", "jobs"),
    RollbackSet.activity: READ + _SETS,
    RollbackDeployment.activity: READ + _DEPLOYMENTS,
    RolloutHealthy.activity: READ,
    ReplicasReady.activity: READ,
    PodReplaced.activity: READ,
    NodeReady.activity: READ_NODES,
    JobComplete.activity: READ,
}


def needed(activities: Iterable[str], *, nodes: bool) -> tuple[Permission, ...]:
    """What these steps need, each once; without `nodes` nothing that only nodes need."""
    wanted = (p for name in activities for p in NEEDS.get(name, ()) if nodes or not p.everywhere)
    return tuple(dict.fromkeys(wanted))


def missing(
    cluster: Cluster, wanted: Iterable[Permission], namespace: str
) -> tuple[Permission, ...]:
    """Those that this identity lacks in the namespace, by asking the API server for each; raises
    what `Cluster.may` raises where it does not say.
    """
    return tuple(p for p in wanted if not cluster.may(p.attributes(namespace)))
