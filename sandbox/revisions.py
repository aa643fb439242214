"""Which ReplicaSet is which revision of a Deployment, and the annotations that say so.

Mental model: a revision is a template, not a number. When an old template comes back, its
ReplicaSet is taken again and *renumbered* to the newest revision, and the number it had goes to
its history. So "the previous revision" is a different one after every undo.
"""

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.hashing import template_hash
from sandbox.objects import (
    Object,
    annotations_of,
    copied,
    labels_of,
    mapping_at,
    name_of,
    namespace_of,
    number_at,
    owner_reference,
    text_at,
)
from sandbox.rollout import max_surge

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
}


@dataclass
class Rollout:
    """A Deployment with its ReplicaSets at one moment; `new` has the current template."""

    deployment: Object
    now: datetime
    new: Object | None = None
    old: list[Object] = field(default_factory=list)

    @property
    def all(self) -> list[Object]:
        """Old ones first, then the new one, if there is one."""
        return [*self.old, *([self.new] if self.new is not None else [])]

    @property
    def active(self) -> list[Object]:
        """Those that should have pods."""
        return [item for item in self.all if number_at(item, "spec", "replicas") > 0]


def rollout_of(deployment: Object, sets: list[Object], now: datetime) -> Rollout:
    """Split the ReplicaSets: the oldest one with the current template is the new one."""
    ordered = sorted(sets, key=_age)
    new = next((item for item in ordered if _same_template(item, deployment)), None)
    return Rollout(deployment, now, new, [item for item in ordered if item is not new])


def _age(replica_set: Object) -> tuple[str, int, str]:
    """Creation times have seconds only, so the revision settles ties before the name."""
    created = text_at(replica_set, "metadata", "creationTimestamp")
    return created, revision_of(replica_set), name_of(replica_set)


def _same_template(left: Object, right: Object) -> bool:
    return _without_hash(left["spec"]["template"]) == _without_hash(right["spec"]["template"])


def _without_hash(template: Object) -> Object:
    bare = copied(template)
    labels_of(bare).pop(HASH_LABEL, None)
    return bare


def revision_of(obj: Object) -> int:
    """The revision annotation as a number; 0 when there is none."""
    text = annotations_of(obj).get(REVISION, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def next_revision(rollout: Rollout) -> int:
    """One more than the highest of the old ReplicaSets."""
    return max((revision_of(item) for item in rollout.old), default=0) + 1


def build_replica_set(rollout: Rollout) -> Object:
    """The ReplicaSet for the current template, still without replicas and revision."""
    deployment, template = rollout.deployment, copied(rollout.deployment["spec"]["template"])
    collisions = number_at(deployment, "status", "collisionCount")
    digest = template_hash(template, collisions)
    template["metadata"].setdefault("labels", {})[HASH_LABEL] = digest
    selector = copied(mapping_at(deployment, "spec", "selector"))
    selector.setdefault("matchLabels", {})[HASH_LABEL] = digest
    spec: Object = {"replicas": 0, "selector": selector, "template": template}
    if seconds := number_at(deployment, "spec", "minReadySeconds"):
        spec["minReadySeconds"] = seconds
    metadata = {
        "name": f"{name_of(deployment)}-{digest}",
        "namespace": namespace_of(deployment),
        "labels": dict(labels_of(template)),
        "annotations": {},
        "ownerReferences": [owner_reference(deployment)],
    }
    return {"metadata": metadata, "spec": spec, "status": {"replicas": 0}}


def stamp_revision(rollout: Rollout, replica_set: Object) -> None:
    """Copy the annotations and number the ReplicaSet, keeping the number it had as history."""
    notes = replica_set["metadata"].setdefault("annotations", {})
    copied = annotations_of(rollout.deployment).items()
    notes |= {key: value for key, value in copied if key not in _NOT_COPIED}
    was, becomes = revision_of(replica_set), next_revision(rollout)
    if was >= becomes:
        return
    notes[REVISION] = str(becomes)
    if was:
        earlier = [item for item in notes.get(REVISION_HISTORY, "").split(",") if item]
        notes[REVISION_HISTORY] = ",".join([*earlier, str(was)])


def stamp_sizes(deployment: Object, replica_set: Object) -> None:
    """Write down what the Deployment wanted when this ReplicaSet was last sized."""
    desired = number_at(deployment, "spec", "replicas")
    notes = replica_set["metadata"].setdefault("annotations", {})
    notes[DESIRED_REPLICAS] = str(desired)
    notes[MAX_REPLICAS] = str(desired + max_surge(deployment))
