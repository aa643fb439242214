"""Lists as tables: the columns that `kubectl get` prints, computed by the server.

Clients ask for them by their Accept header; everybody else gets objects. It only reads.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from sandbox.objects import (
    Object,
    dig,
    is_terminating,
    items_at,
    labels_of,
    mapping_at,
    name_of,
    number_at,
    parse_timestamp,
    text_at,
)
from sandbox.pods import condition_of
from sandbox.requests import Request
from sandbox.selectors import selector_text

_ROLE = "node-role.kubernetes.io/"
_NONE = "<none>"
_TWO_MINUTES, _TEN_MINUTES, _THREE_HOURS = 120, 600, 10_800
_EIGHT_HOURS, _TWO_DAYS = 28_800, 172_800


class Column(NamedTuple):
    """One column; those with `wide` are shown by `-o wide` only."""

    name: str
    cell: Callable[[Object, datetime], Any]
    wide: bool = False


def wants_table(request: Request) -> bool:
    """Whether the client prefers a table of the version that is served."""
    return "as=Table;v=v1;" in request.headers.get("accept", "").replace(" ", "")


def table(kind: str, objects: list[Object], metadata: Object, now: datetime) -> Object:
    """The Table of objects of one kind."""
    columns = _COLUMNS.get(kind, (_NAME, _AGE))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [_definition(column) for column in columns],
        "rows": [_row(obj, columns, now) for obj in objects],
    }


def _definition(column: Column) -> Object:
    kind = {"name": column.name, "type": "string", "description": column.name}
    how = "name" if column.name == "Name" else ""
    return kind | {"format": how, "priority": int(column.wide)}


def _row(obj: Object, columns: tuple[Column, ...], now: datetime) -> Object:
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    cells = [column.cell(obj, now) for column in columns]
    return {"cells": cells, "object": partial | {"metadata": obj["metadata"]}}


def age(since: str, now: datetime) -> str:
    """The time since then, as short as kubectl shows it."""
    if not since:
        return "<unknown>"
    seconds = max(0, int((now - parse_timestamp(since)).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if seconds < _TWO_MINUTES:
        return f"{seconds}s"
    if seconds < _TEN_MINUTES:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if seconds < _THREE_HOURS:
        return f"{minutes}m"
    if seconds < _EIGHT_HOURS:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{hours}h" if seconds < _TWO_DAYS else f"{days}d"


def _count(*path: str) -> Callable[[Object, datetime], Any]:
    return lambda obj, _: number_at(obj, *path)


def _of_wanted(*path: str) -> Callable[[Object, datetime], Any]:
    """`2/3`: the number at the path, of the replicas that are wanted."""
    return lambda obj, _: f"{number_at(obj, *path)}/{number_at(obj, 'spec', 'replicas')}"


def _shown(*path: str) -> Callable[[Object, datetime], Any]:
    return lambda obj, _: "N/A" if dig(obj, *path) is None else str(dig(obj, *path))


def _pod_ready(pod: Object, _: datetime) -> str:
    statuses = items_at(pod, "status", "containerStatuses")
    ready = sum(bool(item.get("ready")) for item in statuses)
    return f"{ready}/{len(items_at(pod, 'spec', 'containers'))}"


def _pod_status(pod: Object, _: datetime) -> str:
    if is_terminating(pod):
        return "Terminating"
    for item in items_at(pod, "status", "containerStatuses"):
        for state in ("waiting", "terminated"):
            if reason := text_at(item, "state", state, "reason"):
                return reason
    return text_at(pod, "status", "phase")


def _restarts(pod: Object, now: datetime) -> str:
    statuses = items_at(pod, "status", "containerStatuses")
    total = sum(number_at(item, "restartCount") for item in statuses)
    ends = [text_at(item, "lastState", "terminated", "finishedAt") for item in statuses]
    last = max(ends, default="")
    return f"{total} ({age(last, now)} ago)" if total and last else str(total)


def _node_status(node: Object, _: datetime) -> str:
    ready = condition_of(node, "Ready").get("status") == "True"
    cordoned = ",SchedulingDisabled" if dig(node, "spec", "unschedulable") else ""
    return ("Ready" if ready else "NotReady") + cordoned


def _roles(node: Object, _: datetime) -> str:
    found = [key.removeprefix(_ROLE) for key in labels_of(node) if key.startswith(_ROLE)]
    return ",".join(found) or _NONE


def _job_status(job: Object, _: datetime) -> str:
    for kind in ("Complete", "Failed", "Suspended"):
        if condition_of(job, kind).get("status") == "True":
            return kind
    return "Running"


def _completions(job: Object, _: datetime) -> str:
    return f"{number_at(job, 'status', 'succeeded')}/{number_at(job, 'spec', 'completions') or 1}"


def _duration(job: Object, now: datetime) -> str:
    start, end = text_at(job, "status", "startTime"), text_at(job, "status", "completionTime")
    return age(start, parse_timestamp(end) if end else now) if start else ""


def _reference(scaler: Object, _: datetime) -> str:
    target = mapping_at(scaler, "spec", "scaleTargetRef")
    return f"{text_at(target, 'kind')}/{text_at(target, 'name')}"


def _about(event: Object, _: datetime) -> str:
    about = mapping_at(event, "involvedObject")
    return f"{text_at(about, 'kind').lower()}/{text_at(about, 'name')}"


def _containers(part: str) -> Callable[[Object, datetime], Any]:
    path = ("spec", "template", "spec", "containers")
    return lambda obj, _: ",".join(text_at(item, part) for item in items_at(obj, *path))


_NAME = Column("Name", lambda obj, _: name_of(obj))
_AGE = Column("Age", lambda obj, now: age(text_at(obj, "metadata", "creationTimestamp"), now))
_IMAGES = (
    Column("Containers", _containers("name"), wide=True),
    Column("Images", _containers("image"), wide=True),
)
_SELECTOR = Column(
    "Selector", lambda obj, _: selector_text(mapping_at(obj, "spec", "selector")), wide=True
)
_COLUMNS: dict[str, tuple[Column, ...]] = {
    "Pod": (
        _NAME,
        Column("Ready", _pod_ready),
        Column("Status", _pod_status),
        Column("Restarts", _restarts),
        _AGE,
        Column("IP", lambda pod, _: text_at(pod, "status", "podIP") or _NONE, wide=True),
        Column("Node", lambda pod, _: text_at(pod, "spec", "nodeName") or _NONE, wide=True),
    ),
    "Deployment": (
        _NAME,
        Column("Ready", _of_wanted("status", "readyReplicas")),
        Column("Up-to-date", _count("status", "updatedReplicas")),
        Column("Available", _count("status", "availableReplicas")),
        _AGE,
        *_IMAGES,
        _SELECTOR,
    ),
    "StatefulSet": (_NAME, Column("Ready", _of_wanted("status", "readyReplicas")), _AGE, *_IMAGES),
    "ReplicaSet": (
        _NAME,
        Column("Desired", _count("spec", "replicas")),
        Column("Current", _count("status", "replicas")),
        Column("Ready", _count("status", "readyReplicas")),
        _AGE,
        *_IMAGES,
        _SELECTOR,
    ),
    "DaemonSet": (
        _NAME,
        Column("Desired", _count("status", "desiredNumberScheduled")),
        Column("Current", _count("status", "currentNumberScheduled")),
        Column("Ready", _count("status", "numberReady")),
        Column("Up-to-date", _count("status", "updatedNumberScheduled")),
        Column("Available", _count("status", "numberAvailable")),
        _AGE,
        *_IMAGES,
        _SELECTOR,
    ),
    "Node": (
        _NAME,
        Column("Status", _node_status),
        Column("Roles", _roles),
        _AGE,
        Column("Version", lambda node, _: text_at(node, "status", "nodeInfo", "kubeletVersion")),
    ),
    "Namespace": (_NAME, Column("Status", lambda obj, _: text_at(obj, "status", "phase")), _AGE),
    "Job": (
        _NAME,
        Column("Status", _job_status),
        Column("Completions", _completions),
        Column("Duration", _duration),
        _AGE,
    ),
    "HorizontalPodAutoscaler": (
        _NAME,
        Column("Reference", _reference),
        Column("MinPods", _count("spec", "minReplicas")),
        Column("MaxPods", _count("spec", "maxReplicas")),
        Column("Replicas", _count("status", "currentReplicas")),
        _AGE,
    ),
    "PodDisruptionBudget": (
        _NAME,
        Column("Min Available", _shown("spec", "minAvailable")),
        Column("Max Unavailable", _shown("spec", "maxUnavailable")),
        Column("Allowed Disruptions", _count("status", "disruptionsAllowed")),
        _AGE,
    ),
    "Event": (
        Column("Last Seen", lambda event, now: age(text_at(event, "lastTimestamp"), now)),
        Column("Type", lambda event, _: text_at(event, "type")),
        Column("Reason", lambda event, _: text_at(event, "reason")),
        Column("Object", _about),
        Column("Message", lambda event, _: text_at(event, "message")),
    ),
}
