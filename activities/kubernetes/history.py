"""The look at a Deployment's revisions: what runs now, since when, and what ran before."""

from collections.abc import Mapping

from temporalio import activity

from activities.kubernetes.client import Cluster
from activities.kubernetes.deployment import REVISION, Deployment, read_deployment
from activities.kubernetes.evidence import Shelf, head, keep
from activities.kubernetes.raw import Object, annotation
from activities.kubernetes.revisions import age_seconds, current_of, older_than, revisions_of
from activities.kubernetes.workload import cluster_of
from contracts.kubernetes import RolloutHistory
from contracts.step import BODY_BYTES_MAX, EXCERPT_BYTES_MAX, Evidence, StepCall

REVISIONS_MAX = 20


class RolloutHistoryLook:
    """`kubernetes.rollout_history`."""

    def __init__(self, clusters: Mapping[str, Cluster], shelf: Shelf) -> None:
        self._clusters = clusters
        self._shelf = shelf

    @activity.defn(name=RolloutHistory.activity)
    def look(self, call: StepCall[RolloutHistory]) -> Evidence:
        """Raises NotFound, Unavailable, Rejected, or InvalidInput for another kind."""
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        deployment = read_deployment(cluster, target)
        revisions = revisions_of(cluster, target.namespace, deployment)
        current = current_of(deployment, revisions)
        number = current.number if current else _numbered(deployment)
        known = [revision.facts() for revision in revisions[:REVISIONS_MAX]]
        facts: Object = {
            "current": number,
            "revisions": known,
            "current_age_seconds": age_seconds(deployment, current, call.at) if current else 0,
            "current_reused": current.reused if current else False,
        }
        if current is not None:
            older = older_than(current, revisions)
            facts["older_revisions"] = [revision.number for revision in older[:REVISIONS_MAX]]
        body = head("\n".join(_line(fact, number) for fact in known), BODY_BYTES_MAX)
        title = f"{len(revisions)} revisions of {target}"
        return keep(self._shelf, call, title, (body, head(body, EXCERPT_BYTES_MAX)), facts)


def _numbered(deployment: Deployment) -> int:
    """The deployment's own count, while no ReplicaSet has its template yet."""
    number = annotation(deployment.raw, REVISION)
    return int(number) if number.isdigit() else 0


def _line(fact: Object, current: int) -> str:
    mark = " (current)" if fact["revision"] == current else ""
    cause = f", change cause: {fact['change_cause']}" if fact["change_cause"] else ""
    return (
        f"revision {fact['revision']}{mark}: {', '.join(fact['images'])}, "
        f"{fact['ready']} ready, created {fact['created_at']}, {fact['replica_set']}{cause}"
    )
