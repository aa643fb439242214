"""Which resources the sandbox knows, and which verbs it really does on each.

One table feeds the routes, the discovery documents and the names inside Status errors, so that
they cannot disagree. A verb that is not in the table must never be half done: it is refused.
"""

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
    subresources: dict[str, tuple[str, ...]] = field(default_factory=dict)

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
        """Both views of events read and write one table."""
        return self.plural

    @property
    def counts_generation(self) -> bool:
        """Whether `metadata.generation` is kept for this resource."""
        return self.plural in {"deployments", "replicasets", "pods"}


NAMESPACES = Resource(
    "",
    "v1",
    "namespaces",
    "Namespace",
    ("create", "get", "list", "patch"),
    namespaced=False,
    short_names=("ns",),
)
PODS = Resource(
    "",
    "v1",
    "pods",
    "Pod",
    ("delete", "get", "list"),
    short_names=("po",),
    subresources={"log": ("get",)},
)
EVENTS = Resource("", "v1", "events", "Event", ("get", "list"), short_names=("ev",))
DEPLOYMENTS = Resource(
    "apps",
    "v1",
    "deployments",
    "Deployment",
    ("create", "delete", "get", "list", "patch", "update"),
    short_names=("deploy",),
    subresources={"scale": ("get", "patch", "update")},
)
REPLICA_SETS = Resource(
    "apps", "v1", "replicasets", "ReplicaSet", ("get", "list"), short_names=("rs",)
)
EVENTS_V1 = Resource("events.k8s.io", "v1", "events", "Event", ("create",))

RESOURCES = (NAMESPACES, PODS, EVENTS, DEPLOYMENTS, REPLICA_SETS, EVENTS_V1)

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
