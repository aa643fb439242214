"""Strategic merge: maps merge, and the lists that have a merge key merge by that key.

The keys are those of the pod template and of object metadata, which is all that the served
resources need. A directive that is not understood is refused, never skipped.
"""

from typing import Any

from sandbox.objects import Object, copied
from sandbox.status import ApiError, not_implemented

MERGE_KEYS = {
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "ports": "containerPort",
    "resourceClaims": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
_ORDER = "$setElementOrder/"


def strategic_merge(current: Object, patch: Object) -> Object:
    """The merged document; raises ApiError 500 or 501 for a patch the format cannot express."""
    _refuse_unknown_directives(patch)
    if patch.get("$patch") == "replace":
        return _clean(patch)
    if patch.get("$patch") == "delete":
        return {}
    merged = _retained(current, patch)
    for key, value in patch.items():
        if not key.startswith("$"):
            _merge_member(merged, key, value, patch.get(_ORDER + key))
    return merged


def _merge_member(merged: Object, key: str, value: Any, order: Any) -> None:
    present = merged.get(key)
    if value is None:
        merged.pop(key, None)
    elif isinstance(value, dict):
        merged[key] = strategic_merge(present if isinstance(present, dict) else {}, value)
    elif isinstance(value, list) and key in MERGE_KEYS:
        merged[key] = _merge_list(MERGE_KEYS[key], present or [], value, order)
    elif isinstance(value, list) and key == "finalizers":
        merged[key] = list(dict.fromkeys([*(present or []), *value]))
    else:
        merged[key] = copied(value)


def _merge_list(
    merge_key: str, current: list[Object], patch: list[Object], order: list[Object] | None
) -> list[Object]:
    for item in patch:
        _check_item(merge_key, item)
    if any(item.get("$patch") == "replace" for item in patch):
        return [_clean(item) for item in patch if item.get("$patch") != "replace"]
    merged = {item.get(merge_key): item for item in current}
    for item in patch:
        _merge_item(merged, item, item.get(merge_key))
    wanted = [item.get(merge_key) for item in (patch if order is None else order)]
    return _interleaved(merged, [item.get(merge_key) for item in current], wanted)


def _check_item(merge_key: str, item: Any) -> None:
    if isinstance(item, dict) and (merge_key in item or item.get("$patch") == "replace"):
        return
    # The real server has no reason for this one either: it escapes as a bare 500.
    raise ApiError(500, "", f"map: {item} does not contain declared merge key: {merge_key}")


def _merge_item(merged: dict[Any, Object], item: Object, key: Any) -> None:
    if item.get("$patch") == "delete":
        merged.pop(key, None)
    else:
        merged[key] = strategic_merge(merged.get(key, {}), item)


def _interleaved(merged: dict[Any, Object], before: list[Any], wanted: list[Any]) -> list[Object]:
    """The server's order where both items were there before, otherwise the patch comes first."""
    patched = [key for key in dict.fromkeys(wanted) if key in merged]
    others = [key for key in before if key in merged and key not in patched]
    ordered: list[Any] = []
    while patched and others:
        known = patched[0] in before
        first = known and before.index(others[0]) < before.index(patched[0])
        ordered.append(others.pop(0) if first else patched.pop(0))
    return [merged[key] for key in ordered + patched + others]


def _retained(current: Object, patch: Object) -> Object:
    keep = patch.get("$retainKeys")
    return {key: value for key, value in current.items() if keep is None or key in keep}


def _clean(patch: Object) -> Object:
    """A copy without directives, for what replaces instead of merging."""
    return {
        key: copied(value)
        for key, value in patch.items()
        if not key.startswith("$") and value is not None
    }


def _refuse_unknown_directives(patch: Object) -> None:
    for key, value in patch.items():
        known = key in {"$patch", "$retainKeys"} or key.startswith(_ORDER)
        if key.startswith("$") and not known:
            raise not_implemented(f"the strategic merge directive {key}")
        if key == "$patch" and value not in {"replace", "delete", "merge"}:
            raise ApiError(500, "", f"unknown patch type found: {value}")
