"""The revisions of StatefulSets and DaemonSets: ControllerRevision objects, made and forgotten.

A template that comes back takes its old revision again, renumbered to the newest, just as with
Deployments. It must run under the store's lock.
"""

from typing import NamedTuple

from sandbox.hashing import template_hash
from sandbox.objects import (
    Object,
    annotations_of,
    copied,
    labels_of,
    name_of,
    namespace_of,
    number_at,
    owner_reference,
    uid_of,
)
from sandbox.resources import REVISIONS
from sandbox.sets import TEMPLATE_GENERATION
from sandbox.store import Store

STATEFUL_HASH, HASH = "controller.kubernetes.io/hash", "controller-revision-hash"


class Revisions(NamedTuple):
    """All revisions of one owner, oldest first; `newest` has its present template."""

    all: list[Object]
    newest: Object


def sync_revisions(store: Store, owner: Object, hash_label: str) -> Revisions:
    """Make or renumber the revision of the present template."""
    known = sorted(store.owned(REVISIONS, uid_of(owner)), key=_number)
    data, following = _data(owner), (_number(known[-1]) if known else 0) + 1
    same = [item for item in known if item["data"] == data]
    if not same:
        newest = store.create(REVISIONS, _built(owner, data, following, hash_label))
    elif same[-1] is known[-1]:
        newest = known[-1]
    else:
        same[-1]["revision"] = following
        newest = store.replace(REVISIONS, same[-1])
    others = [item for item in known if name_of(item) != name_of(newest)]
    return Revisions([*others, newest], newest)


def _number(revision: Object) -> int:
    return number_at(revision, "revision")


def _data(owner: Object) -> Object:
    template = copied(owner["spec"]["template"]) | {"$patch": "replace"}
    return {"spec": {"template": template}}


def _built(owner: Object, data: Object, number: int, hash_label: str) -> Object:
    digest = template_hash(owner["spec"]["template"], 0)
    metadata: Object = {
        "name": f"{name_of(owner)}-{digest}",
        "namespace": namespace_of(owner),
        "labels": labels_of(owner["spec"]["template"]) | {hash_label: digest},
        "ownerReferences": [owner_reference(owner)],
    }
    if count := annotations_of(owner).get(TEMPLATE_GENERATION):
        metadata["annotations"] = {TEMPLATE_GENERATION: count}
    return {"metadata": metadata, "data": data, "revision": number}


def template_of(revision: Object) -> Object:
    """The pod template that the revision stands for."""
    template = copied(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    found: Object = template
    return found


def forget_revisions(store: Store, owner: Object, revisions: Revisions, live: set[str]) -> None:
    """Delete the oldest ones beyond the limit; those with the names in `live` stay."""
    limit = number_at(owner, "spec", "revisionHistoryLimit")
    spare = [
        item for item in revisions.all if name_of(item) not in live | {name_of(revisions.newest)}
    ]
    for item in spare[: max(0, len(spare) - limit)]:
        store.remove(REVISIONS, namespace_of(item), name_of(item))
