"""Which resources the sandbox knows, and which verbs it really does on each.

One table feeds the routes, the discovery documents and the names inside Status errors, so that
they cannot disagree. A verb that is not in the table must never be half done: it is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Resource:
    """One resource of one group version; `storage` names the table that views share."""

    group: str
    version: str
    plural: str
    kind: str
    verbs: tuple[str, ...]
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    subresources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    custom: bool = False

    @property
    def api_version(self) -> str:
        """`v1` or `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """`pods` or `deployments.apps`, as in messages."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """`Pod` or `Deployment.apps`, as in messages."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def storage(self) -> str:
        """Both views of events read and write one table; a pod's metrics are no pod."""
        return self.qualified if self.custom else self.plural

    @property
    def counts_generation(self) -> bool:
        """Whether `metadata.generation` is kept for this resource."""
        return self.plural in _GENERATIONS


_GENERATIONS = frozenset(
    {
        "cronjobs",
        "daemonsets",
        "deployments",
        "jobs",
        "poddisruptionbudgets",
        "pods",
        "replicasets",
        "scaledobjects",
        "statefulsets",
    }
)
_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "get", "list", "patch", "update", "watch")
_SCALE = {"scale": ("get", "patch", "update")}

NAMESPACES = Resource(
    "",
    "v1",
    "namespaces",
    "Namespace",
    ("create", "get", "list", "patch", "watch"),
    namespaced=False,
    short_names=("ns",),
)
NODES = Resource("", "v1", "nodes", "Node", _WRITE, namespaced=False, short_names=("no",))
PODS = Resource(
    "",
    "v1",
    "pods",
    "Pod",
    ("create", "delete", "get", "list", "patch", "watch"),
    short_names=("po",),
    subresources={"log": ("get",), "eviction": ("create",)},
)
EVENTS = Resource("", "v1", "events", "Event", _READ, short_names=("ev",))
QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota", _WRITE, short_names=("quota",))
DEPLOYMENTS = Resource(
    "apps",
    "v1",
    "deployments",
    "Deployment",
    _WRITE,
    short_names=("deploy",),
    subresources=_SCALE,
)
REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet", _READ, short_names=("rs",))
STATEFUL_SETS = Resource(
    "apps",
    "v1",
    "statefulsets",
    "StatefulSet",
    _WRITE,
    short_names=("sts",),
    subresources=_SCALE,
)
DAEMON_SETS = Resource("apps", "v1", "daemonsets", "DaemonSet", _WRITE, short_names=("ds",))
REVISIONS = Resource("apps", "v1", "controllerrevisions", "ControllerRevision", _READ)
JOBS = Resource("batch", "v1", "jobs", "Job", _WRITE)
CRON_JOBS = Resource("batch", "v1", "cronjobs", "CronJob", _WRITE, short_names=("cj",))
SCALERS = Resource(
    "autoscaling",
    "v2",
    "horizontalpodautoscalers",
    "HorizontalPodAutoscaler",
    _WRITE,
    short_names=("hpa",),
)
BUDGETS = Resource(
    "policy",
    "v1",
    "poddisruptionbudgets",
    "PodDisruptionBudget",
    _WRITE,
    short_names=("pdb",),
)
SCALED_OBJECTS = Resource(
    "keda.sh",
    "v1alpha1",
    "scaledobjects",
    "ScaledObject",
    _WRITE,
    short_names=("so",),
    custom=True,
)
EVENTS_V1 = Resource("events.k8s.io", "v1", "events", "Event", ("create",))
ACCESS_REVIEWS = Resource(
    "authorization.k8s.io",
    "v1",
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
    ("create",),
    namespaced=False,
)
# Installed as custom resources: whoever tests with metrics writes down what is used.
POD_METRICS = Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", _WRITE, custom=True)
NODE_METRICS = Resource(
    "metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", _WRITE, namespaced=False, custom=True
)

RESOURCES = (
    NAMESPACES,
    NODES,
    PODS,
    EVENTS,
    QUOTAS,
    DEPLOYMENTS,
    REPLICA_SETS,
    STATEFUL_SETS,
    DAEMON_SETS,
    REVISIONS,
    JOBS,
    CRON_JOBS,
    SCALERS,
    BUDGETS,
    SCALED_OBJECTS,
    EVENTS_V1,
    ACCESS_REVIEWS,
    POD_METRICS,
    NODE_METRICS,
)
# Groups that a cluster has only when somebody installed them.
ADDONS = frozenset({"keda.sh", "metrics.k8s.io"})

# A real server has these groups too. What is asked of them is refused aloud (501); a group that
# is not listed gives 404, as on a cluster that lacks the custom resource.
BUILT_IN_GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)


def find_resource(group: str, version: str, plural: str) -> Resource | None:
    """The resource served under that path, or None."""
    for resource in RESOURCES:
        if (resource.group, resource.version, resource.plural) == (group, version, plural):
            return resource
    return None
