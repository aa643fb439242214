"""What controllers ask of pods: whose they are, whether they are ready, and how one is made.

Pure reading and building; nothing here is stored.
"""

from datetime import datetime, timedelta

from sandbox.objects import (
    Object,
    annotations_of,
    copied,
    items_at,
    labels_of,
    mapping_at,
    namespace_of,
    owner_reference,
    parse_timestamp,
    text_at,
    uid_of,
)
from sandbox.resources import PODS
from sandbox.store import Store


def condition_of(obj: Object, kind: str) -> Object:
    """The condition of that type in the status, or an empty object."""
    found = (item for item in items_at(obj, "status", "conditions") if item["type"] == kind)
    return next(found, {})


def is_ready(pod: Object) -> bool:
    """Whether the Ready condition is True."""
    return condition_of(pod, "Ready").get("status") == "True"


def is_available(pod: Object, settle_seconds: int, now: datetime) -> bool:
    """Whether the pod has been ready for as long as its owner wants."""
    if not is_ready(pod):
        return False
    if not settle_seconds:
        return True
    since = parse_timestamp(text_at(condition_of(pod, "Ready"), "lastTransitionTime"))
    return since + timedelta(seconds=settle_seconds) <= now


def is_finished(pod: Object) -> bool:
    """Whether no container of it will ever run again."""
    return text_at(pod, "status", "phase") in {"Failed", "Succeeded"}


def owned_pods(store: Store, owner: Object) -> list[Object]:
    """The pods whose controller is the owner, terminating ones too."""
    return store.owned(PODS, uid_of(owner))


def pod_from(template: Object, owner: Object, **metadata: object) -> Object:
    """A pod of the template, owned by the owner; `metadata` are further members of its own."""
    template = copied(template)
    made: Object = {
        **metadata,
        "namespace": namespace_of(owner),
        "labels": labels_of(template),
        "annotations": annotations_of(template),
        "ownerReferences": [owner_reference(owner)],
    }
    if not made["annotations"]:
        del made["annotations"]
    status = {"phase": "Pending", "qosClass": _service_class(template)}
    return {"metadata": made, "spec": template["spec"], "status": status}


def _service_class(template: Object) -> str:
    containers = items_at(template, "spec", "containers")
    asked = [mapping_at(item, "resources") for item in containers]
    if not any(mapping_at(item, "requests") or mapping_at(item, "limits") for item in asked):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= set(mapping_at(item, "limits"))
        and mapping_at(item, "requests", "cpu") == mapping_at(item, "limits", "cpu")
        and item.get("requests", item.get("limits")) == item.get("limits")
        for item in asked
    )
    return "Guaranteed" if guaranteed else "Burstable"
