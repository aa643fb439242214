"""The look at a workload's revisions: what runs now, since when, and what ran before.

A Deployment's revisions are its ReplicaSets, a StatefulSet's or DaemonSet's its
ControllerRevisions. The latter count no pods, so the pods are counted by the revision they name.
"""

from collections.abc import Mapping
from datetime import datetime

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.deployment import REVISION
from activities.kubernetes.evidence import Shelf, head, keep
from activities.kubernetes.pods import PodState, states_of
from activities.kubernetes.raw import Object
from activities.kubernetes.revisions import (
    Revision,
    age_seconds,
    current_of,
    older_than,
    release_of,
    returned_in,
    revisions_of,
)
from activities.kubernetes.workload import Workload, cluster_of, read_workload
from contracts.kubernetes import RolloutHistory
from contracts.step import BODY_BYTES_MAX, EXCERPT_BYTES_MAX, Evidence, StepCall
from contracts.words import counted

REVISIONS_MAX = 20
REVISION_HASH = "controller-revision-hash"


class RolloutHistoryLook:
    """`kubernetes.rollout_history`."""

    def __init__(self, clusters: Mapping[str, Cluster], shelf: Shelf) -> None:
        self._clusters = clusters
        self._shelf = shelf

    @activity.defn(name=RolloutHistory.activity)
    def look(self, call: StepCall[RolloutHistory]) -> Evidence:
        """Raises NotFound, Unavailable, Rejected, or InvalidInput for a kind without revisions."""
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        workload = read_workload(cluster, target)
        revisions = revisions_of(cluster, target.namespace, workload)
        current = current_of(workload, revisions)
        release = release_of(current, revisions) if current else []
        is_set = workload.kind != "Deployment"
        pods = states_of(cluster, target.namespace, workload) if is_set else []
        known = [_facts(revision, pods) for revision in revisions[:REVISIONS_MAX]]
        number = current.number if current else _numbered(workload)
        facts: Object = {
            "current": number,
            "revisions": known,
            "current_age_seconds": _age_seconds(workload, release, pods, call.at),
            "current_reused": returned_in(release) is not None,
        }
        if current is not None:
            older = older_than(current, revisions)
            facts["older_revisions"] = [revision.number for revision in older[:REVISIONS_MAX]]
        body = head("\n".join(_line(fact, number) for fact in known), BODY_BYTES_MAX)
        title = f"{counted(len(revisions), 'revision')} of {target}"
        return keep(self._shelf, call, title, (body, head(body, EXCERPT_BYTES_MAX)), facts)


def _facts(revision: Revision, pods: list[PodState]) -> Object:
    counted = sum(pod.ready for pod in pods if _is_of(pod, revision))
    return revision.facts() | ({"ready": counted} if pods else {})


def _is_of(pod: PodState, revision: Revision) -> bool:
    """A StatefulSet's pod names its revision, a DaemonSet's the hash that the revision carries."""
    named = raw.text(pod.raw, "metadata", "labels", REVISION_HASH)
    carried = raw.text(revision.raw, "metadata", "labels", REVISION_HASH)
    return bool(named) and named in (revision.name, carried)


def _age_seconds(
    workload: Workload, release: list[Revision], pods: list[PodState], at: datetime
) -> int:
    """A set tells nowhere when its template returned: its oldest pod of it is as old."""
    if not release:
        return 0
    current = release[0]
    if workload.kind == "Deployment" or not current.reused:
        return age_seconds(workload, release, at)
    made = [raw.moment(p.raw, "metadata", "creationTimestamp") for p in pods if _is_of(p, current)]
    began = min((at_ for at_ in made if at_), default=at)
    return max(0, int((at - began).total_seconds()))


def _numbered(workload: Workload) -> int:
    """A Deployment's own count, while no ReplicaSet has its template yet."""
    number = raw.annotation(workload.raw, REVISION)
    return int(number) if number.isdigit() else 0


def _line(fact: Object, current: int) -> str:
    mark = " (current)" if fact["revision"] == current else ""
    cause = f", change cause: {fact['change_cause']}" if fact["change_cause"] else ""
    return (
        f"revision {fact['revision']}{mark}: {', '.join(fact['images'])}, "
        f"{fact['ready']} ready, created {fact['created_at']}, {fact['replica_set']}{cause}"
    )
