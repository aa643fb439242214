"""The look at events: of the workload, its newest ReplicaSets and its sickest pods, newest first.

Events are chosen by the uid of what they are about; a name would also find the events of an
earlier object. The API keeps them for an hour.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.deployment import Deployment, read_deployment
from activities.kubernetes.evidence import Cleaner, Shelf, head, keep
from activities.kubernetes.pods import PodState, pods_of
from activities.kubernetes.raw import Object
from activities.kubernetes.revisions import Revision, revisions_of
from activities.kubernetes.workload import cluster_of
from contracts.kubernetes import Events
from contracts.step import BODY_BYTES_MAX, EXCERPT_BYTES_MAX, Evidence, StepCall

REVISIONS_MAX = 3
PODS_MAX = 10
REASONS_MAX = 20
MESSAGE_CHARS_MAX = 500
_NEVER = datetime.min.replace(tzinfo=UTC)


class EventsLook:
    """`kubernetes.events`."""

    def __init__(self, clusters: Mapping[str, Cluster], shelf: Shelf) -> None:
        self._clusters = clusters
        self._shelf = shelf

    @activity.defn(name=Events.activity)
    def look(self, call: StepCall[Events]) -> Evidence:
        """Raises NotFound, Unavailable, Rejected, or InvalidInput for another kind."""
        target = call.step.target
        cluster = cluster_of(self._clusters, target.cluster)
        deployment = read_deployment(cluster, target)
        revisions = revisions_of(cluster, target.namespace, deployment)
        pods = pods_of(cluster, target.namespace, deployment, revisions)
        events = _events_of(cluster, target.namespace, _uids(deployment, revisions, pods))
        events = sorted(events, key=_at, reverse=True)[: call.step.events_max]
        clean = Cleaner([deployment.raw["spec"]["template"], *(pod.raw for pod in pods)])
        body = "\n".join(_line(event, clean) for event in events) or "No events."
        body = head(body, BODY_BYTES_MAX)
        title = f"{len(events)} events of {target}"
        quoted = head(body, EXCERPT_BYTES_MAX)
        return keep(self._shelf, call, title, (body, quoted), _facts(events))


def _uids(deployment: Deployment, revisions: list[Revision], pods: list[PodState]) -> list[str]:
    newest = [revision.uid for revision in revisions[:REVISIONS_MAX]]
    return [deployment.uid, *newest, *(pod.uid for pod in pods[:PODS_MAX])]


def _events_of(cluster: Cluster, namespace: str, uids: list[str]) -> list[Object]:
    found = (
        cluster.list_all("Event", namespace, fields=f"involvedObject.uid={uid}") for uid in uids
    )
    return [event for events in found for event in events]


def _at(event: Object) -> datetime:
    """When it was last seen; the fields differ between the two event APIs."""
    paths = (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",))
    times = (raw.moment(event, *path) for path in paths)
    created = raw.moment(event, "metadata", "creationTimestamp")
    return next((at for at in times if at), created) or _NEVER


def _count(event: Object) -> int:
    return raw.number(event, "series", "count") or raw.number(event, "count") or 1


def _line(event: Object, clean: Cleaner) -> str:
    about = (
        f"{raw.text(event, 'involvedObject', 'kind')}/{raw.text(event, 'involvedObject', 'name')}"
    )
    times = f" (x{_count(event)})" if _count(event) > 1 else ""
    message = clean(raw.text(event, "message"))[:MESSAGE_CHARS_MAX].replace("\n", " ")
    words = (raw.text(event, "type"), raw.text(event, "reason"), about.lower() + times)
    return f"{_at(event).isoformat(timespec='seconds')} {' '.join(words)}: {message}"


def _facts(events: list[Object]) -> Object:
    reasons: Counter[str] = Counter()
    for event in events:
        reasons[raw.text(event, "reason")] += _count(event)
    return {"events": len(events), "reasons": dict(reasons.most_common(REASONS_MAX))}
