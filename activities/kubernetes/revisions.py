"""The revisions of a workload, newest first: the ReplicaSets of a Deployment, or the
ControllerRevisions of a StatefulSet or DaemonSet.

A revision belongs to a workload by the uid of its controller reference, never by a label alone:
two workloads may select the same labels. Nothing here writes.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.deployment import REVISION
from activities.kubernetes.raw import Object
from activities.kubernetes.workload import RESTARTED_AT, Workload, bare_template, images_of
from contracts.model import digest_of
from contracts.redact import redact

CHANGE_CAUSE = "kubernetes.io/change-cause"
CAUSE_CHARS_MAX = 200
_HISTORY = "deployment.kubernetes.io/revision-history"
_PATCH = "$patch"


@dataclass(frozen=True)
class Revision:
    """One of them; `number` is 0 while the controller has not numbered it. `reused`: it was another
    revision before, whose number is `number_before`, or 0 when nobody tells.
    """

    raw: Object
    number: int
    template: Object
    digest: str
    reused: bool = False
    number_before: int = 0

    @property
    def name(self) -> str:
        """The name of the object that keeps it."""
        return raw.name_of(self.raw)

    @property
    def uid(self) -> str:
        """The uid of the object that keeps it."""
        return raw.uid_of(self.raw)

    @property
    def created_at(self) -> datetime | None:
        """When that object was created; a template that returns keeps its object."""
        return raw.moment(self.raw, "metadata", "creationTimestamp")

    def runs_like(self, other: "Revision") -> bool:
        """Whether its pods run the same: a restart changes only the time that it was asked for."""
        return _unrestarted(self.template) == _unrestarted(other.template)

    @property
    def ready(self) -> int:
        """Its ready pods, as a ReplicaSet counts them."""
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
    history = raw.annotation(replica_set, _HISTORY)
    before = history.rpartition(",")[2].strip()
    return Revision(
        raw=replica_set,
        number=int(number) if number.isdigit() else 0,
        template=template,
        digest=digest_of(template),
        reused=bool(history),
        number_before=int(before) if before.isdigit() else 0,
    )


def set_revision_of(revision: Object, peers: list[Object]) -> Revision:
    """A ControllerRevision, read as a revision. Its number grows when its template returns, its age
    does not: so one that is older than a peer of a smaller number has returned.
    """
    template = bare_template(raw.mapping(revision, "data"))
    template.pop(_PATCH, None)
    number = raw.number(revision, "revision")
    made = raw.text(revision, "metadata", "creationTimestamp")
    return Revision(
        raw=revision,
        number=number,
        template=template,
        digest=digest_of(template),
        reused=any(
            raw.number(peer, "revision") < number
            and raw.text(peer, "metadata", "creationTimestamp") > made
            for peer in peers
        ),
    )


def revisions_of(cluster: Cluster, namespace: str, workload: Workload) -> list[Revision]:
    """All of them, newest first."""
    kind = "ReplicaSet" if workload.kind == "Deployment" else "ControllerRevision"
    found = cluster.list_all(kind, namespace, labels=workload.selector)
    owned = [obj for obj in found if raw.controller_of(obj).get("uid") == workload.uid]
    if workload.kind == "Deployment":
        revisions = [revision_of(replica_set) for replica_set in owned]
    else:
        revisions = [set_revision_of(revision, owned) for revision in owned]
    return sorted(revisions, key=lambda r: r.number, reverse=True)


def current_of(workload: Workload, revisions: list[Revision]) -> Revision | None:
    """The one that has the workload's template: the oldest of equals, as the controller picks.
    None while the controller has not seen the newest template yet.
    """
    equal = [r for r in revisions if r.digest == workload.template_digest]
    return min(equal, key=lambda r: (r.created_at is None, r.created_at, r.name), default=None)


def older_than(current: Revision, revisions: list[Revision]) -> list[Revision]:
    """The older revisions that run something else, newest first: what a rollback may return to. A
    restart makes a revision, too, but the one before it is as sick.
    """
    return [r for r in revisions if 0 < r.number < current.number and not r.runs_like(current)]


def release_of(current: Revision, revisions: list[Revision]) -> list[Revision]:
    """The current revision and those right before it that run the same, newest first: one release
    and its restarts.
    """
    until_now = [r for r in revisions if 0 < r.number < current.number]
    return [current, *takewhile(lambda r: r.runs_like(current), until_now)]


def returned_in(release: list[Revision]) -> Revision | None:
    """The revision of a release that is itself a return to an older one, if one is: a restart
    does not make it a new release.
    """
    return next((revision for revision in release if revision.reused), None)


def age_seconds(workload: Workload, release: list[Revision], at: datetime) -> int:
    """How long ago a release began; a restart makes none younger. A reused revision is older than
    its newest number; then the time of the rollout's last progress is the nearest thing that the
    API tells.
    """
    current = release[0]
    known = [r.created_at for r in release if r.created_at and not r.reused]
    began = min(known, default=current.created_at)
    if current.reused:
        began = raw.moment(workload.condition("Progressing"), "lastUpdateTime") or began
    return max(0, int((at - began).total_seconds())) if began else 0


def _unrestarted(template: Object) -> Object:
    metadata = template.get("metadata") or {}
    notes = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != RESTARTED_AT}
    return {**template, "metadata": {**metadata, "annotations": notes}}
