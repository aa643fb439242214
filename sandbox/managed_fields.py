"""`metadata.managedFields`: who wrote which field last, as GitOps detection reads it.

A write takes over the fields whose values it changed. Lists are one field unless their items have
a merge key. It never decides whether a write is allowed.
"""

import json
from typing import Any, NamedTuple

from sandbox.objects import Object, copied, items_at
from sandbox.strategic import MERGE_KEYS

_MANAGED = ("labels", "annotations", "ownerReferences", "finalizers")
_HIDDEN = {"apiVersion", "kind", "metadata", "status"}


class Writer(NamedTuple):
    """Who writes: the manager's name, the time in RFC 3339 (or empty), and the subresource."""

    manager: str
    time: str
    subresource: str = ""


CONTROLLER = Writer("kube-controller-manager", "")


def note_write(before: Object | None, after: Object, writer: Writer) -> None:
    """Write the ownership of what changed into `after`; nothing changed, nothing is noted."""
    changed = _changes(_shown(before or {}), _shown(after))
    present = copied(items_at(before or {}, "metadata", "managedFields"))
    if not changed:
        if present:
            after["metadata"]["managedFields"] = present
        return
    left = [_without(entry, changed) for entry in present]
    entries = [entry for entry in left if entry["fieldsV1"]]
    mine = next((entry for entry in entries if _is_by(entry, writer)), None)
    if mine is None:
        mine = _entry(after, writer)
        entries.append(mine)
    mine["fieldsV1"] = _united(mine["fieldsV1"], changed)
    if writer.time:
        mine["time"] = writer.time
    after["metadata"]["managedFields"] = entries


def _entry(obj: Object, writer: Writer) -> Object:
    entry: Object = {"manager": writer.manager, "operation": "Update"}
    entry |= {"apiVersion": obj["apiVersion"], "fieldsType": "FieldsV1", "fieldsV1": {}}
    return entry | ({"subresource": writer.subresource} if writer.subresource else {})


def _is_by(entry: Object, writer: Writer) -> bool:
    who = (entry["manager"], entry.get("subresource", ""))
    return entry["operation"] == "Update" and who == (writer.manager, writer.subresource)


def _shown(obj: Object) -> Object:
    """The part of an object that managers own: not its identity, not its status."""
    metadata = obj.get("metadata", {})
    shown = {key: value for key, value in obj.items() if key not in _HIDDEN}
    owned = {key: metadata[key] for key in _MANAGED if metadata.get(key)}
    return shown | ({"metadata": owned} if owned else {})


def _changes(before: Any, after: Any, key: str = "") -> Object:
    """The fields of `after` that differ, as a FieldsV1 tree; empty when none does."""
    old, new = _members(before, key), _members(after, key)
    if new is None:
        return {}
    changed: Object = {}
    for name, (member, value) in new.items():
        known = (old or {}).get(name)
        if known is not None and known[1] == value:
            continue
        changed[name] = _changes(known[1] if known else None, value, member)
    return changed


def _members(value: Any, key: str) -> dict[str, tuple[str, Any]] | None:
    """Field name → (member name, value) of a map or of a list with a merge key; else None."""
    if isinstance(value, dict) and value and key not in {"selector", "resources"}:
        return {f"f:{name}": (name, item) for name, item in value.items()}
    merge_key = MERGE_KEYS.get(key)
    if isinstance(value, list) and merge_key and all(isinstance(item, dict) for item in value):
        return {
            f"k:{json.dumps({merge_key: item.get(merge_key)}, separators=(',', ':'))}": ("", item)
            for item in value
        }
    return None


def _without(entry: Object, taken: Object) -> Object:
    return entry | {"fieldsV1": _subtracted(entry["fieldsV1"], taken)}


def _subtracted(fields: Object, taken: Object) -> Object:
    """The tree without the leaves that somebody else has taken."""
    left: Object = {}
    for name, inner in fields.items():
        if name not in taken:
            left[name] = inner
        elif inner and taken[name] and (rest := _subtracted(inner, taken[name])):
            left[name] = rest
    return left


def _united(fields: Object, more: Object) -> Object:
    return {
        name: _united(fields.get(name, {}), more.get(name, {}))
        for name in dict.fromkeys([*fields, *more])
    }
