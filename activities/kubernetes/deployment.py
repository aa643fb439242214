"""A Deployment as it was read, and the words we have for its parts.

Two templates are equal when they differ in nothing but `pod-template-hash`, which the controller
writes. Everything here is a reading; nothing here writes.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.raw import Object
from contracts.errors import InvalidInput
from contracts.model import digest_of
from contracts.target import Target

OPT_OUT = "firebreak.dev/opt-out"
HASH_LABEL = "pod-template-hash"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Deployment:
    """One reading. `read_at` is the API server's time, if it gave one."""

    raw: Object
    read_at: datetime | None = None

    @property
    def uid(self) -> str:
        """`metadata.uid`; another uid under the same name is another object."""
        return raw.uid_of(self.raw)

    @property
    def generation(self) -> int:
        """`metadata.generation`: it grows with each change of the spec or the annotations."""
        return raw.number(self.raw, "metadata", "generation")

    @property
    def resource_version(self) -> str:
        """`metadata.resourceVersion`: what the next write compares with."""
        return raw.text(self.raw, "metadata", "resourceVersion")

    @property
    def replicas(self) -> int:
        """How many pods are wanted; the API's default is 1."""
        wanted = raw.dig(self.raw, "spec", "replicas")
        return wanted if isinstance(wanted, int) else 1

    @property
    def paused(self) -> bool:
        """Whether its rollouts are paused (`kubectl rollout pause`)."""
        return raw.dig(self.raw, "spec", "paused") is True

    @property
    def selector(self) -> str:
        """Its selector as a query parameter."""
        return raw.selector_text(raw.mapping(self.raw, "spec", "selector"))

    @property
    def template(self) -> Object:
        """The pod template, without the hash label."""
        return bare_template(self.raw)

    @property
    def template_digest(self) -> str:
        """The digest of that template."""
        return digest_of(self.template)

    @property
    def restarted_at(self) -> str:
        """The value that the last rollout restart left, or the empty string."""
        return raw.annotation(self.template, RESTARTED_AT)

    def status(self, field: str) -> int:
        """A count of `status`, or 0."""
        return raw.number(self.raw, "status", field)

    def condition(self, kind: str) -> Object:
        """The condition of that type, or an empty object."""
        found = raw.items(self.raw, "status", "conditions")
        return next((c for c in found if c.get("type") == kind), {})


def bare_template(owner: Object) -> Object:
    """A copy of an object's pod template without the hash label and without nulls."""
    template = copy.deepcopy(raw.mapping(owner, "spec", "template"))
    metadata = {k: v for k, v in raw.mapping(template, "metadata").items() if v is not None}
    labels = {k: v for k, v in raw.mapping(metadata, "labels").items() if k != HASH_LABEL}
    return template | {"metadata": metadata | {"labels": labels}}


def images_of(template: Object) -> list[str]:
    """The images of the containers, in their order."""
    return [raw.text(c, "image") for c in raw.items(template, "spec", "containers")]


def images_text(template: Object) -> str:
    """`image a:1`, or `images a:1, b:2`."""
    images = images_of(template)
    return f"image{'s' if len(images) > 1 else ''} {', '.join(images)}"


def cluster_of(clusters: Mapping[str, Cluster], name: str) -> Cluster:
    """The cluster of that name; raises InvalidInput when this worker does not serve it."""
    if name not in clusters:
        known = ", ".join(sorted(clusters)) or "none"
        fix = "Name a cluster of firebreak.toml, or run a worker with its kubeconfig context."
        raise InvalidInput(f"cluster '{name}' is not served here; served: {known}", fix)
    return clusters[name]


def read_deployment(cluster: Cluster, target: Target) -> Deployment:
    """Read it; raises InvalidInput for another kind, NotFound when it is missing."""
    if target.kind != "Deployment":
        raise InvalidInput(
            f"{target}: only Deployments are supported so far, not {target.kind}s",
            f"Handle the {target.kind} by hand; the incident keeps its evidence.",
        )
    answer = cluster.get("Deployment", target.namespace, target.name)
    return Deployment(answer.body, answer.at)


def opted_out(cluster: Cluster, deployment: Deployment, namespace: str) -> bool:
    """Whether the workload or its namespace carries the opt-out annotation."""
    if raw.annotation(deployment.raw, OPT_OUT) == "true":
        return True
    return raw.annotation(cluster.get_namespace(namespace).body, OPT_OUT) == "true"
