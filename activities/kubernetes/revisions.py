"""The revisions of a Deployment: the ReplicaSets that it controls, newest revision first.

A ReplicaSet belongs to a Deployment by the uid of its controller reference, never by a label
alone: two deployments may select the same labels.
"""

from dataclasses import dataclass
from datetime import datetime

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.deployment import REVISION, Deployment
from activities.kubernetes.raw import Object
from activities.kubernetes.workload import RESTARTED_AT, bare_template, images_of
from contracts.model import digest_of
from contracts.redact import redact

CHANGE_CAUSE = "kubernetes.io/change-cause"
CAUSE_CHARS_MAX = 200
_HISTORY = "deployment.kubernetes.io/revision-history"


@dataclass(frozen=True)
class Revision:
    """One ReplicaSet as a revision; `number` is 0 while the controller has not numbered it."""

    raw: Object
    number: int
    template: Object
    digest: str

    @property
    def name(self) -> str:
        """The ReplicaSet's name."""
        return raw.name_of(self.raw)

    @property
    def uid(self) -> str:
        """The ReplicaSet's uid."""
        return raw.uid_of(self.raw)

    @property
    def created_at(self) -> datetime | None:
        """When the ReplicaSet was created; a template that returns keeps its ReplicaSet."""
        return raw.moment(self.raw, "metadata", "creationTimestamp")

    @property
    def reused(self) -> bool:
        """Whether it was another revision before."""
        return bool(raw.annotation(self.raw, _HISTORY))

    @property
    def number_before(self) -> int:
        """The number that it had before its present one, or 0 when it had none."""
        before = raw.annotation(self.raw, _HISTORY).rpartition(",")[2].strip()
        return int(before) if before.isdigit() else 0

    def runs_like(self, other: "Revision") -> bool:
        """Whether its pods run the same: a restart changes only the time that it was asked for."""
        return _unrestarted(self.template) == _unrestarted(other.template)

    @property
    def ready(self) -> int:
        """Its ready pods."""
        return raw.number(self.raw, "status", "readyReplicas")

    @property
    def change_cause(self) -> str:
        """Who said why, redacted and short."""
        return redact(raw.annotation(self.raw, CHANGE_CAUSE))[:CAUSE_CHARS_MAX]

    def facts(self) -> Object:
        """What history may keep of it."""
        return {
            "revision": self.number,
            "replica_set": self.name,
            "images": images_of(self.template),
            "created_at": raw.text(self.raw, "metadata", "creationTimestamp"),
            "ready": self.ready,
            "change_cause": self.change_cause,
        }


def revision_of(replica_set: Object) -> Revision:
    """A ReplicaSet, read as a revision."""
    number = raw.annotation(replica_set, REVISION)
    template = bare_template(replica_set)
    numbered = int(number) if number.isdigit() else 0
    return Revision(replica_set, numbered, template, digest_of(template))


def revisions_of(cluster: Cluster, namespace: str, deployment: Deployment) -> list[Revision]:
    """All of them, newest first."""
    found = cluster.list_all("ReplicaSet", namespace, labels=deployment.selector)
    owned = [rs for rs in found if raw.controller_of(rs).get("uid") == deployment.uid]
    return sorted((revision_of(rs) for rs in owned), key=lambda r: r.number, reverse=True)


def current_of(deployment: Deployment, revisions: list[Revision]) -> Revision | None:
    """The one that has the deployment's template: the oldest of equals, as the controller picks.
    None while the controller has not seen the newest template yet.
    """
    equal = [r for r in revisions if r.digest == deployment.template_digest]
    return min(equal, key=lambda r: (r.created_at is None, r.created_at, r.name), default=None)


def older_than(current: Revision, revisions: list[Revision]) -> list[Revision]:
    """The older revisions that run something else, newest first: what a rollback may return to. A
    restart makes a revision, too, but the one before it is as sick.
    """
    return [r for r in revisions if 0 < r.number < current.number and not r.runs_like(current)]


def age_seconds(deployment: Deployment, current: Revision, at: datetime) -> int:
    """How long ago this revision began. A reused ReplicaSet is older than its newest revision;
    then the time of the rollout's last progress is the nearest thing that the API tells.
    """
    began = current.created_at
    if current.reused:
        began = raw.moment(deployment.condition("Progressing"), "lastUpdateTime") or began
    return max(0, int((at - began).total_seconds())) if began else 0


def _unrestarted(template: Object) -> Object:
    metadata = template.get("metadata") or {}
    notes = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != RESTARTED_AT}
    return {**template, "metadata": {**metadata, "annotations": notes}}
