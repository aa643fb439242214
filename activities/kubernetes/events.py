"""The look at events: of a workload, its newest ReplicaSets and its sickest pods, or of a node;
newest first.

Events are chosen by the uid of what they are about; a name would also find the events of an
earlier object. Only a node's are chosen by name, because a kubelet knows no uid of its node. The
API keeps events for an hour.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from temporalio import activity

from activities.kubernetes import raw
from activities.kubernetes.client import ANYWHERE, Cluster
from activities.kubernetes.evidence import Cleaner, Shelf, head, keep
from activities.kubernetes.happened import happened_at, happened_times, happened_to
from activities.kubernetes.pods import states_of
from activities.kubernetes.raw import Object
from activities.kubernetes.revisions import revision_of
from activities.kubernetes.workload import WITH_PODS, Workload, cluster_of, read_workload
from contracts.kubernetes import Events
from contracts.step import BODY_BYTES_MAX, EXCERPT_BYTES_MAX, Evidence, StepCall
from contracts.target import Target
from contracts.words import counted

REVISIONS_MAX = 3
PODS_MAX = 10
REASONS_MAX = 20
MESSAGE_CHARS_MAX = 500
# Events about what has no namespace are kept in this one.
NODE_EVENTS = "default"


class Found(NamedTuple):
    """Events, and the templates and pods whose environment must not show in them."""

    events: list[Object]
    templates: list[Object]


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
        found = _of_node(cluster, target) if target.kind == "Node" else _of(cluster, target)
        events = sorted(found.events, key=happened_at, reverse=True)[: call.step.events_max]
        clean = Cleaner(found.templates)
        body = "\n".join(_line(event, clean) for event in events) or "No events."
        body = head(body, BODY_BYTES_MAX)
        title = f"{counted(len(events), 'event')} of {target}"
        quoted = head(body, EXCERPT_BYTES_MAX)
        return keep(self._shelf, call, title, (body, quoted), _facts(events))


def _of_node(cluster: Cluster, target: Target) -> Found:
    cluster.get("Node", ANYWHERE, target.name)
    chosen = f"involvedObject.kind=Node,involvedObject.name={target.name}"
    return Found(cluster.list_all("Event", NODE_EVENTS, fields=chosen), [])


def _of(cluster: Cluster, target: Target) -> Found:
    workload = read_workload(cluster, target, WITH_PODS)
    pods = states_of(cluster, target.namespace, workload)
    sets = _newest_sets(cluster, target.namespace, workload)
    uids = [workload.uid, *sets, *(pod.uid for pod in pods[:PODS_MAX])]
    events = [event for uid in uids for event in events_about(cluster, target.namespace, uid)]
    return Found(events, [workload.template, *(pod.raw for pod in pods)])


def events_about(cluster: Cluster, namespace: str, uid: str, reason: str = "") -> list[Object]:
    """The events of one object, of one reason or of all, in no order."""
    chosen = f"involvedObject.uid={uid}" + (f",reason={reason}" if reason else "")
    return cluster.list_all("Event", namespace, fields=chosen)


def _newest_sets(cluster: Cluster, namespace: str, workload: Workload) -> list[str]:
    """The uids of a Deployment's newest ReplicaSets; the other kinds have none."""
    if workload.kind != "Deployment":
        return []
    found = cluster.list_all("ReplicaSet", namespace, labels=workload.selector)
    owned = [rs for rs in found if raw.controller_of(rs).get("uid") == workload.uid]
    owned.sort(key=lambda rs: revision_of(rs).number, reverse=True)
    return [raw.uid_of(rs) for rs in owned[:REVISIONS_MAX]]


def _line(event: Object, clean: Cleaner) -> str:
    count = happened_times(event)
    about = happened_to(event) + (f" (x{count})" if count > 1 else "")
    message = clean(raw.text(event, "message"))[:MESSAGE_CHARS_MAX].replace("\n", " ")
    words = (raw.text(event, "type"), raw.text(event, "reason"), about)
    return f"{happened_at(event).isoformat(timespec='seconds')} {' '.join(words)}: {message}"


def _facts(events: list[Object]) -> Object:
    reasons: Counter[str] = Counter()
    for event in events:
        reasons[raw.text(event, "reason")] += happened_times(event)
    return {"events": len(events), "reasons": dict(reasons.most_common(REASONS_MAX))}
